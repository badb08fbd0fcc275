// A communicator that remembers which collectives went through it; another one does them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parallel/communicator.h"

namespace bertha::testing {

class Recorder final : public Communicator {
 public:
  explicit Recorder(Communicator& inner) : inner_(inner) {}
  const RankInfo& rank_info() const override { return inner_.rank_info(); }
  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override {
    calls.emplace_back("all_reduce");
    reduced.push_back(values.numel());
    return inner_.all_reduce(std::move(values), op);
  }
  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override {
    calls.emplace_back("reduce_scatter");
    reduced.push_back(values.numel());
    return inner_.reduce_scatter(std::move(values), parts);
  }
  std::unique_ptr<Work> all_gather(at::Tensor values,
                                   std::span<const std::int64_t> parts) override {
    calls.emplace_back("all_gather");
    return inner_.all_gather(std::move(values), parts);
  }
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override {
    calls.emplace_back("all_to_all");
    return inner_.all_to_all(std::move(input), std::move(output));
  }
  void broadcast(at::Tensor values, int root) override {
    calls.emplace_back("broadcast");
    inner_.broadcast(std::move(values), root);
  }
  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    calls.emplace_back("gather_bytes");
    gathered.push_back(bytes.size());
    return inner_.gather_bytes(bytes);
  }
  void abort(int exit_code) noexcept override { inner_.abort(exit_code); }

  std::vector<std::string> calls;
  std::vector<std::int64_t> reduced;  // elements of every reduction of a whole
  std::vector<std::size_t> gathered;  // bytes of every gather_bytes

 private:
  Communicator& inner_;
};

}  // namespace bertha::testing
