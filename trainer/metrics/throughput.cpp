// Rates over the steps since the last report.
#include "trainer/metrics/throughput.h"

#include <utility>

namespace bertha {

double training_flops(const ModelShape& shape, double tokens, double squared_lengths,
                      double masked_positions) {
  const auto layers = static_cast<double>(shape.layers);
  const auto hidden = static_cast<double>(shape.hidden_size);
  const auto intermediate = static_cast<double>(shape.intermediate_size);
  const auto vocabulary = static_cast<double>(shape.vocabulary_size);
  // Query, key, value and output projections; the two of the feed-forward block.
  const double projections = 2 * tokens * (4 * hidden * hidden + 2 * hidden * intermediate);
  // Scores and their weighted sum of values: 2 l^2 h each, per sequence.
  const double attention = 4 * hidden * squared_lengths;
  const double head = 2 * masked_positions * (hidden * hidden + hidden * vocabulary);
  return 3 * (layers * (projections + attention) + head);
}

void Throughput::add_step(double seconds, double data_wait_seconds, double tokens, double sequences,
                          double flops) {
  seconds_ += seconds;
  wait_ += data_wait_seconds;
  tokens_ += tokens;
  sequences_ += sequences;
  flops_ += flops;
}

Throughput::Rates Throughput::take() {
  const auto sums = std::exchange(*this, Throughput());
  if (sums.seconds_ <= 0) return {};
  return {sums.tokens_ / sums.seconds_, sums.sequences_ / sums.seconds_,
          sums.flops_ / sums.seconds_, sums.wait_ / sums.seconds_};
}

}  // namespace bertha
