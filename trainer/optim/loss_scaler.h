// Dynamic loss scaling for fp16 (Micikevicius et al. 2018, section 3.2). Pure bookkeeping.
#pragma once

#include <cstdint>
#include <string>

namespace bertha {

struct LossScalerState {
  double scale = 65536.0;
  std::int64_t good_steps = 0;  // since the last change
  std::int64_t skipped_in_a_row = 0;
  std::int64_t skipped = 0;  // in all
  bool operator==(const LossScalerState&) const = default;
};

struct LossScalerOptions {
  double initial = 65536;  // the scale of a new run
  std::int64_t growth_steps = 2000, most_skipped_in_a_row = 20;
};

class LossScaler {
 public:
  // Error{usage}: impossible options.
  explicit LossScaler(bool enabled, LossScalerState state = {}, LossScalerOptions options = {});
  double scale() const;  // 1 when disabled
  // After a step: true when the gradients were finite. Halves on overflow (floor 1), doubles after
  // growth_steps good ones (to at most 2^24).
  void update(bool finite);
  // Why there is no use in going on: after most_skipped_in_a_row overflows in a row; else empty.
  std::string given_up() const;
  const LossScalerState& state() const { return state_; }

 private:
  bool enabled_;
  LossScalerState state_;
  LossScalerOptions options_;
};

}  // namespace bertha
