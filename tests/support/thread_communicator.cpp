// Every collective is a numbered meeting: ranks post a snapshot, and wait() combines all snapshots.
#include "tests/support/thread_communicator.h"

#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "parallel/base/error.h"
#include "parallel/tensor_check.h"

namespace bertha::testing {
namespace {

struct Post {
  std::string call;  // name and parameters; must be the same on all ranks
  at::Tensor tensor;
  std::string bytes;
};

// Where the ranks of one run meet.
class MeetingPlace {
 public:
  explicit MeetingPlace(const ThreadRanks& ranks)
      : size_(static_cast<std::size_t>(ranks.world_size)),
        patience_(ranks.patience),
        gone_(size_, false) {}

  void post(std::size_t rank, std::int64_t number, Post post) {
    const std::scoped_lock lock(mutex_);
    auto& meeting = meetings_[number];
    meeting.posts.resize(size_);
    meeting.posts[rank] = std::move(post);
    ++meeting.arrived;
    changed_.notify_all();
  }

  // Everyone's posts. The last rank to collect them clears the place.
  std::vector<Post> collect(std::size_t rank, std::int64_t number) {
    std::unique_lock lock(mutex_);
    const auto all_here = [&] { return meetings_[number].arrived == size_; };
    const auto hopeless = [&] { return missing_gone_rank(number).has_value(); };
    const bool in_time =
        changed_.wait_for(lock, patience_, [&] { return all_here() || hopeless(); });
    if (!all_here()) fail(rank, number, in_time);
    auto& meeting = meetings_[number];
    std::vector<Post> posts;
    for (const auto& post : meeting.posts) posts.push_back(*post);
    if (++meeting.collected == size_) meetings_.erase(number);
    lock.unlock();
    for (std::size_t other = 0; other < size_; ++other) {
      if (posts[other].call == posts[rank].call) continue;
      throw Error(ErrorKind::communication,
                  fmt::format("collective {}: rank {} called {}, rank {} {}", number, rank,
                              posts[rank].call, other, posts[other].call));
    }
    return posts;
  }

  void leave(std::size_t rank, std::exception_ptr outcome) {
    const std::scoped_lock lock(mutex_);
    gone_[rank] = true;
    if (outcome && !first_error_) first_error_ = std::move(outcome);
    changed_.notify_all();
  }

  std::exception_ptr first_error() const { return first_error_; }

 private:
  struct Meeting {
    std::vector<std::optional<Post>> posts;
    std::size_t arrived = 0, collected = 0;
  };

  std::optional<std::size_t> missing_gone_rank(std::int64_t number) {
    const auto& posts = meetings_[number].posts;
    for (std::size_t rank = 0; rank < size_; ++rank) {
      if (gone_[rank] && (rank >= posts.size() || !posts[rank])) return rank;
    }
    return std::nullopt;
  }

  [[noreturn]] void fail(std::size_t rank, std::int64_t number, bool in_time) {
    throw Error(ErrorKind::communication,
                in_time ? fmt::format("rank {}: rank {} ended before collective {}", rank,
                                      *missing_gone_rank(number), number)
                        : fmt::format("rank {}: collective {} waits for ranks that do not come",
                                      rank, number));
  }

  std::size_t size_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, Meeting> meetings_;
  std::vector<bool> gone_;
  std::exception_ptr first_error_;
};

// Nobody may rely on what is in a buffer between the call and wait().
void spoil(at::Tensor tensor) {
  if (tensor.is_floating_point()) {
    tensor.fill_(std::numeric_limits<double>::quiet_NaN());
  } else {
    tensor.fill_(-77777);
  }
}

class ThreadWork final : public Work {
 public:
  explicit ThreadWork(std::function<void()> finish) : finish_(std::move(finish)) {}
  void wait() override {
    if (finish_) std::exchange(finish_, {})();
  }
  ~ThreadWork() override {
    if (std::uncaught_exceptions() > 0) return;
    try {
      wait();
    } catch (const std::exception&) {  // whoever waits for the next one gets it
    }
  }
  ThreadWork(const ThreadWork&) = delete;
  ThreadWork& operator=(const ThreadWork&) = delete;

 private:
  std::function<void()> finish_;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(const ThreadRanks& ranks, MeetingPlace& place, int rank)
      : place_(place),
        faults_(ranks.faults),
        rank_info_{rank, ranks.world_size, rank, ranks.world_size} {}

  const RankInfo& rank_info() const override { return rank_info_; }

  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override {
    check_collective_tensor(values, "values");
    const auto number = post("all_reduce", static_cast<int>(op), values);
    spoil(values);
    return std::make_unique<ThreadWork>([this, values, op, number] {
      const auto posts = collect(number);
      auto total = posts.front().tensor;
      for (std::size_t r = 1; r < posts.size(); ++r) {  // in rank order: the same everywhere
        const auto& next = posts[r].tensor;
        total = op == ReduceOp::sum   ? at::add(total, next)
                : op == ReduceOp::max ? at::maximum(total, next)
                                      : at::minimum(total, next);
      }
      values.copy_(total);
    });
  }

  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override {
    check_cut(values, parts, rank_info_);
    const auto number = post("reduce_scatter" + sizes(parts), 0, values);
    spoil(values);  // the others' parts stay so
    const auto [begin, end] = own_part(parts);
    return std::make_unique<ThreadWork>([this, values, begin, end, number] {
      at::Tensor total;
      for (const auto& each : collect(number)) {
        const auto part = each.tensor.view({-1}).slice(0, begin, end);
        total = total.defined() ? at::add(total, part) : part;
      }
      values.view({-1}).slice(0, begin, end).copy_(total);
    });
  }

