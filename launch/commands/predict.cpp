// `bertha predict`: a fine-tuned model and inputs to one JSON line per input.
#include <cmath>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/commands/commands.h"
#include "launch/labelled_setup.h"
#include "launch/model_setup.h"
#include "launch/runtime.h"
#include "launch/tuned_model.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/labelled_evaluator.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

Json prediction_json(const at::Tensor& outputs, const TunedModel& model) {
  Json json;
  const auto* values = outputs.data_ptr<float>();
  if (model.regression()) {
    json["value"] = values[0];
    return json;
  }
  const auto count = static_cast<std::size_t>(outputs.numel());
  double largest = values[0], sum = 0;
  std::size_t best = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (values[i] > values[best]) best = i;
  }
  largest = values[best];
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(values[i] - largest);
  json["label"] = model.head.label_names.at(best);
  for (std::size_t i = 0; i < count; ++i) {
    json["scores"][model.head.label_names.at(i)] = std::exp(values[i] - largest) / sum;
  }
  return json;
}

}  // namespace

int run_predict(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.trainer.train.init.empty() || config.task.input.empty()) {
    throw Error(ErrorKind::usage, "train.init and task.input are both needed",
                "bertha predict --train.init tuned/model --task.input new.txt");
  }
  Runtime runtime(config, mpi);
  TunedModel model(config, runtime.device());
  auto options = labelled_options(config.task);
  options.labelled = false;
  const auto examples = read_labelled_file(config.task.input, options);
  const auto encoded =
      encode_examples(examples, model.tokenizer.wordpiece, model.longest(config.task.max_length),
                      {}, false, runtime.threads());
  const auto predictions =
      predict_examples({runtime.communicator(), *model.task, runtime.watchdog()}, encoded,
                       config.trainer.train.micro_batch_tokens);
  agree_or_throw(runtime.communicator(), [&] {
    if (!runtime.rank().is_root()) return;
    std::string lines;
    for (std::int64_t i = 0; i < predictions.size(0); ++i) {
      lines += prediction_json(predictions[i].contiguous(), model).dump() + "\n";
    }
    if (config.task.output_file.empty()) {
      std::cout << lines << std::flush;
    } else {
      write_file_atomically(config.task.output_file, lines);
      log_info(
          fmt::format("{} predictions in {}", encoded.size(), config.task.output_file.string()));
    }
  });
  return 0;
}

}  // namespace bertha
