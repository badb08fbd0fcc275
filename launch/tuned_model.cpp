// Loads a fine-tuned model with all its weights.
#include "launch/tuned_model.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "launch/finetune_setup.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/tasks/labelled/label_names.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

// Words may have labels that the model was never taught; a file of nothing else has no score.
void require_known_labels(const ExampleSet& examples, const std::filesystem::path& file,
                          const std::vector<std::string>& names) {
  bool any = false;
  for (const auto& sequence : examples.sequences) {
    if (std::any_of(sequence.labels.begin(), sequence.labels.end(),
                    [](auto label) { return label >= 0; })) {
      return;
    }
    any = any || !sequence.labels.empty();
  }
  if (!any) return;  // labels of another kind
  throw Error(
      ErrorKind::bad_data,
      fmt::format("{}: none of its labels is one that the model is trained for", file.string()),
      unknown_label_remedy(names));
}

}  // namespace

TunedModel::TunedModel(const RunConfig& config, at::Device device)
    : folder(resolve_model_folder(config.trainer.train.init)),
      head(read_head_config(folder / "config.json")),
      definition(task_of_model(head, config.was_given("task.name") ? config.task.name : "",
                               folder.string())),
      tokenizer(folder),
      options(config.task) {
  if (options.unanswerable == "auto" && head.unanswerable) options.unanswerable = "true";
  const auto shape = read_bert_config(folder / "config.json");
  if (!config.was_given("task.max_length")) {
    options.max_length =
        static_cast<int>(std::min<std::int64_t>(definition.max_length, shape.max_positions));
  }
  check_max_length(options, shape);
  task = std::make_unique<LabelledTask>(shape, definition.model(head.label_names.size()),
                                        config.trainer.train.precision, device);
  auto& space = task->parameters();
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  const auto match = copy_weights(read_model_weights(folder), destination);
  if (!match.missing.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} lacks the weight {}", folder.string(), match.missing.front()));
  }
  space.copy_master_to_compute();
}

ExampleSet TunedModel::load(const std::filesystem::path& file, int threads) const {
  auto examples = definition.load_file({options, tokenizer.wordpiece, 1, threads},
                                       {file, head.label_names, true});
  require_known_labels(examples, file, head.label_names);
  const auto cut = cut_message(definition, options, {&examples});
  if (!cut.empty()) log_info(cut);
  return examples;
}

LabelledTaskDefinition::Blocks TunedModel::open(const std::filesystem::path& file,
                                                int threads) const {
  constexpr std::size_t kRowsAtOnce = 1024;  // a few seconds of work
  return
      [this, counts = ExampleSet{},
       next = definition.open({options, tokenizer.wordpiece, 1, threads},
                              {file, head.label_names, false, {.rows = kRowsAtOnce}})]() mutable {
        auto block = next();
        if (block) {
          counts.rows += block->rows;
          counts.cut_rows += block->cut_rows;
          counts.lost_tokens += block->lost_tokens;
        } else if (const auto cut = cut_message(definition, options, {&counts}); !cut.empty()) {
          log_info(cut);
        }
        return block;
      };
}

}  // namespace bertha
