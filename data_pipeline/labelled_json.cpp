// Each line parsed by itself; what is missing or of another type is named.
#include "data_pipeline/labelled_json.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/table_text.h"
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
    const auto& value = field(name, option);
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_number() && !value.is_boolean()) {
      fail(fmt::format("field '{}' is {}; a label is a string, a number, true or false", name,
                       value.type_name()),
           "");
    }
    return value.dump();
  }
};

Example record_example(const Record& record, const LabelledOptions& options) {
  const auto name = [](const std::string& given, const char* fallback) {
    return given.empty() ? std::string(fallback) : given;
  };
  Example example;
  example.row = record.line;
  example.text = record.text(name(options.text_column, "text"), "task.text_column");
  example.has_pair = !options.pair_column.empty();
  if (example.has_pair) example.pair = record.text(options.pair_column, "task.pair_column");
  if (options.labelled) {
    example.label = record.label(name(options.label_column, "label"), "task.label_column");
  }
  return example;
}

}  // namespace

std::vector<Example> read_json_examples(std::string_view text, const std::string& file,
                                        const LabelledOptions& options) {
  std::vector<Example> examples;
  std::uint64_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto object = Json::parse(line, nullptr, false);
    const Record record{object, file, number};
    if (!object.is_object()) {
      record.fail(object.is_discarded()
                      ? "not valid JSON"
                      : fmt::format("{} instead of an object", object.type_name()),
                  "JSON lines have one object on each line");
    }
    examples.push_back(record_example(record, options));
  }
  return examples;
}

}  // namespace bertha
