// data table: least and most of options that are numbers.
#include "launch/option_ranges.h"

#include <limits>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr double kMost = std::numeric_limits<double>::max();  // infinity is none of them
constexpr OptionRange kShare{0, 1}, kUnderOne{0, 1, false}, kFromZero{0, kMost}, kFromOne{1, kMost};

constexpr NamedRange kRanges[] = {
    {"prepare.shard_tokens", kFromOne},
    {"prepare.validation_fraction", kShare},
    {"prepare.workers", kFromZero},
    {"data.validation_fraction", kShare},
    {"data.short_sequence_probability", kShare},
    {"data.workers", kFromZero},
    {"masking.probability", kShare},
    {"masking.mask_fraction", kShare},
    {"masking.random_fraction", kShare},
    {"masking.max_predictions", kFromZero},
    {"model.hidden_dropout", kShare},
    {"model.attention_dropout", kShare},
    {"model.initializer_range", kFromZero},
    {"train.steps", kFromZero},
    {"train.epochs", kFromZero},
    {"train.global_batch", kFromOne},
    {"train.micro_batch_tokens", kFromOne},
    {"train.loss_scale", kFromZero},
    {"train.loss_scale_growth_steps", kFromOne},
    {"train.loss_scale_most_skips", kFromOne},
    {"train.threads", kFromZero},
    {"train.log_every", kFromZero},
    {"train.validate_every", kFromZero},
    {"train.validation_batches", kFromZero},
    {"train.save_every", kFromZero},
    {"train.keep_last", kFromZero},
    {"train.keep_every", kFromZero},
    {"train.keep_best", kFromZero},
    {"train.stop_after_steps", kFromZero},
    {"train.max_seconds", kFromZero},
    {"train.stop_before_seconds", kFromZero},
    {"optimizer.learning_rate", kFromZero},
    {"optimizer.beta1", kUnderOne},
    {"optimizer.beta2", kUnderOne},
    {"optimizer.epsilon", kFromZero},
    {"optimizer.weight_decay", kFromZero},
    {"optimizer.weight_norm_min", kFromZero},
    {"optimizer.weight_norm_max", kFromZero},
    {"optimizer.trust_ratio_min", kFromZero},
    {"optimizer.trust_ratio_max", kFromZero},
    {"optimizer.clip_norm", kFromZero},
    {"schedule.warmup_steps", {-1, kMost}},
    {"schedule.warmup_fraction", kShare},
    {"schedule.power", kFromZero},
    {"schedule.end_rate", kFromZero},
    {"parallel.bucket_bytes", kFromZero},
    {"parallel.timeout_seconds", kFromZero},
    {"plan.tokens_per_second", kFromZero},
    {"plan.optimizer_seconds", kFromZero},
    {"plan.measure_seconds", kFromZero},
    {"plan.latency_seconds", kFromZero},
    {"plan.memory_bytes", kFromZero},
    {"plan.cost_per_rank_hour", kFromZero},
};

}  // namespace

std::string OptionRange::text() const {
  return most == kMost ? fmt::format("at least {}", least)
                       : fmt::format("from {} to {}{}", least, most_itself ? "" : "under ", most);
}

std::span<const NamedRange> option_ranges() {
  return kRanges;
}

std::optional<OptionRange> option_range(std::string_view name) {
  for (const auto& [option, range] : kRanges) {
    if (option == name) return range;
  }
  return {};
}

}  // namespace bertha
