// Every rank tells of its own samples, since only it knows them.
#include "trainer/not_finite.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kNamedSamples = 32;  // of the micro-batch that broke
constexpr std::size_t kFewSamples = 4;     // of a rank, when none did
constexpr std::size_t kNamedRanks = 8;

bool is_finite(const at::Tensor& values) {
  return at::isfinite(values).all().item<bool>();
}

// Of all ranks, each of which looks into its range.
std::string first_parameter(Communicator& communicator, const ParameterSpace& space,
                            const FlatRange& summed) {
  const auto& parameters = space.parameters();
  double mine = static_cast<double>(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const auto begin = std::max(summed.begin, parameters[i].offset);
    const auto end = std::min(summed.end, parameters[i].offset + parameters[i].elements);
    if (begin < end && !is_finite(space.gradient().slice(0, begin, end))) {
      mine = static_cast<double>(i);
    }
  }
  for (const auto& row : gather_doubles(communicator, std::vector{mine})) {
    mine = std::min(mine, row.at(0));
  }
  const auto first = static_cast<std::size_t>(mine);
  return first < parameters.size() ? parameters[first].name : "none: the loss itself";
}

std::string list_numbers(const std::vector<std::uint64_t>& numbers, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(numbers.size(), most); ++i) {
    text += fmt::format("{}{}", i > 0 ? " " : "", numbers[i]);
  }
  if (numbers.size() > most) text += fmt::format(" and {} more", numbers.size() - most);
  return text;
}

// The micro-batch whose loss broke, else some of all.
std::string samples_of(const NotFiniteStep& what) {
  const auto list_samples = [&](std::span<const Batch> batches, std::size_t most) {
    std::vector<std::uint64_t> numbers;
    for (const auto& batch : batches) {
      numbers.insert(numbers.end(), batch.sample_numbers.begin(), batch.sample_numbers.end());
    }
    if (numbers.empty()) return std::string("none");
    return what.names ? what.names(numbers, most) : list_numbers(numbers, most);
  };
  const auto count = std::min(what.micro_batches.size(), what.sums.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (is_finite(what.sums[i])) continue;
    return fmt::format("{} (micro-batch {} of {})",
                       list_samples(what.micro_batches.subspan(i, 1), kNamedSamples), i + 1,
                       what.micro_batches.size());
  }
  return list_samples(what.micro_batches, kFewSamples);
}

}  // namespace

void throw_not_finite(Communicator& communicator, const ParameterSpace& space,
                      const NotFiniteStep& what) {
  const auto parameter = first_parameter(communicator, space, what.summed);
  const auto samples = communicator.gather_bytes(samples_of(what));
  std::string losses;
  if (what.broken_rank >= 0) {
    losses = fmt::format("the loss of rank {0} is the first; rank {0}'s samples {1}",
                         what.broken_rank, samples.at(static_cast<std::size_t>(what.broken_rank)));
  } else {
    losses = "the losses of all ranks are finite";
    for (std::size_t rank = 0; rank < std::min(samples.size(), kNamedRanks); ++rank) {
      losses += fmt::format("; rank {}'s samples {}", rank, samples[rank]);
    }
    if (samples.size() > kNamedRanks) {
      losses += fmt::format("; and of {} more ranks", samples.size() - kNamedRanks);
    }
  }
  const bool by_scale = !what.given_up.empty();
  throw Error(
      ErrorKind::internal,
      fmt::format("{}{}loss or gradient is not a finite number in step {}: first parameter {}; {}",
                  what.given_up, by_scale ? "; " : "", what.step + 1, parameter, losses),
      fmt::format("lower optimizer.learning_rate or {}, then resume from the last checkpoint; "
                  "nothing was saved over it",
                  by_scale ? "use --train.precision bf16" : "lengthen schedule.warmup_steps"));
}

}  // namespace bertha
