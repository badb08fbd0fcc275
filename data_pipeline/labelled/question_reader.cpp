// Walks over the parsed JSON; whatever is missing, of another type or at another place is named.
#include "data_pipeline/labelled/question_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/table_text.h"
#include "data_pipeline/labelled/text_lines.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlanks = " \t\r\n";

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

// A context that finds characters by their number.
class Context {
 public:
  explicit Context(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {
    const auto& bytes = *text_;
    if (std::all_of(bytes.begin(), bytes.end(), begins_character)) return;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (begins_character(bytes[i])) places_.push_back(static_cast<std::uint32_t>(i));
    }
  }
  const std::shared_ptr<const std::string>& text() const { return text_; }
  // Nothing beyond the end.
  std::optional<std::size_t> byte_of(std::uint64_t character) const {
    const auto characters = places_.empty() ? text_->size() : places_.size();
    if (character > characters) return std::nullopt;
    if (character == characters) return text_->size();
    const auto place = static_cast<std::size_t>(character);
    return places_.empty() ? place : places_[place];
  }

 private:
  std::shared_ptr<const std::string> text_;
  std::vector<std::uint32_t> places_;  // of each character; empty: one byte each
};

// A part of the file, and how errors call it.
struct Node {
  const Json& json;
  std::string place;  // "dev.json: data[0].paragraphs[2]"

  [[noreturn]] void fail(const std::string& what, const std::string& remedy = "") const {
    throw Error(ErrorKind::bad_data, fmt::format("{}: {}", place, what), remedy);
  }
  void require_object() const {
    if (!json.is_object()) fail(fmt::format("{} instead of an object", json.type_name()));
  }
  const Json& field(const char* name) const {
    require_object();
    const auto found = json.find(name);
    if (found != json.end()) return *found;
    std::vector<std::string> names;
    for (const auto& [known, value] : json.items()) names.push_back(known);
    fail(fmt::format("no field '{}'; the fields are: {}", name, excerpt_list(names)),
         "expected SQuAD's JSON, or lines with id, question, context and answers");
  }
  std::string text(const char* name) const {
    const auto& value = field(name);
    if (value.is_string()) return value.get<std::string>();
    fail(fmt::format("field '{}' is {}, not a string", name, value.type_name()));
  }
  std::vector<Node> list(const char* name) const {
    const auto& value = field(name);
    if (!value.is_array()) fail(fmt::format("'{}' is {}, not a list", name, value.type_name()));
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < value.size(); ++i) {
      nodes.push_back({value[i], fmt::format("{}.{}[{}]", place, name, i)});
    }
    return nodes;
  }
};

std::string id_of(const Node& question, std::size_t number) {
  const auto found = question.json.find("id");
  if (found == question.json.end() || found->is_null()) return std::to_string(number);
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number()) return found->dump();
  question.fail(fmt::format("field 'id' is {}, not a string", found->type_name()));
}

AnswerText answer_at(const Node& place, const std::string& text, const Json& start,
                     const Context& context) {
  if (!start.is_number_integer()) {
    place.fail(fmt::format("answer_start is {}, not a whole number", excerpt(start.dump())));
  }
  const bool negative =
      start.is_number_integer() && !start.is_number_unsigned() && start.get<std::int64_t>() < 0;
  const auto begin = negative ? std::nullopt : context.byte_of(start.get<std::uint64_t>());
  const char* const remedy = "answer_start counts characters (code points) from 0";
  if (!begin) {
    place.fail(fmt::format("answer_start {} is not within the context", start.dump()), remedy);
  }
  const auto& all = *context.text();
  if (all.compare(*begin, text.size(), text) != 0) {
    place.fail(fmt::format("the answer '{}' does not stand at answer_start {}; there stands '{}'",
                           excerpt(text), start.dump(),
                           excerpt(std::string_view(all).substr(*begin, text.size()))),
               remedy);
  }
  return {text, static_cast<std::uint32_t>(*begin),
          static_cast<std::uint32_t>(*begin + text.size())};
}

// [{"text", "answer_start"}], or {"text": [], "answer_start": []} as in Hugging Face's data sets.
std::vector<std::pair<std::string, Json>> answer_pairs(const Node& question) {
  const auto& answers = question.field("answers");
  std::vector<std::pair<std::string, Json>> pairs;
  if (answers.is_array()) {
    for (const auto& answer : question.list("answers")) {
      pairs.emplace_back(answer.text("text"), answer.field("answer_start"));
    }
    return pairs;
  }
  if (!answers.is_object()) {
    question.fail(fmt::format("field 'answers' is {}, not a list", answers.type_name()),
                  "a question that the context does not answer has no answers: []");
  }
  const Node columns{answers, question.place + ".answers"};
  const auto texts = columns.list("text"), starts = columns.list("answer_start");
  if (texts.size() != starts.size()) {
    columns.fail(fmt::format("{} texts and {} answer_starts", texts.size(), starts.size()));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].json.is_string()) texts[i].fail("not a string");
    pairs.emplace_back(texts[i].json.get<std::string>(), starts[i].json);
  }
  return pairs;
}

