// ICU is asked about windows around the places where a sentence may end, and its answers are kept.
//
// Why a window is enough (the rules are those of Unicode Standard Annex 29; ICU's own, as its
// getRules() gives them, say the same):
// - The rules know characters by their Sentence_Break class only.
// - A boundary can only follow a separator of paragraphs, or a terminator with the Close, Sp and
//   separator characters behind it, each with its Extend and Format characters. Everything else
//   goes on (SB998; in ICU the rule that ends in "any character", at a sentence's start too).
// - Before a terminator, the rules look at one character that is not Extend or Format (SB7). A
//   window begins with that one, or, where the sentence has none, with the terminator.
// - Behind it they look until SB6 to SB11 have decided: at most to the first letter, separator or
//   terminator, since SB8 passes over everything else. A window ends with that, or with the text.
//   What follows cannot change the answer: no rule that began at the terminator goes on behind it,
//   and a terminator there gets a window of its own.
// - A separator ends the sentence in any case, CR LF behind the line feed (SB3, SB4).
// So the same classes in a window always get the same answer, and short windows are asked once.
#include "data_pipeline/text/sentence_boundaries.h"

#include <string>

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"

namespace bertha {
namespace {

constexpr unsigned kAnswerBits = 11;  // 32 KiB; one that comes later takes another's place

std::size_t answer_place(std::uint64_t key) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15U;
  return static_cast<std::size_t>((key * kSpread) >> (64 - kAnswerBits));
}

bool decides(SentenceClass kind) {
  return SentenceClasses::is_stop(kind) || kind == SentenceClass::lower ||
         kind == SentenceClass::upper || kind == SentenceClass::letter;
}

}  // namespace

struct SentenceBoundaries::Icu {
  std::unique_ptr<icu::BreakIterator> iterator;
  UniqueHandle<UText*, utext_close> text;
};

SentenceBoundaries::SentenceBoundaries(const char* locale)
    : classes_(SentenceClasses::table()),
      icu_(std::make_unique<Icu>()),
      answers_(std::size_t{1} << kAnswerBits) {
  UErrorCode status = U_ZERO_ERROR;
  icu_->iterator.reset(icu::BreakIterator::createSentenceInstance(icu::Locale(locale), status));
  if (U_FAILURE(status) || !icu_->iterator) {
    throw Error(ErrorKind::internal,
                std::string("ICU has no sentence rules: ") + u_errorName(status),
                "check that ICU's data library is installed");
  }
}

SentenceBoundaries::~SentenceBoundaries() = default;

void SentenceBoundaries::start(std::string_view text) {
  text_ = text;
  begin_ = searched_ = 0;
}

void SentenceBoundaries::Window::clear(std::size_t at) {
  begin = end = last = at;
  decided = separator = false;
  characters = 0;
  key = 1;
}

void SentenceBoundaries::Window::add(SentenceClass kind, std::size_t character_end) {
  last = end;
  end = character_end;
  separator = SentenceClasses::is_separator(kind);
  if (characters < kLongestKey) {
    ends[characters] = character_end;
    key = key << 4 | static_cast<std::uint64_t>(kind);
  }
  ++characters;
}

// A shortcut for what most windows are: four ASCII characters, the stop the second of them, that
// are decided by the last, like `d. T`. False, and nothing is done, where it is not so.
bool SentenceBoundaries::open_plain_window(std::size_t stop) {
  if (stop == begin_ || text_.size() - stop < 3) return false;
  const char* const at = text_.data() + stop - 1;
  if (((at[0] | at[1] | at[2] | at[3]) & 0x80) != 0) return false;
  const SentenceClass before = classes_.of(at[0]), kind = classes_.of(at[1]);
  const SentenceClass behind = classes_.of(at[2]), last = classes_.of(at[3]);
  if (SentenceClasses::is_mark(before) || !SentenceClasses::is_terminator(kind)) return false;
  if (decides(behind) || !decides(last) || SentenceClasses::is_separator(last)) return false;
  window_.clear(stop);
  window_.begin = stop - 1;
  window_.add(before, stop);
  window_.add(kind, stop + 1);
  window_.add(behind, stop + 2);
  window_.add(last, stop + 3);
  window_.decided = true;
  return true;
}

void SentenceBoundaries::open_window(std::size_t stop) {
  if (open_plain_window(stop)) return;
  window_.clear(stop);
  for (std::size_t at = stop; at > begin_;) {
    const CodePoint before = last_code_point(text_.substr(begin_, at - begin_));
    at -= before.bytes;
    const SentenceClass kind = classes_.of(before.value);
    if (SentenceClasses::is_mark(kind)) continue;
    window_.begin = at;
    window_.add(kind, stop);
    break;
  }
  do {
    const CodePoint next = first_code_point(text_.substr(window_.end));
    const SentenceClass kind = classes_.of(next.value);
    window_.decided = decides(kind) && (window_.end > stop || SentenceClasses::is_separator(kind));
    window_.add(kind, window_.end + next.bytes);
  } while (!window_.decided && window_.end < text_.size());
  if (window_.separator && text_[window_.last] == '\r' && window_.end < text_.size() &&
      text_[window_.end] == '\n') {
    window_.add(SentenceClass::line_feed, window_.end + 1);
  }
}

std::size_t SentenceBoundaries::ask_icu() {
  UErrorCode status = U_ZERO_ERROR;
  const auto size = static_cast<std::int64_t>(window_.end - window_.begin);
  UText* const old = icu_->text.release();
  icu_->text = UniqueHandle<UText*, utext_close>(
      utext_openUTF8(old, text_.data() + window_.begin, size, &status));
  icu_->iterator->setText(icu_->text.get(), status);
  if (U_FAILURE(status)) {
    throw Error(ErrorKind::internal, std::string("ICU failed: ") + u_errorName(status));
  }
  icu_->iterator->first();
  return window_.begin + static_cast<std::size_t>(icu_->iterator->next());
}

// Of the window.
std::size_t SentenceBoundaries::first_boundary() {
  if (window_.characters > kLongestKey) return ask_icu();
  Answer& answer = answers_[answer_place(window_.key)];
  if (answer.key != window_.key) {
    const std::size_t boundary = ask_icu();
    std::size_t characters = 0;
    while (window_.ends[characters++] < boundary) {
    }
    answer = {window_.key, characters};
  }
  return window_.ends[answer.characters - 1];
}

bool SentenceBoundaries::next() {
  while (begin_ < text_.size()) {
    const std::size_t stop = classes_.find_stop(text_, searched_);
    if (stop == text_.size()) {
      begin_ = text_.size();
      return true;
    }
    open_window(stop);
    const std::size_t boundary = first_boundary();
    searched_ = window_.decided ? window_.last : text_.size();
    // The end of a window is a boundary of the window only, unless the sentence does end there.
    if (boundary == window_.end && !window_.separator && window_.end < text_.size()) continue;
    begin_ = boundary;
    if (searched_ < begin_) searched_ = begin_;
    return true;
  }
  return false;
}

}  // namespace bertha
