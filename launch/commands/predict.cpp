// `bertha predict`: a fine-tuned model and inputs to one JSON line per input, written as they come.
#include <chrono>
#include <iostream>
#include <optional>

#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/finetune_setup.h"
#include "launch/runtime.h"
#include "launch/tuned_model.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_file.h"
#include "trainer/labelled_evaluator.h"

namespace bertha {
namespace {

// Standard output, or a file that appears when it is complete. Rank 0's.
class PredictionLines {
 public:
  explicit PredictionLines(const std::filesystem::path& file) {
    if (!file.empty()) file_.emplace(file);
  }
  void add(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    if (file_) {
      file_->append(text);
    } else if (!(std::cout << text << std::flush)) {
      throw Error(ErrorKind::io, "cannot write predictions to standard output");
    }
  }
  void publish() {
    if (file_) file_->publish();
  }

 private:
  std::optional<StagedFile> file_;
};

}  // namespace

int run_predict(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.trainer.train.init.empty() || config.task.input.empty()) {
    throw Error(ErrorKind::usage, "train.init and task.input are both needed",
                "bertha predict --train.init tuned/model --task.input new.txt");
  }
  Runtime runtime(config, mpi);
  check_readable_by_all(runtime.communicator(), {config.task.input});
  TunedModel model(config, runtime.device());
  std::optional<PredictionLines> output;
  const auto on_root = [&](const auto& work) {
    agree_or_throw(runtime.communicator(), [&] {
      if (runtime.rank().is_root()) work();
    });
  };
  on_root([&] { output.emplace(config.task.output_file); });
  const auto begin = std::chrono::steady_clock::now();
  std::size_t rows = 0, sequences = 0, tokens = 0;
  std::optional<ProgressBar> bar(std::in_place, "predict", 0, "examples",
                                 config.trainer.metrics.progress && runtime.rank().is_root());
  model.each_block(config.task.input, runtime.threads(), [&](const ExampleSet& examples) {
    const auto predictions =
        predict_examples({.communicator = runtime.communicator(),
                          .task = *model.task,
                          .watchdog = runtime.watchdog(),
                          .progress = [&](std::size_t done) { bar->update(sequences + done); }},
                         examples.sequences, config.trainer.train.micro_batch_tokens);
    on_root([&] { output->add(examples.answers(examples, predictions)); });
    rows += examples.rows;
    sequences += examples.sequences.size();
    for (const auto& sequence : examples.sequences) tokens += sequence.tokens.size();
  });
  bar.reset();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  on_root([&] {
    output->publish();
    if (!config.task.output_file.empty()) {
      log_info(fmt::format("{} predictions in {}", rows, config.task.output_file.string()));
    }
    log_info(fmt::format("{} tokens read, encoded and predicted in {:.2f} s: {:.1f} tokens/s",
                         tokens, seconds.count(), static_cast<double>(tokens) / seconds.count()));
  });
  return 0;
}

}  // namespace bertha
