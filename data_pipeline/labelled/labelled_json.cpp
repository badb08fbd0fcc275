// Each line parsed by itself; what is missing or of another type is named.
#include "data_pipeline/labelled/labelled_json.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

// A line, and how to name it in errors.
struct Record {
  const Json& object;
  const std::string& file;
  std::uint64_t line;

  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw Error(ErrorKind::bad_data, fmt::format("{}:{}: {}", file, line, what), remedy);
  }
  const Json& field(const std::string& name, const char* option) const {
    const auto found = object.find(name);
    if (found != object.end()) return *found;
    std::vector<std::string> names;
    for (const auto& [known, value] : object.items()) names.push_back(known);
    fail(fmt::format("no field '{}'; the fields are: {}", name, excerpt_list(names)),
         fmt::format("name the right one: --{}", option));
  }
  std::string text(const std::string& name, const char* option) const {
    const auto& value = field(name, option);
    if (!value.is_string()) {
      fail(fmt::format("field '{}' is {}, not a string", name, value.type_name()), "");
    }
    return value.get<std::string>();
  }
  std::string label(const std::string& name, const char* option) const {
    return label_text(field(name, option), name);
  }
  // A list as JSON text, for who wants several labels.
  std::string labels(const std::string& name, const char* option) const {
    const auto& value = field(name, option);
    if (!value.is_array()) return value.is_null() ? "" : label_text(value, name);
    for (const auto& item : value) label_text(item, name + "[]");
    return value.dump();
  }
  std::vector<std::string> list(const std::string& name, const char* option) const {
    const auto& value = field(name, option);
    if (!value.is_array()) {
      fail(fmt::format("field '{}' is {}, not a list", name, value.type_name()), "");
    }
    std::vector<std::string> texts;
    for (const auto& item : value) texts.push_back(label_text(item, name + "[]"));
    return texts;
  }
  std::string label_text(const Json& value, const std::string& name) const {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_number() && !value.is_boolean()) {
      fail(fmt::format("field '{}' is {}; expected a string, a number, true or false", name,
                       value.type_name()),
           "");
    }
    return value.dump();
  }
};

std::string name_or(const std::string& given, const char* fallback) {
  return given.empty() ? std::string(fallback) : given;
}

Example record_example(const Record& record, const LabelledOptions& options) {
  Example example;
  example.row = record.line;
  example.text = record.text(name_or(options.text_column, "text"), "task.text_column");
  example.has_pair = !options.pair_column.empty();
  if (example.has_pair) example.pair = record.text(options.pair_column, "task.pair_column");
  if (!options.labelled) return example;
  const auto column = name_or(options.label_column, "label");
  example.label = options.several ? record.labels(column, "task.label_column")
                                  : record.label(column, "task.label_column");
  return example;
}

TaggedSentence record_sentence(const Record& record, const TaggedOptions& options) {
  TaggedSentence sentence;
  sentence.line = record.line;
  sentence.words = record.list(name_or(options.word_column, "words"), "task.text_column");
  if (!options.labelled) return sentence;
  sentence.labels = record.list(name_or(options.label_column, "labels"), "task.label_column");
  if (sentence.labels.size() != sentence.words.size()) {
    record.fail(
        fmt::format("{} words and {} labels", sentence.words.size(), sentence.labels.size()),
        "each word has one label");
  }
  return sentence;
}

template <class Row, class Options>
RowSource<Row> records(std::shared_ptr<TextLines> lines, const Options& options,
                       Row (*make)(const Record&, const Options&)) {
  return [lines = std::move(lines), options, make]() -> std::optional<Row> {
    std::string_view line;
    while (lines->next(line)) {
      if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
      const auto object = Json::parse(line, nullptr, false);
      const Record record{object, lines->file(), lines->number()};
      if (!object.is_object()) {
        record.fail(object.is_discarded()
                        ? "not valid JSON"
                        : fmt::format("{} instead of an object", object.type_name()),
                    "JSON lines have one object on each line");
      }
      return make(record, options);
    }
    return std::nullopt;
  };
}

}  // namespace

RowSource<Example> json_examples(std::shared_ptr<TextLines> lines, const LabelledOptions& options) {
  return records(std::move(lines), options, record_example);
}

RowSource<TaggedSentence> json_sentences(std::shared_ptr<TextLines> lines,
                                         const TaggedOptions& options) {
  return records(std::move(lines), options, record_sentence);
}

}  // namespace bertha
