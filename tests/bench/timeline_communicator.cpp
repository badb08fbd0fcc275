// Every call of progress() looks at all transfers, so that arrivals are seen as early as can be.
#include "tests/bench/timeline_communicator.h"

#include <utility>

namespace bertha {

class TimelineCommunicator::TimedWork final : public Work {
 public:
  TimedWork(TimelineCommunicator& owner, std::size_t number, std::unique_ptr<Work> inner)
      : owner_(owner), number_(number), inner_(std::move(inner)) {}

  void wait() override {
    const bool gradient = owner_.transfers_[number_].what != What::all_gather;
    if (gradient && owner_.first_wait_ == Clock::time_point{}) owner_.first_wait_ = Clock::now();
    owner_.look();
    inner_->wait();
    owner_.under_way_[number_] = nullptr;
    auto& transfer = owner_.transfers_[number_];
    if (!transfer.arrived) transfer.end = Clock::now(), transfer.arrived = true;
  }
  bool progress() override {
    owner_.look();
    return owner_.transfers_[number_].arrived;
  }

 private:
  TimelineCommunicator& owner_;
  std::size_t number_;
  std::unique_ptr<Work> inner_;
};

void TimelineCommunicator::clear() {
  transfers_.clear();
  under_way_.clear();
  first_wait_ = {};
}

void TimelineCommunicator::begin_step() {
  first_wait_ = {};
}

void TimelineCommunicator::look() {
  for (std::size_t i = 0; i < under_way_.size(); ++i) {
    if (!under_way_[i] || !under_way_[i]->progress()) continue;
    under_way_[i] = nullptr;
    transfers_[i].end = Clock::now();
    transfers_[i].arrived = true;
  }
}

template <class Start>
std::unique_ptr<Work> TimelineCommunicator::timed(What what, const at::Tensor& values,
                                                  Start start) {
  const bool counts = values.scalar_type() == at::kFloat || values.scalar_type() == at::kBFloat16;
  if (!counts) return start();
  look();
  transfers_.push_back({what, static_cast<double>(values.nbytes()) / 1e6, Clock::now(), {}});
  auto work = start();
  under_way_.push_back(work.get());
  return std::make_unique<TimedWork>(*this, transfers_.size() - 1, std::move(work));
}

std::unique_ptr<Work> TimelineCommunicator::all_reduce(at::Tensor values, ReduceOp op) {
  return timed(What::all_reduce, values, [&] { return inner_.all_reduce(values, op); });
}
std::unique_ptr<Work> TimelineCommunicator::reduce_scatter(at::Tensor values,
                                                           std::span<const std::int64_t> parts) {
  return timed(What::reduce_scatter, values, [&] { return inner_.reduce_scatter(values, parts); });
}
std::unique_ptr<Work> TimelineCommunicator::all_gather(at::Tensor values,
                                                       std::span<const std::int64_t> parts) {
  return timed(What::all_gather, values, [&] { return inner_.all_gather(values, parts); });
}
std::unique_ptr<Work> TimelineCommunicator::all_to_all(at::Tensor input, at::Tensor output) {
  return inner_.all_to_all(std::move(input), std::move(output));
}
void TimelineCommunicator::broadcast(at::Tensor values, int root) {
  inner_.broadcast(std::move(values), root);
}
std::vector<std::string> TimelineCommunicator::gather_bytes(std::string_view bytes) {
  return inner_.gather_bytes(bytes);
}

}  // namespace bertha
