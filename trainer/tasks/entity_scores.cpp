// One pass over the labels; entities compared as sets.
#include "trainer/tasks/entity_scores.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace bertha {
namespace {

// "B-person" is B and person, "B" is B and "_".
struct Tag {
  std::string_view kind = "O", type;

  bool is(std::string_view kinds) const {
    return kind.size() == 1 && kinds.find(kind) != std::string_view::npos;
  }
};

std::size_t first_character_bytes(std::string_view label) {
  std::size_t bytes = 1;
  while (bytes < label.size() && (static_cast<unsigned char>(label[bytes]) & 0xC0U) == 0x80U) {
    ++bytes;
  }
  return bytes;
}

Tag tag_of(std::string_view label) {
  if (label.empty()) return {"O", "_"};
  const auto bytes = first_character_bytes(label);
  auto type = label.substr(bytes);
  if (const auto dash = type.find('-'); dash != std::string_view::npos) {
    type = type.substr(dash + 1);
  }
  return {label.substr(0, bytes), type.empty() ? std::string_view("_") : type};
}

bool ends_between(const Tag& before, const Tag& now) {
  return before.is("ES") || (before.is("BI") && now.is("BSO")) ||
         (!before.is("O.") && before.type != now.type);
}

bool begins_between(const Tag& before, const Tag& now) {
  return now.is("BS") || (before.is("ESO") && now.is("EI")) ||
         (!now.is("O.") && before.type != now.type);
}

double ratio(std::size_t part, std::size_t all) {
  return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

}  // namespace

std::vector<Entity> entities_of(const std::vector<WordLabels>& sentences) {
  std::vector<Entity> entities;
  Tag before;
  std::size_t begin = 0, word = 0;
  const auto step = [&](const Tag& now) {
    if (ends_between(before, now)) entities.push_back({std::string(before.type), begin, word});
    if (begins_between(before, now)) begin = word;
    before = now;
    ++word;
  };
  for (const auto& labels : sentences) {
    for (const auto& label : labels) step(tag_of(label));
    step({"O", "_"});  // nothing goes on into the next sentence
  }
  return entities;
}

Scores entity_scores(const std::vector<WordLabels>& predicted,
                     const std::vector<WordLabels>& labels) {
  std::size_t words = 0, right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    words += labels[i].size();
    for (std::size_t j = 0; j < labels[i].size(); ++j) {
      right += labels[i][j] == predicted.at(i).at(j) ? 1 : 0;
    }
  }
  auto found = entities_of(predicted), there = entities_of(labels);
  std::sort(found.begin(), found.end());
  std::sort(there.begin(), there.end());
  std::vector<Entity> both;
  std::set_intersection(found.begin(), found.end(), there.begin(), there.end(),
                        std::back_inserter(both));
  return {{"accuracy", ratio(right, words)},
          {"precision", ratio(both.size(), found.size())},
          {"recall", ratio(both.size(), there.size())},
          {"f1", ratio(2 * both.size(), found.size() + there.size())}};
}

}  // namespace bertha
