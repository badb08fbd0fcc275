// `bertha predict`: a fine-tuned model and inputs to one JSON line per input.
#include <chrono>
#include <iostream>
#include <optional>

#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "launch/runtime.h"
#include "launch/tuned_model.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_output.h"
#include "trainer/labelled_evaluator.h"

namespace bertha {

int run_predict(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.trainer.train.init.empty() || config.task.input.empty()) {
    throw Error(ErrorKind::usage, "train.init and task.input are both needed",
                "bertha predict --train.init tuned/model --task.input new.txt");
  }
  Runtime runtime(config, mpi);
  TunedModel model(config, runtime.device());
  const auto begin = std::chrono::steady_clock::now();
  const auto examples = model.load(config.task.input, false, runtime.threads());
  std::optional<ProgressBar> bar;
  bar.emplace("predict", examples.sequences.size(), "examples",
              config.trainer.metrics.progress && runtime.rank().is_root());
  const auto predictions =
      predict_examples({.communicator = runtime.communicator(),
                        .task = *model.task,
                        .watchdog = runtime.watchdog(),
                        .progress = [&](std::size_t done) { bar->update(done); }},
                       examples.sequences, config.trainer.train.micro_batch_tokens);
  bar.reset();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  agree_or_throw(runtime.communicator(), [&] {
    if (!runtime.rank().is_root()) return;
    std::string lines;
    for (const auto& answer : examples.answers(examples, predictions)) lines += answer + "\n";
    if (config.task.output_file.empty()) {
      std::cout << lines << std::flush;
    } else {
      write_file_atomically(config.task.output_file, lines);
      log_info(
          fmt::format("{} predictions in {}", examples.rows, config.task.output_file.string()));
    }
    std::size_t tokens = 0;
    for (const auto& sequence : examples.sequences) tokens += sequence.tokens.size();
    log_info(fmt::format("{} tokens read, encoded and predicted in {:.2f} s: {:.1f} tokens/s",
                         tokens, seconds.count(), static_cast<double>(tokens) / seconds.count()));
  });
  return 0;
}

}  // namespace bertha
