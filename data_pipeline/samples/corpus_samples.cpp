// Index, order and builder of an epoch behind one value.
#include "data_pipeline/samples/corpus_samples.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "data_pipeline/samples/sample_builder.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/samples/sample_order.h"

namespace bertha {
namespace {

constexpr std::uint64_t kPartLeft = 16;  // of an epoch, when the next one is begun

using SharedBuilder = std::shared_ptr<const SampleBuilder>;

class CorpusSample : public SampleMaker {
 public:
  CorpusSample(SharedBuilder builder, const SamplePlan& plan, std::uint64_t number,
               std::uint32_t epoch)
      : builder_(std::move(builder)), plan_(plan), number_(number), epoch_(epoch) {}

  void append_to(SequenceList& list) const override {
    builder_->build(plan_, number_, epoch_, list.draft());
    list.append_draft();
  }
  void prefetch() const override { builder_->prefetch(plan_); }
  void expect() const override { builder_->expect(plan_); }

 private:
  SharedBuilder builder_;
  SamplePlan plan_;
  std::uint64_t number_;
  std::uint32_t epoch_;
};

}  // namespace

SampleSource corpus_samples(const Corpus& corpus, const DataConfig& data, std::uint64_t seed,
                            int first_workers) {
  const auto builder = std::make_shared<const SampleBuilder>(corpus, data, seed);
  const auto mapper =
      std::make_shared<std::jthread>([&corpus](const std::stop_token& stop) { corpus.map(stop); });
  const auto is_first = std::make_shared<std::atomic<bool>>(true);
  return [&corpus, data, seed, first_workers, builder, mapper, is_first](std::uint32_t epoch) {
    auto for_index = data;
    if (is_first->exchange(false)) for_index.workers = std::max(data.workers, first_workers);
    const auto index = std::make_shared<const SampleIndex>(corpus, for_index, seed, epoch);
    auto samples = std::make_shared<EpochSamples>();
    samples->size = index->size();
    samples->next_wanted_from = index->size() - index->size() / kPartLeft;
    samples->number_at = [order = SampleOrder(index->size(), seed, epoch)](std::uint64_t place) {
      return order.at(place);
    };
    samples->plan = [index, builder, epoch](std::span<const std::uint64_t> numbers,
                                            std::span<PlannedSample> planned) {
      thread_local std::vector<SamplePlan> plans;  // for its memory
      index->plan(numbers, plans);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        planned[i] = {plans[i].expected_tokens,
                      std::make_unique<CorpusSample>(builder, plans[i], numbers[i], epoch)};
      }
    };
    return samples;
  };
}

}  // namespace bertha
