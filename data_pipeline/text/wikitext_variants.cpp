// One pass with a stack of the rules that are open; a rule is settled where it ends.
#include "data_pipeline/text/wikitext_variants.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace bertha {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kDeepest = 10;  // as in MediaWiki: rules within rules

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// "zh", "zh-hans", "sr-ec", "crh-latn": a language with variants, and mostly which.
bool is_variant(std::string_view code) {
  constexpr std::array<std::string_view, 14> kLanguages = {
      "zh", "sr", "gan", "kk", "ku", "uz", "iu", "shi", "crh", "tg", "ban", "sh", "wuu", "mni"};
  constexpr std::size_t kLongest = 16;
  const auto language = code.substr(0, code.find('-'));
  return code.size() <= kLongest &&
         std::find(kLanguages.begin(), kLanguages.end(), language) != kLanguages.end() &&
         std::all_of(code.begin(), code.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

// Whether the text begins with "zh-hans:" or "word=>zh-hans:"; then what follows it.
bool take_variant(std::string_view& rule) {
  const auto colon = rule.find(':');
  if (colon == std::string_view::npos) return false;
  auto code = rule.substr(0, colon);
  if (const auto arrow = code.rfind("=>"); arrow != std::string_view::npos) {
    code.remove_prefix(arrow + 2);
  }
  if (!is_variant(trimmed(code))) return false;
  rule.remove_prefix(colon + 1);
  return true;
}

// The first of "a:x; b:y;". A ";" that no variant follows belongs to the text ("&nbsp;").
std::string_view first_variant(std::string_view rules) {
  std::string_view first = rules;
  if (!take_variant(first)) return rules;
  std::size_t end = first.find(';');
  while (end != std::string_view::npos) {
    const auto next = first.find(';', end + 1);
    auto rule = first.substr(end + 1, next - end - 1);
    if (trimmed(first.substr(end + 1)).empty() || take_variant(rule)) break;
    end = next;
  }
  return trimmed(first.substr(0, end));
}

// Of what stands before "|": nothing but flags and variants, parted by ";".
bool are_flags(std::string_view text, bool& hidden, bool& raw) {
  while (true) {
    const auto end = std::min(text.find(';'), text.size());
    const auto flag = trimmed(text.substr(0, end));
    const bool letter = flag.size() == 1 && std::string_view("ADHNRST-").find(flag[0]) != flag.npos;
    if (!letter && !flag.empty() && !is_variant(flag)) return false;
    if (letter) {
      hidden = hidden || std::string_view("HNT-").find(flag[0]) != flag.npos;
      raw = raw || flag[0] == 'R';
    }
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

std::string shown(std::string_view content) {
  bool hidden = false, raw = false;
  const auto bar = content.find('|');
  if (bar != std::string_view::npos && are_flags(content.substr(0, bar), hidden, raw)) {
    content.remove_prefix(bar + 1);
  }
  if (raw) return std::string(content);
  return hidden ? std::string() : std::string(first_variant(content));
}

class VariantChooser {
 public:
  explicit VariantChooser(std::string_view markup) : markup_(markup) {}
  std::string run();

 private:
  struct Rule {
    std::size_t begin;          // of "-{" in the text
    std::size_t templates = 0;  // open within it: their "}}-" does not end it
  };
  bool at(std::string_view word) const { return markup_.substr(at_).starts_with(word); }
  void take(std::size_t bytes) {
    text_.append(markup_.substr(at_, bytes));
    at_ += bytes;
  }
  void brace();
  void nowiki();

  std::string_view markup_;
  std::size_t at_ = 0;
  std::string text_;
  std::vector<Rule> open_;
  bool nowiki_closes_ = true;  // false: known to have no closing tag ahead
};

// "-{{" is a dash before a template.
void VariantChooser::brace() {
  if (at("-{") && !at("-{{") && open_.size() < kDeepest) {
    open_.push_back({text_.size()});
    return take(2);
  }
  if (open_.empty()) return take(1);
  auto& rule = open_.back();
  if (at("{{")) {
    ++rule.templates;
    take(2);
  } else if (at("}}") && rule.templates > 0) {
    --rule.templates;
    take(2);
  } else if (at("}-")) {
    const auto seen = shown(std::string_view(text_).substr(rule.begin + 2));
    text_.resize(rule.begin);
    text_ += seen;
    open_.pop_back();
    at_ += 2;
  } else {
    take(1);
  }
}

void VariantChooser::nowiki() {
  const auto end = nowiki_closes_ && at("<nowiki>") ? markup_.find("</nowiki>", at_) : at_;
  nowiki_closes_ = end != std::string_view::npos;
  take(nowiki_closes_ && end > at_ ? end - at_ : 1);
}

std::string VariantChooser::run() {
  text_.reserve(markup_.size());
  while (at_ < markup_.size()) {
    const auto next = std::min(markup_.find_first_of("-{}<", at_), markup_.size());
    take(next - at_);
    if (at_ == markup_.size()) break;
    if (markup_[at_] == '<') {
      nowiki();
    } else {
      brace();
    }
  }
  return std::move(text_);
}

}  // namespace

std::string choose_language_variants(std::string_view markup) {
  return VariantChooser(markup).run();
}

}  // namespace bertha
