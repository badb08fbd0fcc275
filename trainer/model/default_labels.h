// What Transformers calls the labels of a model that nobody named.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertha {

std::vector<std::string> default_label_names(std::int64_t count);  // LABEL_0, LABEL_1 ...

}  // namespace bertha
