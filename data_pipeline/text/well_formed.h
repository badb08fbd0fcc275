// How far bytes are well-formed UTF-8, a block at a time.
#pragma once

#include <cstddef>
#include <string_view>

namespace bertha {

// `at` is where a character, or something that is none, begins. Goes on over whole blocks of
// well-formed text and stops where a character begins: before the block with the first fault, or
// near the end; never beyond a fault. What follows is for the caller to look at byte by byte.
std::size_t skip_well_formed(std::string_view bytes, std::size_t at);

}  // namespace bertha
