// Reads the file beside the vocabulary, and puts what was given over it.
#include "launch/vocabulary_settings.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_checks.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/tokenizer/tokenizer_settings.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> tokenizer_folder(const fs::path& vocabulary) {
  std::error_code none;
  if (fs::is_directory(vocabulary, none)) return vocabulary;
  if (vocabulary.filename() != "vocab.txt") return std::nullopt;
  return vocabulary.has_parent_path() ? vocabulary.parent_path() : fs::path(".");
}

TokenizerOptions with_given(const RunConfig& config, TokenizerOptions settings) {
  const auto& options = config.tokenizer;
  if (config.was_given("tokenizer.lower_case")) {
    settings.lower_case = options.lower_case;
    settings.strip_accents = options.strip_accents;  // which follows it
  }
  if (config.was_given("tokenizer.strip_accents")) settings.strip_accents = options.strip_accents;
  if (config.was_given("tokenizer.chinese_characters")) {
    settings.chinese_characters = options.chinese_characters;
  }
  return settings;
}

}  // namespace

TokenizerOptions settings_for_vocabulary(const RunConfig& config) {
  const auto folder = tokenizer_folder(config.vocabulary);
  const auto stated = folder ? stated_tokenizer_options(*folder) : std::nullopt;
  if (!stated) {
    const auto doubt = casing_doubt(load_vocabulary(config.vocabulary), config.tokenizer);
    if (!doubt.empty()) {
      log_warning(fmt::format("{} is hardly a vocabulary for text made with {}: {}",
                              config.vocabulary.string(), settings_text(config.tokenizer), doubt));
    }
    return config.tokenizer;
  }
  const auto settings = with_given(config, *stated);
  const auto file = (*folder / "tokenizer_config.json").string();
  if (settings != *stated) {
    log_warning(fmt::format(
        "the text is made with {}, but {} says {}: a model of that folder cannot be trained on it",
        settings_text(settings), file, settings_text(*stated)));
  } else if (settings != config.tokenizer) {
    log_info(fmt::format("tokenizer: {}, as {} says", settings_text(settings), file));
  }
  return settings;
}

}  // namespace bertha
