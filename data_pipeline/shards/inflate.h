// Inflates a whole zlib stream whose size is known.
#pragma once

#include <span>

namespace bertha {

// False: `stored` is no sound zlib stream of just so many bytes.
bool inflate_all(std::span<const char> stored, std::span<char> plain);

}  // namespace bertha
