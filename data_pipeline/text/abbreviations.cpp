// data table: abbreviations of English and of a few other languages.
#include "data_pipeline/text/abbreviations.h"

#include <bitset>
#include <unordered_map>
#include <unordered_set>

namespace bertha {
namespace {

// Short words: their ends and length tell most of them apart.
struct ShortHash {
  std::size_t operator()(std::string_view word) const {
    if (word.empty()) return 0;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(word[at]); };
    return ((byte(0) * 31U + byte(word.size() / 2)) * 31U + byte(word.size() - 1)) * 31U +
           word.size();
  }
};
using Words = std::unordered_set<std::string_view, ShortHash>;
using Kinds = std::unordered_map<std::string_view, AbbreviationKind, ShortHash>;

const Words& title_words() {
  static const Words words = {"mr",   "mrs",  "ms",  "mx",   "messrs", "dr",   "drs", "prof", "rev",
                              "revd", "fr",   "hon", "rt",   "gen",    "col",  "lt",  "capt", "cpt",
                              "cmdr", "cdr",  "adm", "maj",  "sgt",    "cpl",  "pvt", "gov",  "sen",
                              "rep",  "pres", "amb", "supt", "insp",   "brig", "st",  "ste",  "mt",
                              "ft",   "mme",  "sra", "srta", "mlle",   "mons", "ven", "msgr", "lat",
                              "ger",  "gk",   "fig", "figs"};
  return words;
}

const Words& inner_words() {
  static const Words words = {
      "e.g", "i.e", "eg", "ie", "vs", "v", "cf", "viz", "ca", "approx", "esp", "incl", "resp",
      "aka", "a.k.a",
      // German
      "z.b", "d.h", "u.a", "bzw", "sog", "vgl", "evtl", "ggf", "geb", "hrsg",
      // Bulgarian and Russian
      "т.е", "напр", "проф", "акад", "инж", "доц", "ген", "полк", "св", "им", "ул", "бул", "вж",
      "срв", "кап", "д-р", "г-н", "г-жа", "т.нар", "ок", "англ", "лат", "нем", "фр", "рус"};
  return words;
}

const Words& numbering_words() {
  static const Words words = {"no",  "nos", "nr",  "p",  "pp",   "vol", "vols", "fig", "figs",
                              "sec", "ch",  "art", "op", "para", "eq",  "tab",  "c",   "b",
                              "d",   "r",   "fl",  "ed", "eds",  "pl",  "№",    "с",   "стр",
                              "бр",  "чл",  "том", "т",  "art",  "abs", "bd",   "kap"};
  return words;
}

const Words& ambiguous_words() {
  static const Words words = {"etc",  "inc", "ltd",  "co",   "corp", "llc", "bros", "jr",   "sr",
                              "esq",  "al",  "dept", "univ", "assn", "est", "ave",  "blvd", "rd",
                              "sq",   "jan", "feb",  "mar",  "apr",  "jun", "jul",  "aug",  "sep",
                              "sept", "oct", "nov",  "dec",  "mon",  "tue", "wed",  "thu",  "fri",
                              "ph.d", "phd", "ed.d", "usw",  "др",   "т.н", "г",    "в"};
  return words;
}

Kinds all_kinds() {
  Kinds kinds;
  const auto add = [&](const Words& words, AbbreviationKind kind) {
    for (const std::string_view word : words) kinds.emplace(word, kind);  // the first counts
  };
  add(title_words(), AbbreviationKind::title);
  add(inner_words(), AbbreviationKind::inner);
  add(numbering_words(), AbbreviationKind::numbering);
  add(ambiguous_words(), AbbreviationKind::ambiguous);
  return kinds;
}

// All that classify_abbreviation() knows, and what tells nearly all other words at once.
struct Abbreviations {
  Abbreviations() : kinds(all_kinds()) {
    for (const auto& [word, kind] : kinds) hashes.set(ShortHash()(word) % hashes.size());
  }
  Kinds kinds;
  std::bitset<4096> hashes;
};

}  // namespace

AbbreviationKind classify_abbreviation(std::string_view word) {
  static const Abbreviations known;
  const auto& [kinds, hashes] = known;
  if (!hashes.test(ShortHash()(word) % hashes.size())) return AbbreviationKind::none;
  const auto found = kinds.find(word);
  return found == kinds.end() ? AbbreviationKind::none : found->second;
}

bool begins_sentences(std::string_view word) {
  static const Words words = {
      "the", "this", "that", "these", "those", "it", "its", "he", "she", "they", "his", "her",
      "their", "we", "our", "you", "your", "i", "my", "there", "here", "in", "on", "at", "by",
      "for", "from", "with", "after", "before", "during", "since", "when", "while", "where", "as",
      "if", "although", "though", "because", "but", "and", "or", "however", "an", "some", "many",
      "most", "all", "each", "other", "others", "another", "such", "one", "two", "several", "both",
      "also", "then", "thus", "therefore", "what", "who", "which", "how", "why", "not", "no",
      "under", "over", "until", "according", "following", "despite", "unlike", "instead", "today",
      "later", "once", "only", "various", "among", "through", "between", "to", "of", "is", "are",
      "was", "a", "another", "even", "so", "yet", "now", "see", "like", "because",
      // Bulgarian and Russian
      "той", "тя", "то", "те", "това", "тази", "този", "тези", "на", "през", "след", "при", "със",
      "от", "за", "до", "но", "и", "в", "във", "той", "он", "она", "они", "это", "после", "по"};
  return words.contains(word);
}

}  // namespace bertha
