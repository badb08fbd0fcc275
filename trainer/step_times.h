// Where the time of the steps since the last train line went: the same for both loops.
#pragma once

#include <cstdint>

#include "trainer/metrics/metrics_sink.h"
#include "trainer/metrics/throughput.h"
#include "trainer/train_step.h"

namespace bertha {

class StepTimes {
 public:
  // `seconds` of the whole step, `data_wait_seconds` of them without a batch.
  void add(const StepReport& report, double seconds, double data_wait_seconds);
  // Adds tokens_per_second, sequences_per_second, model_flops_utilization (unless `peak_flops`, of
  // all ranks together, is 0), data_wait_fraction and the mean seconds of each phase; then begins
  // again.
  void take(double peak_flops, MetricsEvent& event);

 private:
  Throughput throughput_;
  PhaseSeconds phases_;  // sums
  std::int64_t steps_ = 0;
};

}  // namespace bertha
