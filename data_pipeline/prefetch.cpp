// The scheduler's word for background work.
#include "data_pipeline/prefetch.h"

#include <pthread.h>
#include <sched.h>

namespace bertha {

void run_in_background() {
#ifdef SCHED_BATCH
  const sched_param parameters{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameters);
#endif
}

}  // namespace bertha
