// Dynamic loss scaling for fp16 (Micikevicius et al. 2018, section 3.2). Pure bookkeeping.
#pragma once

#include <cstdint>

namespace bertha {

struct LossScalerState {
  double scale = 65536.0;
  std::int64_t good_steps = 0;  // since the last change
  std::int64_t skipped_in_a_row = 0;
  std::int64_t skipped = 0;  // in all
  bool operator==(const LossScalerState&) const = default;
};

class LossScaler {
 public:
  explicit LossScaler(bool enabled, LossScalerState state = {});
  double scale() const;  // 1 when disabled
  // After a step: true when the gradients were finite. Halves on overflow (floor 1), doubles after
  // 2000 good steps (to at most 2^24). Error{internal} after 20 overflows in a row.
  void update(bool finite);
  const LossScalerState& state() const { return state_; }

 private:
  bool enabled_;
  LossScalerState state_;
};

}  // namespace bertha
