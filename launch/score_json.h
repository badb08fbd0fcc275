// How a score stands in JSON.
#pragma once

#include <limits>

namespace bertha {

// Null stands for what is no finite number.
template <class Json>
double score_from_json(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.template get<double>();
}

}  // namespace bertha
