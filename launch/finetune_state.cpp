// JSON of fine-tuning progress and scores.
#include "launch/finetune_state.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "launch/score_json.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kProgressKey = "finetune.progress";

Json to_json(const Scores& scores) {
  Json json = Json::object();
  for (const auto& [name, value] : scores) json[name] = value;
  return json;
}

Json validations_json(const FinetuneProgress& progress) {
  Json list = Json::array();
  for (std::size_t i = 0; i < progress.validations.size(); ++i) {
    Json entry{{"epoch", i + 1}};
    entry.update(to_json(progress.validations[i]));
    list.push_back(entry);
  }
  return list;
}

// How often each label occurs; labels below zero are none.
std::map<std::int32_t, std::size_t> label_counts(const ExampleSet& examples) {
  std::map<std::int32_t, std::size_t> counts;
  for (const auto& sequence : examples.sequences) {
    for (const auto label : sequence.labels) counts[label] += label >= 0 ? 1 : 0;
  }
  return counts;
}

// The accuracy of always answering what training has most.
double majority_share(const TaskData& data) {
  const auto train = label_counts(data.train), test = label_counts(data.test);
  std::pair<std::int32_t, std::size_t> majority{-1, 0};
  std::size_t labels = 0, hits = 0;
  for (const auto& [label, count] : train) {
    if (count > majority.second) majority = {label, count};
  }
  for (const auto& [label, count] : test) {
    labels += count;
    if (label == majority.first) hits = count;
  }
  return labels > 0 ? static_cast<double>(hits) / static_cast<double>(labels) : 0;
}

template <class Value>
void add_values(Sha256& digest, const std::vector<Value>& values) {
  const auto count = static_cast<std::uint64_t>(values.size());
  digest.update(&count, sizeof count);
  digest.update(values.data(), values.size() * sizeof(Value));
}

}  // namespace

std::uint64_t split_seed(const RunConfig& config) {
  return config.task.split_seed > 0 ? config.task.split_seed : config.trainer.train.seed;
}

std::string examples_digest(const TaskData& data) {
  Sha256 digest;
  for (const auto* set : {&data.train, &data.validation, &data.test}) {
    const auto count = static_cast<std::uint64_t>(set->sequences.size());
    digest.update(&count, sizeof count);
    for (const auto& sequence : set->sequences) {
      add_values(digest, sequence.tokens);
      add_values(digest, sequence.labels);
      add_values(digest, sequence.values);
    }
  }
  for (const auto& name : data.label_names) digest.update(name + '\n');
  return digest.hex();
}

void store_progress(const FinetuneProgress& progress, TrainerState& state) {
  state.step = progress.step;
  state.samples = progress.samples;
  state.tokens = progress.tokens;
  const Json json{{"updates", progress.updates},
                  {"validations", validations_json(progress)},
                  {"best_epoch", progress.best_epoch},
                  {"best_score", progress.best_score}};
  state.options[kProgressKey] = json.dump();
}

FinetuneProgress finetune_progress(const TrainerState& state) {
  FinetuneProgress progress;
  progress.step = state.step;
  progress.samples = state.samples;
  progress.tokens = state.tokens;
  try {
    const auto json = Json::parse(state.options.at(kProgressKey));
    progress.updates = json.value("updates", state.step);  // once the two were one
    // States of old may have kept an epoch whose score was no finite number.
    if (json.at("best_score").is_number()) {
      progress.best_epoch = json.at("best_epoch");
      progress.best_score = json.at("best_score");
    }
    for (const auto& entry : json.at("validations")) {
      Scores scores;
      for (const auto& [name, value] : entry.items()) {
        if (name != "epoch") scores.emplace_back(name, score_from_json(value));
      }
      progress.validations.push_back(std::move(scores));
    }
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_data,
                std::string("the checkpoint is not one of fine-tuning: ") + error.what(),
                "choose another train.output");
  }
  return progress;
}

std::string scores_json(const ScoresFile& scores) {
  Json json{{"best_epoch", scores.progress.best_epoch},
            {"validation", validations_json(scores.progress)},
            {"test", to_json(scores.test)},
            {"examples",
             {{"train", scores.data.train.rows},
              {"validation", scores.data.validation.rows},
              {"test", scores.data.test.rows}}}};
  const auto& data = scores.data;
  json["truncated"] = {
      {"examples", data.train.cut_rows + data.validation.cut_rows + data.test.cut_rows},
      {"tokens", data.train.lost_tokens + data.validation.lost_tokens + data.test.lost_tokens}};
  if (!data.label_names.empty()) json["labels"] = data.label_names;
  const bool classes = !data.test.sequences.empty() && !data.test.sequences.front().labels.empty();
  if (classes && !data.label_names.empty()) json["test_majority_share"] = majority_share(data);
  return json.dump(2) + "\n";
}

}  // namespace bertha
