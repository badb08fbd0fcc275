// Where sentences may end: the rules of Unicode Standard Annex 29, section 5, as ICU's root locale
// has them. Only the neighbourhood of full stops, exclamation marks and the like matters to them,
// so the text in between is passed over byte by byte, which ICU's general machine cannot know.
#pragma once

#include <cstddef>
#include <string_view>

namespace bertha {

// The first boundary behind `begin`, a boundary itself and less than text.size(); at the latest the
// end of `text`, which is valid UTF-8. Finding all of them takes linear time.
std::size_t next_sentence_boundary(std::string_view text, std::size_t begin);

}  // namespace bertha
