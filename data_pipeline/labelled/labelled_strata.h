// Kinds of examples that every split shall hold its share of, where the label itself is no kind.
#pragma once

#include <string>
#include <vector>

namespace bertha {

// Of rows with several labels each, or none: the rarest of a row's labels. A label that no other
// row has would keep its row in training; where that were most rows it does not count.
std::vector<std::string> label_strata(const std::vector<std::vector<std::string>>& labels_by_row);

// Of numbers: which fifth of them, by size. Equal ones are of one kind, and kinds are fewer where
// that would leave less than ten rows for each.
std::vector<std::string> value_strata(const std::vector<double>& values);

}  // namespace bertha
