// Lets hash maps of strings be searched with string views, without a copy.
#pragma once

#include <functional>
#include <string_view>

namespace bertha {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace bertha
