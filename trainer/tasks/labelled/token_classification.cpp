// token_classification: a label for each word of a sentence, of which entities are made.
#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/labelled/tagged_sentences.h"
#include "data_pipeline/labelled/word_windows.h"
#include "trainer/tasks/entity_scores.h"
#include "trainer/tasks/labelled/task_rows.h"

namespace bertha {
namespace {

const char* const kOutside = "O";

RowSource<TaggedSentence> open(const std::filesystem::path& file, const TaskOptions& options,
                               bool labelled) {
  return open_tagged_file(file,
                          {options.text_column, options.label_column, options.delimiter, labelled});
}

std::size_t bytes(const TaggedSentence& row) {
  std::size_t sum = 0;
  for (const auto& word : row.words) sum += word.size();
  return sum;
}

std::string line_of(const TaggedSentence& row) {
  return std::to_string(row.line);
}

// Sentences with entities and without are split alike.
std::vector<std::string> strata(const std::vector<TaggedSentence>& rows) {
  std::vector<std::string> kinds;
  for (const auto& row : rows) {
    const bool any = std::any_of(row.labels.begin(), row.labels.end(),
                                 [](const std::string& label) { return label != kOutside; });
    kinds.emplace_back(any ? "entities" : "none");
  }
  return kinds;
}

std::vector<std::string> labels_of(const TaggedSentence& row) {
  return row.labels;
}

// The first piece of a word carries its label; a label that the model does not know is not learnt.
EncodedRow encode(const TaggedSentence& row, const RowEncoding& encoding,
                  WordPiece::Scratch& scratch) {
  auto [windows, lost_tokens] =
      encode_words(row.words, encoding.tokenizer, encoding.options.max_length, scratch);
  for (auto& window : windows) {
    if (!encoding.labelled) continue;
    for (const auto& origin : window.origins) {
      const auto label =
          origin.word < 0 ? std::nullopt
                          : encoding.labels.find(row.labels[static_cast<std::size_t>(origin.word)]);
      window.labels.push_back(label.value_or(-1));
    }
  }
  return {std::move(windows), lost_tokens};
}

struct WordAnswer {
  std::string label = kOutside;  // also where the tokenizer leaves nothing of a word
  double score = 1;              // the label's probability
};

// [row][word]
std::vector<std::vector<WordAnswer>> word_answers(const PredictedRows<TaggedSentence>& predicted) {
  std::vector<std::vector<WordAnswer>> answers;
  for (const auto& row : predicted.rows) answers.emplace_back(row.words.size());
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    const auto& sequence = predicted.sequences[i];
    const auto [scores, labels] = at::softmax(predicted.outputs[i], 1).max(1);
    for (std::size_t token = 0; token < sequence.origins.size(); ++token) {
      const auto word = sequence.origins[token].word;
      if (word < 0) continue;
      const auto label = static_cast<std::size_t>(labels.data_ptr<std::int64_t>()[token]);
      answers[sequence.row][static_cast<std::size_t>(word)] = {predicted.labels.name(label),
                                                               scores.data_ptr<float>()[token]};
    }
  }
  return answers;
}

Scores score(const PredictedRows<TaggedSentence>& predicted) {
  std::vector<WordLabels> guesses, labels;
  for (const auto& row : word_answers(predicted)) {
    auto& sentence = guesses.emplace_back();
    for (const auto& answer : row) sentence.push_back(answer.label);
  }
  for (const auto& row : predicted.rows) labels.push_back(row.labels);
  return entity_scores(guesses, labels);
}

// Sentences, each for its worst word.
Mistakes mistakes(const PredictedRows<TaggedSentence>& predicted) {
  Mistakes wrong;
  std::vector<Mistake> worst(predicted.rows.size(), Mistake{{}, {}, {}, 2});
  for (std::size_t i = 0; i < predicted.sequences.size(); ++i) {
    const auto& sequence = predicted.sequences[i];
    const auto shares = at::softmax(predicted.outputs[i], 1);
    const auto guesses = shares.argmax(1);
    for (std::size_t token = 0; token < sequence.origins.size(); ++token) {
      const auto word = sequence.origins[token].word;
      if (word < 0 || sequence.labels[token] < 0) continue;
      const auto place = static_cast<std::int64_t>(token);
      const auto label = sequence.labels[token];
      const auto guess = guesses[place].item<std::int64_t>();
      const double share = shares[place][label].item<float>();
      if (guess == label || share >= worst[sequence.row].value) continue;
      const auto& words = predicted.rows[sequence.row].words;
      worst[sequence.row] = {
          fmt::format("'{}' in: {}", words[static_cast<std::size_t>(word)], fmt::join(words, " ")),
          predicted.labels.name(static_cast<std::size_t>(label)),
          predicted.labels.name(static_cast<std::size_t>(guess)), share};
    }
  }
  for (auto& mistake : worst) {
    if (!mistake.text.empty()) wrong.rows.push_back(std::move(mistake));
  }
  return wrong;
}

// {"words": [...], "labels": one for each word, "scores": their probabilities}
std::vector<std::string> answers(const PredictedRows<TaggedSentence>& predicted) {
  std::vector<std::string> lines;
  const auto rows = word_answers(predicted);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto labels = nlohmann::ordered_json::array(), scores = nlohmann::ordered_json::array();
    for (const auto& answer : rows[i]) {
      labels.push_back(answer.label);
      scores.push_back(answer.score);
    }
    const nlohmann::ordered_json line{
        {"words", predicted.rows[i].words}, {"labels", labels}, {"scores", scores}};
    lines.push_back(line.dump());
  }
  return lines;
}

}  // namespace

LabelledTaskDefinition token_classification_task() {
  LabelledTaskDefinition task;
  task.name = "token_classification";
  task.head = Head::token;
  task.loss = LossKind::cross_entropy;
  task.metric = "f1";
  return make_definition<TaggedSentence>(
      task, {open, bytes, line_of, strata, labels_of, encode, score, answers, mistakes});
}

}  // namespace bertha
