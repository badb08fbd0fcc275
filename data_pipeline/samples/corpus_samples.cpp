// Index, order and builder of an epoch behind one value.
#include "data_pipeline/samples/corpus_samples.h"

#include <utility>

#include "data_pipeline/samples/sample_builder.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/samples/sample_order.h"

namespace bertha {
namespace {

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

 private:
  SharedBuilder builder_;
  SamplePlan plan_;
  std::uint64_t number_;
  std::uint32_t epoch_;
};

}  // namespace

SampleSource corpus_samples(const Corpus& corpus, const DataConfig& data, std::uint64_t seed) {
  const auto builder = std::make_shared<const SampleBuilder>(corpus, data, seed);
  return [&corpus, data, seed, builder](std::uint32_t epoch) {
    const auto index = std::make_shared<const SampleIndex>(corpus, data, seed, epoch);
    auto samples = std::make_shared<EpochSamples>();
    samples->size = index->size();
    samples->number_at = [order = SampleOrder(index->size(), seed, epoch)](std::uint64_t place) {
      return order.at(place);
    };
    samples->plan = [index, builder, epoch](std::uint64_t number) {
      const auto plan = index->plan(number);
      return PlannedSample{plan.expected_tokens,
                           std::make_unique<CorpusSample>(builder, plan, number, epoch)};
    };
    return samples;
  };
}

}  // namespace bertha
