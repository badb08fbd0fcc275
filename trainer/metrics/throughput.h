// Speed of a run: tokens and sequences per second, model FLOPs utilization, share of waiting.
#pragma once

#include <cstdint>

namespace bertha {

struct ModelShape {  // what the FLOP formula needs
  std::int64_t layers, hidden_size, intermediate_size, vocabulary_size;
};

// FLOPs of training one micro-batch forward and backward (multiply-add = 2, backward = 2 forward):
// 3 * (layers * (2 t (4 h^2 + 2 h i) + 4 h sum(l^2)) + 2 m (h^2 + h v)); t tokens, l sequence
// lengths, m masked positions. As bert-large 12 L h^2 accounting in Kaplan et al. 2020,
// section 2.1. Of the whole model: rows that the last layer leaves out (tasks/flops.h) count, too.
double training_flops(const ModelShape& shape, double tokens, double squared_lengths,
                      double masked_positions);

// Sums of the steps since the last report.
class Throughput {
 public:
  void add_step(double seconds, double data_wait_seconds, double tokens, double sequences,
                double flops);
  struct Rates {
    double tokens_per_second = 0, sequences_per_second = 0, flops_per_second = 0,
           data_wait_fraction = 0;
  };
  Rates take();  // and starts again

 private:
  double seconds_ = 0, wait_ = 0, tokens_ = 0, sequences_ = 0, flops_ = 0;
};

}  // namespace bertha
