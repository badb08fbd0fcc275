// Writes the files as Transformers' BertTokenizer saves them.
#include "data_pipeline/tokenizer/tokenizer_files.h"

#include <nlohmann/json.hpp>

#include "data_pipeline/tokenizer/piece_trie.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kConfigName = "tokenizer_config.json";
constexpr const char* kTokenizerName = "tokenizer.json";
constexpr const char* kVocabularyName = "vocab.txt";

Json added_tokens(const Vocabulary& vocabulary) {
  Json tokens = Json::array();
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.is_special(id)) continue;
    tokens.push_back({{"id", id},
                      {"content", vocabulary.token(id)},
                      {"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", true}});
  }
  return tokens;
}

// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with type 1 from B on.
Json post_processor(const Vocabulary& vocabulary) {
  const auto token = [](const char* name, int type) {
    return Json{{"SpecialToken", {{"id", name}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto special = [](const char* name, std::int32_t id) {
    return Json{{"id", name}, {"ids", Json::array({id})}, {"tokens", Json::array({name})}};
  };
  const Json start = token("[CLS]", 0), first = sequence("A", 0), end = token("[SEP]", 0);
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({start, first, end})},
          {"pair", Json::array({start, first, end, sequence("B", 1), token("[SEP]", 1)})},
          {"special_tokens",
           {{"[CLS]", special("[CLS]", vocabulary.cls())},
            {"[SEP]", special("[SEP]", vocabulary.sep())}}}};
}

// Pairs in order of ids; Json's own insertion searches all earlier keys each time.
Json vocabulary_object(const Vocabulary& vocabulary) {
  Json object = Json::object();
  auto& pairs = object.get_ref<Json::object_t&>();
  pairs.reserve(static_cast<std::size_t>(vocabulary.size()));
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    pairs.push_back({vocabulary.token(id), id});
  }
  return object;
}

Json tokenizer_json(const Vocabulary& vocabulary, const TokenizerOptions& options) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_tokens(vocabulary)},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", options.chinese_characters},
            {"strip_accents", options.strip_accents},
            {"lowercase", options.lower_case}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", post_processor(vocabulary)},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", PieceTrie::kMaxWordCharacters},
            {"vocab", vocabulary_object(vocabulary)}}}};
}

Json tokenizer_config(const TokenizerOptions& options, int max_length) {
  return {{"backend", "tokenizers"},
          {"cls_token", "[CLS]"},
          {"do_lower_case", options.lower_case},
          {"mask_token", "[MASK]"},
          {"model_max_length", max_length},
          {"pad_token", "[PAD]"},
          {"sep_token", "[SEP]"},
          {"strip_accents", options.strip_accents},
          {"tokenize_chinese_chars", options.chinese_characters},
          {"tokenizer_class", "BertTokenizer"},
          {"unk_token", "[UNK]"}};
}

}  // namespace

std::map<std::string, std::string> tokenizer_files(const Vocabulary& vocabulary,
                                                   const TokenizerOptions& options,
                                                   int max_length) {
  constexpr int kIndent = 2;
  return {{kVocabularyName, vocabulary.text()},
          {kTokenizerName, tokenizer_json(vocabulary, options).dump(kIndent) + "\n"},
          {kConfigName, tokenizer_config(options, max_length).dump(kIndent) + "\n"}};
}

void write_tokenizer_files(const std::filesystem::path& folder, const Vocabulary& vocabulary,
                           const TokenizerOptions& options, int max_length) {
  for (const auto& [name, text] : tokenizer_files(vocabulary, options, max_length)) {
    write_file(folder / name, text);
  }
}

}  // namespace bertha
