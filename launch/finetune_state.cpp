// JSON of fine-tuning progress and scores.
#include "launch/finetune_state.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "parallel/base/error.h"

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

std::string majority_label(const std::vector<Example>& examples) {
  std::map<std::string, std::size_t> counts;
  for (const auto& example : examples) ++counts[example.label];
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace

void store_progress(const FinetuneProgress& progress, TrainerState& state) {
  state.step = progress.step;
  const Json json{{"validations", validations_json(progress)},
                  {"best_epoch", progress.best_epoch},
                  {"best_score", progress.best_score}};
  state.options[kProgressKey] = json.dump();
}

FinetuneProgress finetune_progress(const TrainerState& state) {
  FinetuneProgress progress;
  progress.step = state.step;
  try {
    const auto json = Json::parse(state.options.at(kProgressKey));
    progress.best_epoch = json.at("best_epoch");
    progress.best_score = json.at("best_score");
    for (const auto& entry : json.at("validations")) {
      Scores scores;
      for (const auto& [name, value] : entry.items()) {
        if (name != "epoch") scores.emplace_back(name, value.get<double>());
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
             {{"train", scores.splits.train.size()},
              {"validation", scores.splits.validation.size()},
              {"test", scores.splits.test.size()}}}};
  if (!scores.label_names.empty()) {
    json["labels"] = scores.label_names;
    const auto majority = majority_label(scores.splits.train);
    const auto& test = scores.splits.test;
    const auto hits = std::count_if(test.begin(), test.end(),
                                    [&](const auto& example) { return example.label == majority; });
    if (!test.empty()) {
      json["test_majority_share"] = static_cast<double>(hits) / static_cast<double>(test.size());
    }
  }
  return json.dump(2) + "\n";
}

}  // namespace bertha
