// Finds out what a file of words holds, and reads it sentence by sentence.
#include "data_pipeline/labelled/tagged_sentences.h"

#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled/label_scheme.h"
#include "data_pipeline/labelled/labelled_json.h"
#include "data_pipeline/labelled/table_text.h"
#include "data_pipeline/labelled/tagged_columns.h"
#include "data_pipeline/labelled/text_lines.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

// Less than a block of sentences, and as much as is needed to tell a list of words from text.
constexpr std::size_t kLookAheadBytes = 16 * 1024;

// Looks at the lines to come until they are certain, or `most_bytes` were seen.
ColumnGuess guess_ahead(TextLines& lines, bool tabs_only, std::size_t most_bytes) {
  ColumnGuess guess;
  std::string_view line;
  for (std::size_t seen = 0; !guess.certain() && seen < most_bytes && lines.peek(seen, line);) {
    guess.add(line, tabs_only);
  }
  return guess;
}

// Looks at all lines of a file that can be read again.
ColumnGuess guess_whole(const std::filesystem::path& path, bool tabs_only) {
  TextLines lines(path, TextLines::Warning::none);
  ColumnGuess guess;
  std::string_view line;
  while (!guess.certain() && lines.next(line)) guess.add(line, tabs_only);
  return guess;
}

// What the beginning of a pipe was taken for has to hold for the rest.
void check_width(const ColumnGuess& guess, const TextLines& lines, std::size_t width) {
  if (guess.certain().value_or(true)) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{}:{}: {} column(s) where all lines before have {}; they were taken as "
                          "one word a line",
                          lines.file(), lines.number(), width, guess.width()),
              "say what the lines are: --task.delimiter lines, space or tab");
}

RowSource<TaggedSentence> plain_sentences(std::shared_ptr<TextLines> lines, bool tabs_only) {
  return [lines = std::move(lines), tabs_only]() -> std::optional<TaggedSentence> {
    std::string_view line;
    if (!lines->next(line)) return std::nullopt;
    const auto columns = columns_of(line, tabs_only);
    return TaggedSentence{{columns.begin(), columns.end()}, {}, lines->number()};
  };
}

// Whether a line at the beginning of a sentence, which begins with "# ", is a comment such as
// "# sent_id = 1": it is no row of as many columns as the next row, or those before, or it has a
// "=" where they have not. Only among rows of several columns.
bool is_comment(std::string_view line, TextLines& lines, bool tabs_only, std::size_t width) {
  std::string_view next;
  for (std::size_t offset = 0; lines.peek(offset, next);) {
    if (may_be_comment(next)) continue;
    if (const auto columns = columns_of(next, tabs_only); !columns.empty()) width = columns.size();
    break;
  }
  const auto words = columns_of(line, false);
  const bool names = words.size() > 2 && words[2] == "=";
  return width > 1 && (names || columns_of(line, tabs_only).size() != width);
}

RowSource<TaggedSentence> column_sentences(std::shared_ptr<TextLines> lines,
                                           const TaggedOptions& options,
                                           std::optional<ColumnGuess> guess) {
  return [reader = ColumnSentences(lines->file(), options), lines,
          tabs_only = options.delimiter == "tab", guess = std::move(guess),
          width = std::size_t{0}]() mutable -> std::optional<TaggedSentence> {
    TaggedSentence sentence;
    std::string_view line;
    while (lines->next(line)) {
      if (sentence.words.empty() && may_be_comment(line)) {
        const std::string kept(line);
        if (is_comment(kept, *lines, tabs_only, width)) continue;
        line = lines->current();
      }
      const auto columns = columns_of(line, tabs_only);
      if (guess) {
        guess->add(line, tabs_only);
        check_width(*guess, *lines, columns.size());
      }
      if (!columns.empty()) width = columns.size();
      if (sentence.words.empty()) sentence.line = lines->number();
      if (reader.add(lines->number(), columns, sentence) && !sentence.words.empty()) break;
    }
    return sentence.words.empty() ? std::nullopt : std::optional(std::move(sentence));
  };
}

// With a look at all labels.
RowSource<TaggedSentence> of_one_scheme(RowSource<TaggedSentence> next, LabelScheme scheme) {
  return [next = std::move(next),
          scheme = std::move(scheme)]() mutable -> std::optional<TaggedSentence> {
    auto sentence = next();
    if (sentence) {
      scheme.add(*sentence);
    } else {
      scheme.end();
    }
    return sentence;
  };
}

void check_delimiter(const TaggedOptions& options) {
  const auto& delimiter = options.delimiter;
  if (delimiter != "auto" && delimiter != "space" && delimiter != "tab" && delimiter != "lines") {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.delimiter = '{}': expected auto, space, tab, jsonl or lines", delimiter));
  }
  if (options.labelled && delimiter == "lines") {
    throw Error(ErrorKind::usage, "task.delimiter lines has no labels", "it is for predict");
  }
}

RowSource<TaggedSentence> open_text(const std::filesystem::path& path,
                                    const TaggedOptions& options) {
  const auto lines = std::make_shared<TextLines>(path);
  const auto& delimiter = options.delimiter;
  check_delimiter(options);
  const bool tabs_only = delimiter == "tab";
  if (delimiter == "lines") return plain_sentences(lines, tabs_only);
  if (delimiter != "auto" || options.labelled) return column_sentences(lines, options, {});
  std::error_code none;
  const bool again = std::filesystem::is_regular_file(path, none);
  const auto guess =
      again ? guess_whole(path, tabs_only) : guess_ahead(*lines, tabs_only, kLookAheadBytes);
  if (!guess.likely()) {
    log_info(lines->file() + ": taken as one sentence a line");
    return plain_sentences(lines, tabs_only);
  }
  log_info(lines->file() + ": taken as one word a line, sentences parted by blank lines");
  return column_sentences(lines, options, again ? std::nullopt : std::optional(guess));
}

}  // namespace

RowSource<TaggedSentence> open_tagged_file(const std::filesystem::path& path,
                                           const TaggedOptions& options) {
  const auto extension = table_extension(path);
  const bool json =
      options.delimiter == "jsonl" ||
      (options.delimiter == "auto" && (extension == ".jsonl" || extension == ".json"));
  auto sentences =
      json ? json_sentences(std::make_shared<TextLines>(path), options) : open_text(path, options);
  if (options.labelled) {
    sentences = of_one_scheme(std::move(sentences), LabelScheme(path.string(), !json));
  }
  return at_least_one(
      std::move(sentences),
      Error(ErrorKind::bad_data, fmt::format("{} holds no sentences", path.string()),
            "one word a line with its label, a blank line between sentences"));
}

}  // namespace bertha
