// Sums and means.
#include "trainer/step_times.h"

#include <algorithm>

namespace bertha {

void StepTimes::add(const StepReport& report, double seconds, double data_wait_seconds) {
  throughput_.add_step(seconds, data_wait_seconds, report.totals.tokens, report.totals.sequences,
                       report.flops);
  phases_.forward += report.phases.forward;
  phases_.backward += report.phases.backward;
  phases_.reduce += report.phases.reduce;
  phases_.optimizer += report.phases.optimizer;
  steps_ += 1;
}

void StepTimes::take(double peak_flops, MetricsEvent& event) {
  const auto rates = throughput_.take();
  event.add("tokens_per_second", rates.tokens_per_second);
  event.add("sequences_per_second", rates.sequences_per_second);
  if (peak_flops > 0) event.add("model_flops_utilization", rates.flops_per_second / peak_flops);
  event.add("data_wait_fraction", rates.data_wait_fraction);
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, steps_));
  event.add("forward_seconds", phases_.forward / steps);
  event.add("backward_seconds", phases_.backward / steps);
  event.add("reduce_seconds", phases_.reduce / steps);
  event.add("optimizer_seconds", phases_.optimizer / steps);
  *this = {};
}

}  // namespace bertha
