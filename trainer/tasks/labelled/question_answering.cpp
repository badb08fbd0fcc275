// question_answering: the part of a context that answers a question, or that there is none.
#include <algorithm>
#include <string_view>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/question_reader.h"
#include "data_pipeline/labelled/question_windows.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"
#include "trainer/tasks/answer_choice.h"
#include "trainer/tasks/answer_scores.h"
#include "trainer/tasks/labelled/task_rows.h"

namespace bertha {
namespace {

QuestionWindowOptions window_options(const TaskOptions& options) {
  return {options.max_length, options.max_query_length, options.document_stride};
}

void check(const TaskOptions& options) {
  check_question_windows(window_options(options));
  for (const auto& [name, value] : {std::pair("n_best", options.n_best),
                                    std::pair("max_answer_length", options.max_answer_length)}) {
    if (value > 0) continue;
    throw Error(ErrorKind::usage, fmt::format("task.{} is {}; it must be positive", name, value));
  }
  const auto& allowed = options.unanswerable;
  if (allowed != "auto" && allowed != "true" && allowed != "false") {
    throw Error(ErrorKind::usage,
                fmt::format("task.unanswerable = '{}': expected auto, true or false", allowed));
  }
}

RowSource<Question> open(const std::filesystem::path& file, const TaskOptions& options,
                         bool labelled) {
  check(options);
  return open_question_file(file, labelled);
}

// A context counts for each of its questions, as its windows do.
std::size_t bytes(const Question& row) {
  return row.text.size() + row.context->size();
}

// Of one document the id is what a reader can search for.
std::string place(const Question& row) {
  return row.line > 0 ? std::to_string(row.line) : fmt::format(" question '{}'", excerpt(row.id));
}

bool unanswered(const Question& row) {
  return row.answers.empty();
}

// Only questions are cut.
std::string length_limit(const TaskOptions& options) {
  const auto most = most_question_tokens(window_options(options));
  return most == options.max_query_length
             ? fmt::format("task.max_query_length {}", most)
             : fmt::format("{} question tokens, by task.max_length {}", most, options.max_length);
}

// Questions of one context are not shared out over splits: it would be known from training.
std::string_view group(const Question& row) {
  return *row.context;
}

std::vector<std::string> strata(const std::vector<Question>& rows) {
  std::vector<std::string> kinds;
  for (const auto& row : rows) kinds.emplace_back(unanswered(row) ? "unanswered" : "answered");
  return kinds;
}

// The first answer is learnt.
EncodedRow encode(const Question& row, const RowEncoding& encoding, WordPiece::Scratch& scratch) {
  auto [windows, lost_tokens] =
      encode_question(row, encoding.tokenizer, window_options(encoding.options), scratch);
  for (auto& window : windows) {
    if (!encoding.labelled) continue;
    if (unanswered(row)) {
      window.labels = {0, 0};
    } else {
      label_window(window, row.answers.front());
    }
  }
  return {std::move(windows), lost_tokens};
}

// One for each row.
std::vector<AnswerChoice> choices(const PredictedRows<Question>& predicted, bool may_be_missing) {
  AnswerOptions options;
  options.n_best = predicted.options.n_best;
  options.max_answer_length = predicted.options.max_answer_length;
  options.null_threshold = predicted.options.null_threshold;
  options.may_be_missing = may_be_missing;
  std::vector<AnswerChoice> chosen;
  std::size_t next = 0;
  for (std::size_t row = 0; row < predicted.rows.size(); ++row) {
    std::vector<at::Tensor> outputs;  // keeps what the windows point to
    std::vector<AnswerWindow> windows;
    for (; next < predicted.sequences.size() && predicted.sequences[next].row == row; ++next) {
      outputs.push_back(predicted.outputs[next].contiguous());
      windows.push_back({predicted.sequences[next].origins, outputs.back().data_ptr<float>()});
    }
    chosen.push_back(choose_answer(windows, options));
  }
  return chosen;
}

std::string text_of(const Question& row, const AnswerCandidate& answer) {
  return row.context->substr(answer.begin, answer.end - answer.begin);
}

// Whether labelled questions are judged as ones that may have no answer.
bool judged_with_missing(const PredictedRows<Question>& predicted) {
  const auto& allowed = predicted.options.unanswerable;
  return allowed == "true" || (allowed == "auto" && std::any_of(predicted.rows.begin(),
                                                                predicted.rows.end(), unanswered));
}

JudgedAnswer judged(const Question& row, const AnswerChoice& choice) {
  JudgedAnswer answer{
      text_of(row, choice.answer), text_of(row, choice.best), choice.null_difference, {}};
  for (const auto& truth : row.answers) answer.truths.push_back(truth.text);
  return answer;
}

Scores score(const PredictedRows<Question>& predicted) {
  const auto chosen = choices(predicted, judged_with_missing(predicted));
  std::vector<JudgedAnswer> answers;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    answers.push_back(judged(predicted.rows[i], chosen[i]));
  }
  return answer_scores(answers);
}

// By the F1 of each answer, the surest of equally wrong ones first.
Mistakes mistakes(const PredictedRows<Question>& predicted) {
  const auto chosen = choices(predicted, judged_with_missing(predicted));
  std::vector<std::pair<double, Mistake>> wrong;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto& row = predicted.rows[i];
    const auto answer = judged(row, chosen[i]);
    const auto f1 = answer_f1(answer);
    if (f1 >= 1) continue;
    const auto shown = [](const std::string& text) { return text.empty() ? "(no answer)" : text; };
    wrong.push_back(
        {chosen[i].answer.probability,
         {row.text + " | " + *row.context,
          shown(answer.truths.empty() ? "" : answer.truths.front()), shown(answer.answer), f1}});
  }
  std::stable_sort(wrong.begin(), wrong.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Mistakes list{"f1", false, {}};
  for (auto& [share, mistake] : wrong) list.rows.push_back(std::move(mistake));
  return list;
}

// Places count characters, as answer_start does.
nlohmann::ordered_json answer_json(const Question& row, const AnswerCandidate& answer) {
  const auto begin = characters_before(*row.context, answer.begin);
  auto text = text_of(row, answer);
  const auto end = begin + characters_before(text, text.size());
  return {
      {"answer", std::move(text)}, {"start", begin}, {"end", end}, {"score", answer.probability}};
}

// {"id", "answer", "start", "end", "score"}; with null_difference where an answer may be missing,
// with the list n_best when asked for.
std::vector<std::string> answers(const PredictedRows<Question>& predicted) {
  const bool may_be_missing = predicted.options.unanswerable == "true";
  const auto chosen = choices(predicted, may_be_missing);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto& row = predicted.rows[i];
    nlohmann::ordered_json line{{"id", row.id}};
    line.update(answer_json(row, chosen[i].answer));
    if (may_be_missing) line["null_difference"] = chosen[i].null_difference;
    if (predicted.options.list_n_best) {
      auto& list = line["n_best"] = nlohmann::ordered_json::array();
      for (const auto& candidate : chosen[i].n_best) list.push_back(answer_json(row, candidate));
    }
    lines.push_back(line.dump());
  }
  return lines;
}

}  // namespace

LabelledTaskDefinition question_answering_task() {
  LabelledTaskDefinition task;
  task.name = "question_answering";
  task.head = Head::question;
  task.loss = LossKind::span;
  task.outputs = 2;
  task.metric = "f1";
  task.max_length = 384;
  task.length_limit = length_limit;
  return make_definition<Question>(task, {.open = open,
                                          .bytes = bytes,
                                          .place = place,
                                          .strata = strata,
                                          .labels = nullptr,
                                          .encode = encode,
                                          .score = score,
                                          .answers = answers,
                                          .mistakes = mistakes,
                                          .unanswered = unanswered,
                                          .group = group});
}

}  // namespace bertha
