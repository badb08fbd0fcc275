// What Hugging Face's tokenizers knows about single code points. Its tables come from three
// libraries with a Unicode version each, so ICU answers, cut to that version and corrected.
#pragma once

#include <cstdint>

namespace bertha::hugging_face {

// Neither assigned nor in any list of ours: none of the questions below says anything about it.
// Most code points are like that, so this is the quick way past them.
bool is_blank_place(std::int32_t code_point);

// Dropped by BERT's cleaning: controls, formats, private use, U+0000 and U+FFFD; not tab, CR, LF.
bool is_removed(std::int32_t code_point);

bool is_space(std::int32_t code_point);

// ASCII symbols count as punctuation, as in Google's BERT.
bool is_punctuation(std::int32_t code_point);

// Ideographs that BERT makes words of their own.
bool is_chinese(std::int32_t code_point);

// Marks that go when accents are stripped (category Mn).
bool is_accent(std::int32_t code_point);

int combining_class(std::int32_t code_point);

// Canonical decomposition, in full; the code point itself where it has none. At most four.
struct Decomposition {
  std::int32_t parts[4];
  int count;
};
Decomposition decompose(std::int32_t code_point);

// Lower case without looking at neighbours. One part, or two for U+0130.
Decomposition lower_case(std::int32_t code_point);

}  // namespace bertha::hugging_face
