// One global batch, taken apart.
#include "launch/sample_listing.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/training_data.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

Json describe_sequence(const Batch& batch, std::size_t sequence, const Vocabulary& vocabulary) {
  const auto begin = batch.sequence_offsets[sequence], end = batch.sequence_offsets[sequence + 1];
  Json json{{"number", batch.sample_numbers[sequence]},
            {"next_sentence", nullptr},
            {"tokens", Json::array()},
            {"segments", Json::array()},
            {"masked_positions", Json::array()},
            {"masked_labels", Json::array()}};
  if (!batch.next_sentence.empty()) json["next_sentence"] = batch.next_sentence[sequence];
  for (auto i = begin; i < end; ++i) {
    const auto place = static_cast<std::size_t>(i);
    json["tokens"].push_back(vocabulary.token(batch.tokens[place]));
    json["segments"].push_back(batch.segments[place]);
  }
  for (std::size_t m = 0; m < batch.masked_positions.size(); ++m) {
    if (batch.masked_positions[m] < begin || batch.masked_positions[m] >= end) continue;
    json["masked_positions"].push_back(batch.masked_positions[m] - begin);
    json["masked_labels"].push_back(vocabulary.token(batch.masked_labels[m]));
  }
  return json;
}

}  // namespace

Json list_samples(const RunConfig& config) {
  if (config.samples < 1) {
    throw Error(ErrorKind::usage,
                fmt::format("samples is {}; it must be positive", config.samples));
  }
  const bool train = TrainingData::has_split(config.data, "train");
  const TrainingData corpus(config.data, train ? "train" : "validation");
  BatchOptions options;
  options.global_batch = config.samples;
  options.seed = config.trainer.train.seed;
  options.prefetch = 0;
  const auto step = corpus.stream(options, {}, {})->next();
  Json samples = Json::array();
  for (const auto& batch : step.micro_batches) {
    for (std::size_t s = 0; s < static_cast<std::size_t>(batch.sequence_count()); ++s) {
      samples.push_back(describe_sequence(batch, s, corpus.vocabulary()));
    }
  }
  return samples;
}

std::string sample_text(const Json& sample) {
  const auto& tokens = sample["tokens"];
  const auto& label = sample["next_sentence"];
  auto text = fmt::format(
      "sample {}: {} tokens, {} predictions{}\n  A:", sample["number"].get<std::uint64_t>(),
      tokens.size(), sample["masked_positions"].size(),
      label.is_null() ? ""
      : label == 0    ? ", B follows A"
                      : ", B is random");
  std::size_t next = 0;
  bool in_b = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!in_b && sample["segments"][i] == 1) {
      in_b = true;
      text += "\n  B:";
    }
    text += ' ';
    text += tokens[i].get<std::string>();
    if (next < sample["masked_positions"].size() && sample["masked_positions"][next] == i) {
      text += '=';
      text += sample["masked_labels"][next++].get<std::string>();
    }
  }
  text += '\n';
  return text;
}

}  // namespace bertha