  std::unique_ptr<Work> all_gather(at::Tensor values,
                                   std::span<const std::int64_t> parts) override {
    check_cut(values, parts, rank_info_);
    const auto number = post("all_gather" + sizes(parts), 0, values);
    const std::vector<std::int64_t> cut(parts.begin(), parts.end());
    const auto [begin, end] = own_part(parts);
    spoil(values.view({-1}).slice(0, 0, begin));
    spoil(values.view({-1}).slice(0, end));
    return std::make_unique<ThreadWork>([this, values, cut, number] {
      std::int64_t at = 0;
      const auto posts = collect(number);
      for (std::size_t rank = 0; rank < posts.size(); at += cut[rank++]) {
        const auto range = [&](const at::Tensor& whole) {
          return whole.view({-1}).slice(0, at, at + cut[rank]);
        };
        range(values).copy_(range(posts[rank].tensor));
      }
    });
  }

  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override {
    const auto n = check_exchange(input, output, rank_info_);
    const auto number = post("all_to_all", 0, input);
    spoil(output);
    return std::make_unique<ThreadWork>([this, output, n, number] {
      std::vector<at::Tensor> parts;
      for (const auto& each : collect(number)) {
        parts.push_back(
            each.tensor.view({-1}).slice(0, rank_info_.rank * n, (rank_info_.rank + 1) * n));
      }
      output.view({-1}).copy_(at::cat(parts));
    });
  }

  void broadcast(at::Tensor values, int root) override {
    check_collective_tensor(values, "values");
    check_root(root, rank_info_);
    const auto posts = collect(post("broadcast", root, values));
    values.copy_(posts[static_cast<std::size_t>(root)].tensor);
  }

  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    const auto number = next_number();
    place_.post(mine(), number, {"gather_bytes", {}, std::string(bytes)});
    std::vector<std::string> texts;
    for (auto& each : collect(number)) texts.push_back(std::move(each.bytes));
    return texts;
  }

  // Nothing to end: the test sees the error that led here.
  void abort(int) noexcept override {}

 private:
  std::pair<std::int64_t, std::int64_t> own_part(std::span<const std::int64_t> parts) const {
    const auto begin =
        std::accumulate(parts.begin(), parts.begin() + rank_info_.rank, std::int64_t{0});
    return {begin, begin + parts[mine()]};
  }
  static std::string sizes(std::span<const std::int64_t> parts) {
    return fmt::format("[{}]", fmt::join(parts, ","));
  }
  std::size_t mine() const { return static_cast<std::size_t>(rank_info_.rank); }
  std::vector<Post> collect(std::int64_t number) { return place_.collect(mine(), number); }

  std::int64_t post(const std::string& name, int parameter, const at::Tensor& tensor) {
    const auto number = next_number();
    place_.post(mine(), number,
                {fmt::format("{}({}) of {} {}", name, parameter, tensor.numel(),
                             c10::toString(tensor.scalar_type())),
                 tensor.clone(),
                 {}});
    return number;
  }

  std::int64_t next_number() {
    ++calls_;
    for (const auto& fault : faults_) {
      if (fault.rank != rank_info_.rank || fault.call != calls_) continue;
      if (fault.kind == Fault::Kind::delay) {
        std::this_thread::sleep_for(fault.delay);
        continue;
      }
      throw Error(ErrorKind::communication,
                  fmt::format("injected fault on rank {}, call {}", fault.rank, fault.call));
    }
    return calls_;
  }

  MeetingPlace& place_;
  std::vector<Fault> faults_;
  RankInfo rank_info_;
  int calls_ = 0;
};

// What each rank threw, and which of it was thrown first.
std::pair<std::vector<std::exception_ptr>, std::exception_ptr> run(
    const ThreadRanks& ranks, const std::function<void(Communicator&)>& body) {
  MeetingPlace place(ranks);
  std::vector<std::exception_ptr> outcomes(static_cast<std::size_t>(ranks.world_size));
  {
    std::vector<std::jthread> threads;
    for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
      threads.emplace_back([&, rank] {
        ThreadCommunicator communicator(ranks, place, static_cast<int>(rank));
        try {
          body(communicator);
        } catch (...) {
          outcomes[rank] = std::current_exception();
        }
        place.leave(rank, outcomes[rank]);
      });
    }
  }
  return {std::move(outcomes), place.first_error()};
}

}  // namespace

std::vector<std::exception_ptr> outcomes_of_thread_ranks(
    const ThreadRanks& ranks, const std::function<void(Communicator&)>& body) {
  return run(ranks, body).first;
}

void run_thread_ranks(const ThreadRanks& ranks, const std::function<void(Communicator&)>& body) {
  if (const auto error = run(ranks, body).second) std::rethrow_exception(error);
}

void run_thread_ranks(int world_size, const std::function<void(Communicator&)>& body) {
  run_thread_ranks(ThreadRanks{.world_size = world_size, .faults = {}}, body);
}

std::string message_of(const std::exception_ptr& outcome) {
  if (!outcome) return {};
  try {
    std::rethrow_exception(outcome);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace bertha::testing
