// Notes when buckets of a gradient and pieces of the weights go out and when they have arrived, for
// bench_communication.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "parallel/communicator.h"

namespace bertha {

// Forwards everything to `inner`, which must outlive it. One thread.
class TimelineCommunicator final : public Communicator {
 public:
  using Clock = std::chrono::steady_clock;
  enum class What { all_reduce, reduce_scatter, all_gather };
  struct Transfer {
    What what;
    double megabytes;
    Clock::time_point begin, end;  // end: when it was first seen to have arrived
    bool arrived = false;
  };

  explicit TimelineCommunicator(Communicator& inner) : inner_(inner) {}

  void clear();       // nothing may be under way
  void begin_step();  // forgets when somebody waited
  const std::vector<Transfer>& transfers() const { return transfers_; }  // of fp32 or bf16 tensors
  // When somebody first waited for a gradient: the end of the backward pass.
  Clock::time_point first_wait() const { return first_wait_; }

  const RankInfo& rank_info() const override { return inner_.rank_info(); }
  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override;
  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override;
  std::unique_ptr<Work> all_gather(at::Tensor values, std::span<const std::int64_t> parts) override;
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override;
  void broadcast(at::Tensor values, int root) override;
  std::vector<std::string> gather_bytes(std::string_view bytes) override;
  void abort(int exit_code) noexcept override { inner_.abort(exit_code); }

 private:
  class TimedWork;
  void look();  // at all transfers under way
  template <class Start>
  std::unique_ptr<Work> timed(What what, const at::Tensor& values, Start start);

  Communicator& inner_;
  std::vector<Transfer> transfers_;
  std::vector<Work*> under_way_;  // by transfer; null: arrived
  Clock::time_point first_wait_{};
};

}  // namespace bertha
