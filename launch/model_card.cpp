// Markdown out of trainer_state.json, metrics.jsonl and scores.
#include "launch/model_card.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "data_pipeline/shards/corpus_manifest.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/metrics/event_line.h"
#include "trainer/model/bert_config.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Options = std::map<std::string, std::string>;

std::string front_matter(const std::string& architecture) {
  static const std::map<std::string, std::string> pipelines{
      {"BertForPreTraining", "fill-mask"},
      {"BertForMaskedLM", "fill-mask"},
      {"BertForSequenceClassification", "text-classification"},
      {"BertForTokenClassification", "token-classification"},
      {"BertForQuestionAnswering", "question-answering"}};
  const auto pipeline = pipelines.find(architecture);
  return fmt::format(
      "---\nlibrary_name: transformers\n{}tags: [bert, bertha]\n---\n\n",
      pipeline == pipelines.end() ? "" : fmt::format("pipeline_tag: {}\n", pipeline->second));
}

std::string shape_text(const BertConfig& config, const std::string& architecture) {
  return fmt::format(
      "{}: {} layers, hidden size {}, {} attention heads, {} tokens in the vocabulary, {} "
      "positions.",
      architecture, config.layers, config.hidden_size, config.attention_heads,
      config.vocabulary_size, config.max_positions);
}

// Of a table: one line, no bar.
std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, 1, '\\');
  }
  return text;
}

std::string options_table(const Options& options) {
  std::string text = "## Options\n\n| option | value |\n|---|---|\n";
  for (const auto& [name, value] : options) {
    if (value.empty() || name.starts_with("finetune.")) continue;
    text += fmt::format("| {} | {} |\n", name, cell(value));
  }
  return text;
}

// Named scores as a table: a column for each that some row has.
class ScoresTable {
 public:
  void add(const std::string& row, const std::string& at, const Scores& scores) {
    rows_.push_back({row, at, scores});
    for (const auto& [name, value] : scores) {
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
    }
  }
  std::string text(const std::string& at) const {
    if (rows_.empty()) return "";
    std::string table = fmt::format("| | {} |", at), line = "|---|---|";
    for (const auto& name : names_) {
      table += fmt::format(" {} |", name);
      line += "---|";
    }
    table += "\n" + line + "\n";
    for (const auto& row : rows_) {
      table += fmt::format("| {} | {} |", row.name, row.at);
      for (const auto& name : names_) {
        const auto found = std::find_if(row.scores.begin(), row.scores.end(),
                                        [&](const auto& score) { return score.first == name; });
        table += found == row.scores.end() ? " |" : fmt::format(" {:.4f} |", found->second);
      }
      table += "\n";
    }
    return table + "\n";
  }

 private:
  struct Row {
    std::string name, at;
    Scores scores;
  };
  std::vector<Row> rows_;
  std::vector<std::string> names_;
};

bool tells_a_loss(const std::string& name) {
  return name.ends_with("loss") || name.ends_with("accuracy");
}

// The newest train and validation lines up to the checkpoint's step. What was trained again after a
// resume stands further down in the file.
std::string losses(const fs::path& metrics_jsonl, std::int64_t last_step) {
  std::ifstream file(metrics_jsonl);
  std::map<std::string, EventLine> newest;
  std::string text;
  EventLine line;
  while (std::getline(file, text)) {
    if (!parse_event_line(text, line) || line.step > last_step) continue;
    if (line.event == "train" || line.event == "validation") newest[line.event] = line;
  }
  ScoresTable table;
  for (const auto& [event, found] : newest) {
    Scores scores;
    for (const auto& [name, value] : found.numbers) {
      if (tells_a_loss(std::string(name))) scores.emplace_back(name, value);
    }
    table.add(event, std::to_string(found.step), scores);
  }
  return table.text("step");
}

// The corpus by its name and contents, and its counts when it is still there.
std::string data_text(const TrainerState& state) {
  const auto found = state.options.find("data.corpus");
  const auto corpus = found == state.options.end() ? std::string() : found->second;
  auto text = fmt::format("Data: `{}`, digest {}", corpus, state.corpus_digest);
  if (!corpus.empty() && is_corpus_folder(corpus)) {
    const auto manifest = CorpusManifest::from_folder(corpus);
    if (manifest.digest() == state.corpus_digest && manifest.splits.contains("train")) {
      const auto& train = manifest.splits.at("train");
      text += fmt::format(": {} documents, {} sentences, {} tokens", train.documents,
                          train.sentences, train.tokens);
    }
  }
  return text + ".\n\n";
}

}  // namespace

std::string pretraining_card(const fs::path& checkpoint) {
  const auto architecture = read_head_config(checkpoint / "config.json").architecture;
  auto text = front_matter(architecture) + "# BERT model\n\n" +
              shape_text(read_bert_config(checkpoint / "config.json"), architecture) + "\n\n";
  if (!fs::exists(checkpoint / "trainer_state.json")) return text;
  const auto state = read_trainer_state(checkpoint);
  text += fmt::format(
      "## Training\n\nPretrained with Bertha: {} steps, {} sequences, {} tokens, seed {}.\n\n",
      state.step, state.samples, state.tokens, state.seed);
  text += data_text(state);
  const auto folder = fs::absolute(checkpoint).lexically_normal();
  text += losses(folder.parent_path().parent_path() / "metrics.jsonl", state.step);
  return text + options_table(state.options);
}

std::string finetuning_card(const TunedCard& card) {
  const auto& task = card.config.task;
  const auto& progress = card.progress;
  const auto architecture = head_architecture(find_task(task.name).head);
  auto text = front_matter(architecture) + fmt::format("# BERT model for {}\n\n", task.name);
  text += fmt::format(
      "Fine-tuned with Bertha, from the weights of `{}`; epoch {} of {} was the "
      "best.\n\nData: `{}`: {} examples to train, {} to choose the epoch, {} to "
      "test.\n\n",
      card.start, progress.best_epoch, progress.validations.size(), task.train.string(),
      card.data.train.rows, card.data.validation.rows, card.data.test.rows);
  ScoresTable table;
  for (std::size_t i = 0; i < progress.validations.size(); ++i) {
    table.add("validation", std::to_string(i + 1), progress.validations[i]);
  }
  if (!card.test.empty()) table.add("test", std::to_string(progress.best_epoch), card.test);
  return text + table.text("epoch") + options_table(card.config.resolved);
}

}  // namespace bertha
