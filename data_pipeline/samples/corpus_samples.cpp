// Index, order and builder of an epoch behind one value.
#include "data_pipeline/samples/corpus_samples.h"

#include "data_pipeline/samples/sample_builder.h"
#include "data_pipeline/samples/sample_index.h"
#include "data_pipeline/samples/sample_order.h"

namespace bertha {

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
                           [builder, plan, number, epoch](SequenceList& list) {
                             builder->build(plan, number, epoch, list.draft());
                             list.append_draft();
                           }};
    };
    return samples;
  };
}

}  // namespace bertha
