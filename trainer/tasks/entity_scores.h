// Entities in sequences of BIO labels and their scores, as seqeval counts them by default. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include "trainer/tasks/task.h"

namespace bertha {

using WordLabels = std::vector<std::string>;  // of one sentence

struct Entity {
  std::string type;        // "_" for a label that names none
  std::size_t begin, end;  // words [begin, end), counted over all sentences
  auto operator<=>(const Entity&) const = default;
};

// The labels' own reading: B and S begin an entity, E and S end one; I and E go on, or begin one
// where there is none of their type (IOB1 and mixtures are read too).
std::vector<Entity> entities_of(const std::vector<WordLabels>& sentences);

// accuracy (of words), precision, recall and f1 (micro average over entities). Both hold the same
// numbers of words.
Scores entity_scores(const std::vector<WordLabels>& predicted,
                     const std::vector<WordLabels>& labels);

}  // namespace bertha
