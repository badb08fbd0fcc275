// Halving on overflow, doubling after a long time without.
#include "trainer/optim/loss_scaler.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr double kLargestScale = 0x1p24;  // more than that fp16 gradients never use

}  // namespace

LossScaler::LossScaler(bool enabled, LossScalerState state, LossScalerOptions options)
    : enabled_(enabled), state_(state), options_(options) {
  if (options.growth_steps < 1 || options.most_skipped_in_a_row < 1 || !(options.initial >= 1)) {
    throw Error(ErrorKind::usage,
                "train.loss_scale, train.loss_scale_growth_steps and train.loss_scale_most_skips "
                "must be at least 1");
  }
  if (!(state_.scale >= 1.0 && std::isfinite(state_.scale))) {
    throw Error(ErrorKind::bad_data,
                fmt::format("loss scale {} is not a number of at least 1", state_.scale));
  }
}

double LossScaler::scale() const {
  return enabled_ ? state_.scale : 1.0;
}

void LossScaler::update(bool finite) {
  if (!enabled_) return;
  if (finite) {
    state_.skipped_in_a_row = 0;
    if (++state_.good_steps < options_.growth_steps) return;
    state_.good_steps = 0;
    state_.scale = std::max(state_.scale, std::min(state_.scale * 2, kLargestScale));
    return;
  }
  state_.scale = std::max(1.0, state_.scale / 2);
  state_.good_steps = 0;
  state_.skipped += 1;
  state_.skipped_in_a_row += 1;
}

std::string LossScaler::given_up() const {
  if (!enabled_ || state_.skipped_in_a_row < options_.most_skipped_in_a_row) return {};
  return fmt::format("fp16 gradients overflowed in {} steps in a row, at a loss scale of {}",
                     state_.skipped_in_a_row, state_.scale);
}

}  // namespace bertha
