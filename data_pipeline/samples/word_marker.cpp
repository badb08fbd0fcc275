// Runs end with a token that is no ideograph by itself.
#include "data_pipeline/samples/word_marker.h"

namespace bertha {

void WordMarker::end_run(std::vector<std::uint8_t>& marks) {
  if (has_marked_ || run_.size() > ChineseWords::kLongestMarked) {
    marks.insert(marks.end(), run_.size(), kBeginsWord);  // too long a run
  } else if (!run_.empty()) {
    ChineseWords::mark(run_, marks);
  }
  run_.clear();
  has_marked_ = false;
}

// The last one may yet turn out to be a part of a longer word, and not to belong to the run.
void WordMarker::add_ideograph(char32_t character, std::vector<std::uint8_t>& marks) {
  run_.push_back(character);
  if (run_.size() < ChineseWords::kLongestMarked + 2) return;
  marks.insert(marks.end(), run_.size() - 1, kBeginsWord);
  run_.assign(1, character);
  has_marked_ = true;
}

void WordMarker::add(std::int32_t token, std::vector<std::uint8_t>& marks) {
  const bool is_special = vocabulary_.is_special(token);
  const bool goes_on = open_ && vocabulary_.is_continuation(token);
  open_ = !is_special;
  if (!is_special && !goes_on) {
    if (const auto character = words_.character(token); character != 0) {
      return add_ideograph(character, marks);
    }
  }
  const bool takes_last = goes_on && !run_.empty();
  if (takes_last) run_.pop_back();
  end_run(marks);
  marks.insert(marks.end(), takes_last ? 2 : 1, kBeginsWord);
}

void WordMarker::end_document(std::vector<std::uint8_t>& marks) {
  end_run(marks);
  open_ = false;
}

}  // namespace bertha
