// Weights that come from other ranks while the next step begins: what is waited for, and when.
#include "trainer/weight_gather.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using bertha::testing::run_thread_ranks;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Counts how many transfers were waited for; spoils nothing itself.
class Counting final : public Communicator {
 public:
  explicit Counting(Communicator& inner) : inner_(inner) {}
  const RankInfo& rank_info() const override { return inner_.rank_info(); }
  std::unique_ptr<Work> all_reduce(at::Tensor values, ReduceOp op) override {
    return inner_.all_reduce(std::move(values), op);
  }
  std::unique_ptr<Work> reduce_scatter(at::Tensor values,
                                       std::span<const std::int64_t> parts) override {
    return inner_.reduce_scatter(std::move(values), parts);
  }
  std::unique_ptr<Work> all_gather(at::Tensor values,
                                   std::span<const std::int64_t> parts) override {
    const auto size = values.numel();
    return std::make_unique<Counted>(inner_.all_gather(std::move(values), parts), size, arrived);
  }
  std::unique_ptr<Work> all_to_all(at::Tensor input, at::Tensor output) override {
    return inner_.all_to_all(std::move(input), std::move(output));
  }
  void broadcast(at::Tensor values, int root) override {
    inner_.broadcast(std::move(values), root);
  }
  std::vector<std::string> gather_bytes(std::string_view bytes) override {
    return inner_.gather_bytes(bytes);
  }
  void abort(int exit_code) noexcept override { inner_.abort(exit_code); }

  std::vector<std::int64_t> arrived;  // elements of the transfers that were waited for

 private:
  struct Counted final : Work {
    Counted(std::unique_ptr<Work> work, std::int64_t elements, std::vector<std::int64_t>& to)
        : inner(std::move(work)), size(elements), arrived(to) {}
    void wait() override {
      inner->wait();
      arrived.push_back(size);
    }
    std::unique_ptr<Work> inner;
    std::int64_t size;
    std::vector<std::int64_t>& arrived;
  };
  Communicator& inner_;
};

const std::vector<ParameterSpec> kParameters{{"first", {100}}, {"second", {64}}, {"third", {7}}};

// Pieces of 128, 64 and 64 elements; rank 1 owns nothing.
std::vector<FlatRange> owners() {
  return {{0, 64}, {64, 64}, {64, 256}};
}
BucketPlan three_buckets() {
  return {{{192, 256}, {128, 192}, {0, 128}}, {2, 1, 0}};
}

void update(const at::Tensor& master, const RankInfo& rank, double value) {
  const auto own = owners()[static_cast<std::size_t>(rank.rank)];
  master.slice(0, own.begin, own.end).fill_(value);
}

TEST(WeightGather, IsWaitedForPieceByPiece) {
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    run_thread_ranks(3, [&](Communicator& ranks) {
      Counting counting(ranks);
      ParameterSpace space(kParameters, precision, at::kCPU);
      const auto master = space.master();
      WeightGather gather(counting, space, owners(), three_buckets());
      EXPECT_TRUE(space.leaf(0).eq(0).all().item<bool>()) << "before the first update";
      for (const double value : {2.0, 3.0}) {
        counting.arrived.clear();
        update(master, ranks.rank_info(), value);
        gather.start();
        EXPECT_THAT(counting.arrived, IsEmpty());
        EXPECT_TRUE(space.leaf(0).eq(value).all().item<bool>());
        EXPECT_THAT(counting.arrived, ElementsAre(128));
        EXPECT_TRUE(space.leaf(1).eq(value).all().item<bool>());
        EXPECT_TRUE(space.master_view(0).eq(value).all().item<bool>());
        EXPECT_THAT(counting.arrived, ElementsAre(128, 64));
        EXPECT_TRUE(space.compute().eq(value).all().item<bool>());
        EXPECT_THAT(counting.arrived, ElementsAre(128, 64, 64));
        EXPECT_TRUE(space.master().eq(value).all().item<bool>());
        gather.finish();
        EXPECT_EQ(counting.arrived.size(), 3U);
      }
    });
  }
}

// The ranks need not want the same: each has everything before it updates again, and at the end.
TEST(WeightGather, EndsEverywhereWhoeverLooked) {
  run_thread_ranks(3, [](Communicator& ranks) {
    ParameterSpace space(kParameters, Precision::bf16, at::kCPU);
    const auto master = space.master();
    auto gather = std::make_unique<WeightGather>(ranks, space, owners(), three_buckets());
    for (const double value : {2.0, 3.0, 4.0}) {
      gather->finish();
      update(master, ranks.rank_info(), value);
      gather->start();
      if (ranks.rank_info().rank == 1) {
        EXPECT_TRUE(space.master_view(2).eq(value).all().item<bool>());
      }
    }
    gather.reset();
    EXPECT_TRUE(space.compute().eq(4).all().item<bool>());
    EXPECT_TRUE(space.master().eq(4).all().item<bool>());
  });
}

}  // namespace
}  // namespace bertha
