// Reads tokenizer files, ours or anybody's: every value is checked before it is believed.
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw Error(ErrorKind::bad_data, path.string() + ": " + what,
              "fetch or export the tokenizer again");
}

json parse_object(const fs::path& path) {
  const std::string text = read_file(path);
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::parse_error& error) {
    refuse(path, fmt::format("not valid JSON at byte {} of {}", error.byte, text.size()));
  } catch (const json::exception&) {
    refuse(path, "not valid JSON (a number out of range)");
  }
  if (!parsed.is_object()) refuse(path, fmt::format("a JSON {}, no object", parsed.type_name()));
  return parsed;
}

// A member that is true or false; `otherwise` where it is missing or null.
bool read_flag(const json& config, const char* name, bool otherwise, const fs::path& path) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) {
    refuse(path, fmt::format("{} is a {}, not true or false", name, found->type_name()));
  }
  return found->get<bool>();
}

// The object under `name`.
const json& member_object(const json& parent, const char* name, const fs::path& path) {
  const auto found = parent.find(name);
  if (found == parent.end() || !found->is_object()) {
    refuse(path, fmt::format("no object '{}'", name));
  }
  return *found;
}

void check_text(const json& model, const char* name, std::string_view expected,
                const fs::path& path) {
  const auto found = model.find(name);
  if (found == model.end()) return;
  if (!found->is_string() || found->get_ref<const std::string&>() != expected) {
    refuse(path, fmt::format("model.{} is not \"{}\": not a BERT tokenizer", name, expected));
  }
}

Vocabulary vocabulary_of_tokenizer_json(const fs::path& path) {
  const json parsed = parse_object(path);
  const json& model = member_object(parsed, "model", path);
  check_text(model, "type", "WordPiece", path);
  check_text(model, "unk_token", "[UNK]", path);
  check_text(model, "continuing_subword_prefix", "##", path);
  const json& vocabulary = member_object(model, "vocab", path);
  std::vector<std::string> tokens(vocabulary.size());
  std::vector<bool> taken(vocabulary.size(), false);
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= tokens.size()) {
      refuse(path, fmt::format("model.vocab has {} tokens, yet an id is {}", tokens.size(),
                               id.is_primitive() ? id.dump(-1, ' ', true).substr(0, 40)
                                                 : std::string(id.type_name())));
    }
    const auto place = id.get<std::size_t>();
    if (taken[place]) refuse(path, fmt::format("model.vocab gives id {} twice", place));
    taken[place] = true;
    tokens[place] = token;
  }
  return Vocabulary(std::move(tokens), path.string());
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

TokenizerOptions read_tokenizer_options(const fs::path& folder) {
  return stated_tokenizer_options(folder).value_or(TokenizerOptions{});
}

std::optional<TokenizerOptions> stated_tokenizer_options(const fs::path& folder) {
  const auto path = folder / "tokenizer_config.json";
  if (!is_there(path)) return std::nullopt;
  TokenizerOptions options;
  const json config = parse_object(path);
  options.lower_case = read_flag(config, "do_lower_case", options.lower_case, path);
  options.strip_accents = read_flag(config, "strip_accents", options.lower_case, path);
  options.chinese_characters =
      read_flag(config, "tokenize_chinese_chars", options.chinese_characters, path);
  return options;
}

Vocabulary read_vocabulary(const fs::path& folder) {
  const auto plain = folder / "vocab.txt";
  const auto in_json = folder / "tokenizer.json";
  if (is_there(plain)) return Vocabulary::from_file(plain);
  if (is_there(in_json)) return vocabulary_of_tokenizer_json(in_json);
  throw Error(ErrorKind::io,
              fmt::format("{} has neither vocab.txt nor tokenizer.json", folder.string()),
              "give the folder of a BERT model or corpus");
}

}  // namespace bertha
