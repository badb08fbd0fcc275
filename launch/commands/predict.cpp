// `bertha predict`: a fine-tuned model and inputs to one JSON line per input, read and written some
// at a time.
#include <chrono>
#include <iostream>
#include <optional>
#include <system_error>

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

// The blocks of the input. A pipe's other end may take its time, and the watchdog let it.
class Input {
 public:
  Input(const TunedModel& model, const std::filesystem::path& file, Runtime& runtime)
      : watchdog_(runtime.watchdog()) {
    std::error_code none;  // of a file that is not there: whoever reads it says so
    pipe_ = std::filesystem::exists(file, none) && !std::filesystem::is_regular_file(file, none);
    waiting([&] { blocks_ = model.open(file, runtime.threads()); });
  }
  std::optional<ExampleSet> next() {
    std::optional<ExampleSet> block;
    waiting([&] { block = blocks_(); });
    return block;
  }

 private:
  void waiting(const auto& work) {
    watchdog_.report("reading rows");
    std::optional<Watchdog::Pause> pause;
    if (pipe_) pause.emplace(watchdog_, "waiting for rows");
    work();
  }

  Watchdog& watchdog_;
  bool pipe_;
  LabelledTaskDefinition::Blocks blocks_;
};

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
  Input input(model, config.task.input, runtime);
  while (const auto examples = input.next()) {
    const auto predictions =
        predict_examples({.communicator = runtime.communicator(),
                          .task = *model.task,
                          .watchdog = runtime.watchdog(),
                          .progress = [&](std::size_t done) { bar->update(sequences + done); }},
                         examples->sequences, config.trainer.train.micro_batch_tokens);
    on_root([&] { output->add(examples->answers(*examples, predictions)); });
    rows += examples->rows;
    sequences += examples->sequences.size();
    for (const auto& sequence : examples->sequences) tokens += sequence.tokens.size();
  }
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
