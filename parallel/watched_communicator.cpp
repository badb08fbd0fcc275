// Forwards every call.
#include "parallel/watched_communicator.h"

#include <utility>

namespace bertha {
namespace {

class Waiting {
 public:
  explicit Waiting(Watchdog& watchdog) : watchdog_(watchdog) { watchdog_.begin_waiting(); }
  ~Waiting() { watchdog_.end_waiting(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Watchdog& watchdog_;
};

class WatchedWork final : public Work {
 public:
  WatchedWork(std::unique_ptr<Work> inner, Watchdog& watchdog)
      : inner_(std::move(inner)), watchdog_(watchdog) {}
  void wait() override {
    const Waiting waiting(watchdog_);
    inner_->wait();
  }
  bool progress() override { return inner_->progress(); }

 private:
  std::unique_ptr<Work> inner_;
  Watchdog& watchdog_;
};

class WatchedCommunicator final : public Communicator {
 public:
  WatchedCommunicator(Communicator& inner, Watchdog& watchdog)
      : inner_(inner), watchdog_(watchdog) {}

  const RankInfo& rank_info() const override { return inner_.rank_info(); }

  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override {
    return start("all-reduce", values, [&] { return inner_.all_reduce(values, op); });
  }
  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override {
    return start("reduce-scatter", values, [&] { return inner_.reduce_scatter(values, parts); });
  }
  std::unique_ptr<Work> all_gather(at::Tensor values,
                                   std::span<const std::int64_t> parts) override {
    return start("all-gather", values, [&] { return inner_.all_gather(values, parts); });
  }
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override {
    return start("all-to-all", input, [&] { return inner_.all_to_all(input, output); });
  }
  void broadcast(at::Tensor values, int root) override {
    enter("broadcast", values);
    const Waiting waiting(watchdog_);
    inner_.broadcast(std::move(values), root);
  }
  // Ranks may give different numbers of bytes.
  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    watchdog_.enter("gather", 0);
    const Waiting waiting(watchdog_);
    return inner_.gather_bytes(bytes);
  }
  void abort(int exit_code) noexcept override { inner_.abort(exit_code); }

 private:
  void enter(const char* operation, const at::Tensor& tensor) {
    watchdog_.enter(operation, tensor.defined() ? tensor.nbytes() : 0);
  }
  template <class Start>
  std::unique_ptr<Work> start(const char* operation, const at::Tensor& tensor, Start call) {
    enter(operation, tensor);
    return std::make_unique<WatchedWork>(call(), watchdog_);
  }

  Communicator& inner_;
  Watchdog& watchdog_;
};

}  // namespace

std::unique_ptr<Communicator> watch_communicator(Communicator& inner, Watchdog& watchdog) {
  return std::make_unique<WatchedCommunicator>(inner, watchdog);
}

}  // namespace bertha
