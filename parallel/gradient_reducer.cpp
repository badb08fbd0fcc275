// Strict bucket order: bucket k goes out only after buckets 0..k-1, whatever order backward takes,
// so every rank issues the same collectives.
#include "parallel/gradient_reducer.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

at::Tensor part_of(const at::Tensor& flat, const FlatRange& range) {
  return flat.slice(0, range.begin, range.end);
}

void check(const at::Tensor& flat_gradient, const BucketPlan& plan) {
  if (flat_gradient.scalar_type() != at::kFloat || flat_gradient.dim() != 1 ||
      !flat_gradient.is_contiguous()) {
    throw Error(ErrorKind::internal, "the flat gradient is not a contiguous float32 vector");
  }
  std::int64_t covered = 0;
  for (const auto& range : plan.buckets) covered += range.size();
  if (covered != flat_gradient.numel()) {
    throw Error(ErrorKind::internal, fmt::format("buckets cover {} of {} gradient elements",
                                                 covered, flat_gradient.numel()));
  }
}

}  // namespace

GradientReducer::GradientReducer(Communicator& communicator, at::Tensor flat_gradient,
                                 BucketPlan plan, Precision precision, std::vector<FlatRange> owned)
    : communicator_(communicator),
      flat_gradient_(std::move(flat_gradient)),
      plan_(std::move(plan)),
      owned_(std::move(owned)),
      missing_initially_(plan_.buckets.size(), 0) {
  check(flat_gradient_, plan_);
  for (const int bucket : plan_.bucket_of_parameter) {
    ++missing_initially_.at(static_cast<std::size_t>(bucket));
  }
  if (precision == Precision::bf16 && communicator_.rank_info().world_size > 1) {
    wire_ = at::empty_like(flat_gradient_, at::kBFloat16);
  }
}

void GradientReducer::begin() {
  if (active_) throw Error(ErrorKind::internal, "gradient reduction begun twice");
  missing_ = missing_initially_;
  ready_.assign(plan_.bucket_of_parameter.size(), false);
  next_bucket_ = 0;
  active_ = true;
}

void GradientReducer::mark_ready(int parameter) {
  const auto index = static_cast<std::size_t>(parameter);
  if (!active_ || parameter < 0 || index >= ready_.size() || ready_[index]) {
    throw Error(ErrorKind::internal,
                fmt::format("parameter {} marked ready {}", parameter,
                            !active_                                  ? "outside a reduction"
                            : parameter < 0 || index >= ready_.size() ? "does not exist"
                                                                      : "twice"));
  }
  ready_[index] = true;
  --missing_[static_cast<std::size_t>(plan_.bucket_of_parameter[index])];
  launch_ready_buckets();
  poll();
}

void GradientReducer::finish() {
  if (!active_) throw Error(ErrorKind::internal, "gradient reduction finished before it began");
  while (next_bucket_ < plan_.buckets.size()) launch(next_bucket_++);
  for (std::size_t bucket = 0; bucket < in_flight_.size(); ++bucket) {
    in_flight_[bucket]->wait();
    if (!wire_.defined()) continue;
    const auto range = summed_part(plan_.buckets[bucket]);
    part_of(flat_gradient_, range).copy_(part_of(wire_, range));
  }
  in_flight_.clear();
  active_ = false;
}

void GradientReducer::launch_ready_buckets() {
  while (next_bucket_ < plan_.buckets.size() && missing_[next_bucket_] == 0) {
    launch(next_bucket_++);
  }
}

void GradientReducer::launch(std::size_t bucket) {
  if (communicator_.rank_info().world_size == 1) return;
  auto travelling = part_of(flat_gradient_, plan_.buckets[bucket]);
  if (wire_.defined()) {
    auto copy = part_of(wire_, plan_.buckets[bucket]);
    copy.copy_(travelling);
    travelling = copy;
  }
  in_flight_.push_back(owned_.empty() ? communicator_.all_reduce(travelling, ReduceOp::sum)
                                      : communicator_.reduce_scatter(
                                            travelling, parts_of(plan_.buckets[bucket], owned_)));
}

FlatRange GradientReducer::summed_part(const FlatRange& bucket) const {
  if (owned_.empty()) return bucket;
  const auto& mine = owned_[static_cast<std::size_t>(communicator_.rank_info().rank)];
  const auto begin = std::max(bucket.begin, mine.begin), end = std::min(bucket.end, mine.end);
  return {begin, std::max(begin, end)};
}

// MPI moves data only inside its calls; the ready marks of backward are a good time to make one.
// A call about one transfer moves all of them.
void GradientReducer::poll() {
  if (!in_flight_.empty()) in_flight_.back()->progress();
}

}  // namespace bertha
