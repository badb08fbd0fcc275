// Scores cases for test_scores.py: a JSON object a line in, a JSON object of scores a line out.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "trainer/tasks/entity_scores.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

Scores scores_of(const Json& request) {
  const auto& kind = request.at("kind");
  const auto& predicted = request.at("predicted");
  const auto& labels = request.at("labels");
  if (kind == "entities") {
    return entity_scores(predicted.get<std::vector<WordLabels>>(),
                         labels.get<std::vector<WordLabels>>());
  }
  if (kind == "multi_label") {
    return multi_label_scores(predicted.get<std::vector<std::vector<bool>>>(),
                              labels.get<std::vector<std::vector<bool>>>());
  }
  if (kind == "classification") {
    return classification_scores(predicted.get<std::vector<std::int32_t>>(),
                                 labels.get<std::vector<std::int32_t>>(), request.at("classes"));
  }
  return regression_scores(predicted.get<std::vector<double>>(), labels.get<std::vector<double>>());
}

Json answer(const Json& request) {
  Json result = Json::object();
  for (const auto& [name, value] : scores_of(request)) result[name] = value;
  if (request.at("kind") == "classification") {
    result["confusion"] = confusion_matrix(request.at("predicted").get<std::vector<std::int32_t>>(),
                                           request.at("labels").get<std::vector<std::int32_t>>(),
                                           request.at("classes"));
  }
  if (request.at("kind") != "entities") return result;
  for (const auto& entity : entities_of(request.at("labels").get<std::vector<WordLabels>>())) {
    result["entities"].push_back({entity.type, entity.begin, entity.end});
  }
  return result;
}

}  // namespace
}  // namespace bertha

int main() {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << bertha::answer(nlohmann::json::parse(line)).dump() << '\n';
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scores_probe: %s\n", error.what());
    return 1;
  }
}
