// Character references: &amp; &nbsp; &#228; &#xE4;
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bertha {

// Decodes the reference at the start of `markup` (which begins with '&') onto `text`. Returns the
// bytes consumed, 0 when it is none. Numbers that are no characters become U+FFFD.
std::size_t append_entity(std::string_view markup, std::string& text);

}  // namespace bertha