std::vector<AnswerText> answers_of(const Node& question, const Context& context) {
  const auto flag = question.json.find("is_impossible");
  if (flag != question.json.end() && !flag->is_boolean()) {
    question.fail(fmt::format("is_impossible is {}, not true or false", flag->type_name()));
  }
  if (flag != question.json.end() && flag->get<bool>()) return {};
  std::vector<AnswerText> answers;
  for (const auto& [text, start] : answer_pairs(question)) {
    if (text.empty()) {
      question.fail("an answer is empty",
                    "a question that the context does not answer has no answers: []");
    }
    answers.push_back(answer_at(question, text, start, context));
  }
  return answers;
}

Question read_question(Node node, const Context& context, std::size_t number, bool labelled) {
  node.require_object();
  Question question;
  question.id = id_of(node, number);
  node.place += fmt::format(" (question '{}')", excerpt(question.id));
  question.text = node.text("question");
  question.context = context.text();
  if (labelled) question.answers = answers_of(node, context);
  return question;
}

std::vector<Question> read_articles(const Json& root, const std::string& file, bool labelled) {
  std::vector<Question> questions;
  for (const auto& article : Node{root, file + ": "}.list("data")) {
    for (const auto& paragraph : article.list("paragraphs")) {
      const Context context(paragraph.text("context"));
      for (const auto& node : paragraph.list("qas")) {
        questions.push_back(read_question(node, context, questions.size(), labelled));
      }
    }
  }
  return questions;
}

RowSource<Question> question_a_line(std::shared_ptr<TextLines> lines, bool labelled) {
  return [lines = std::move(lines), labelled,
          given = std::size_t{0}]() mutable -> std::optional<Question> {
    std::string_view line;
    while (lines->next(line)) {
      if (line.find_first_not_of(kBlanks) == std::string_view::npos) continue;
      const auto object = Json::parse(line, nullptr, false);
      const Node node{object, fmt::format("{}:{}", lines->file(), lines->number())};
      if (object.is_discarded()) node.fail("not valid JSON", "one object a line, or SQuAD's JSON");
      const Context context(node.text("context"));
      auto question = read_question(node, context, given++, labelled);
      question.line = lines->number();
      return question;
    }
    return std::nullopt;
  };
}

// Whether the first line settles that questions stand on lines: a document would have to be read
// whole to know.
bool begins_with_a_question(TextLines& lines) {
  const auto line = first_line(lines, kBlanks);
  if (line.find("\"data\"") != std::string_view::npos) return false;
  const auto object = Json::parse(line, nullptr, false);
  return object.is_object() && !object.contains("data");
}

// Whether the file is one JSON value, or seems meant as one: its first line is none by itself.
bool is_one_document(std::string_view text, const Json& whole) {
  if (!whole.is_discarded()) return whole.is_array() || whole.contains("data");
  const auto begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const auto line = text.substr(begin, text.find('\n', begin) - begin);
  return line.find("\"data\"") != std::string_view::npos ||
         (line.size() < text.size() - begin && Json::parse(line, nullptr, false).is_discarded());
}

Json parse_document(std::string_view text, const std::string& file) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& fault) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: not valid JSON at byte {} of {}", file, fault.byte, text.size()),
                "is the file whole?");
  }
}

RowSource<Question> questions_of(std::shared_ptr<TextLines> lines, bool labelled) {
  if (begins_with_a_question(*lines)) return question_a_line(std::move(lines), labelled);
  const auto text = lines->rest();
  auto whole = Json::parse(text, nullptr, false);
  if (!is_one_document(text, whole)) return question_a_line(std::move(lines), labelled);
  if (whole.is_discarded()) whole = parse_document(text, lines->file());  // says where it fails
  return source_of(read_articles(whole, lines->file(), labelled));
}

}  // namespace

RowSource<Question> open_question_file(const std::filesystem::path& path, bool labelled) {
  return at_least_one(
      questions_of(std::make_shared<TextLines>(path), labelled),
      Error(ErrorKind::bad_data, path.string() + " holds no questions",
            "expected SQuAD's JSON, or lines with id, question, context and answers"));
}

std::size_t characters_before(const std::string& text, std::size_t place) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(place, text.size())),
      begins_character));
}

}  // namespace bertha
