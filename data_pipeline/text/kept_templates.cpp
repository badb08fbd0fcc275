// Templates by their documentation on English Wikipedia.
#include "data_pipeline/text/kept_templates.h"

#include <unordered_map>

#include "data_pipeline/text/wiki_names.h"

namespace bertha {
namespace {

using Table = std::unordered_map<std::string_view, KeptTemplate>;

const Table& kept_templates() {
  using Form = KeptTemplate::Form;
  constexpr unsigned int kFirst = 1U << 1, kSecond = 1U << 2, kThird = 1U << 3;
  static const Table table = [] {
    Table made;
    for (const char* name :
         {"nowrap",     "nobr",           "small",         "smaller", "big",      "abbr",
          "vanchor",    "visible anchor", "angbr",         "nihongo", "val",      "quote",
          "blockquote", "flag",           "flagcountry",   "sup",     "sub",      "em",
          "strong",     "linktext",       "angle bracket", "sc",      "keypress", "nobold",
          "tooltip"}) {
      made[name] = {"", kFirst};
    }
    made["lang"] = made["resize"] = {"", kSecond};
    made["chem"] = {"", ~1U, Form::joined};
    made["transl"] = made["transliteration"] = {"", kSecond | kThird, Form::last_only};
    made["convert"] = made["cvt"] = {"", kFirst | kSecond, Form::measure};
    made["as of"] = {"As of ", kFirst};
    made["ship"] = {"", kFirst | kSecond};
    made["uss"] = {"USS ", kFirst};
    made["hms"] = {"HMS ", kFirst};
    made["'"] = {"'"};
    made["'s"] = {"'s"};
    made["nbsp"] = {" "};
    made["ndash"] = made["–"] = {"–"};
    made["mdash"] = made["mdashb"] = made["—"] = {"—"};
    made["snd"] = made["spaced ndash"] = {" – "};
    return made;
  }();
  return table;
}

}  // namespace

const KeptTemplate* find_kept_template(std::string_view name) {
  constexpr std::size_t kLongestName = 40;
  if (name.size() > kLongestName) return nullptr;
  const auto found = kept_templates().find(fold_wiki_name(name));
  return found == kept_templates().end() ? nullptr : &found->second;
}

bool is_named_argument(std::string_view argument) {
  constexpr std::size_t kLongestName = 24;
  const auto equals = argument.substr(0, kLongestName).find('=');
  if (equals == std::string_view::npos) return false;
  return argument.substr(0, equals).find_first_of("<>[]()\"'") == std::string_view::npos;
}

bool is_measure_connector(std::string_view argument) {
  for (const std::string_view connector :
       {"to", "and", "or", "by", "x", "-", "–", "×", "+/-", "to about"}) {
    if (argument == connector) return true;
  }
  return false;
}

}  // namespace bertha
