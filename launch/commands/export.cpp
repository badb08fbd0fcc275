// `bertha export`: the model of a checkpoint, run or model folder as a plain Transformers folder.
#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/safetensors.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

std::string model_card(const fs::path& folder) {
  std::string text =
      "---\nlibrary_name: transformers\ntags: [bert, bertha]\n---\n\n# BERT model\n\n";
  if (!fs::exists(folder / "trainer_state.json")) return text;
  const auto state = read_trainer_state(folder);
  text += fmt::format("Pretrained with Bertha: {} steps, {} sequences, {} tokens.\n\n", state.step,
                      state.samples, state.tokens);
  text += "| option | value |\n|---|---|\n";
  for (const auto& [name, value] : state.options) {
    if (value.empty() || name.starts_with("finetune.")) continue;
    text += fmt::format("| {} | {} |\n", name, value);
  }
  return text;
}

}  // namespace

int run_export(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto& train = config.trainer.train;
  if (train.init.empty() || train.output.empty()) {
    throw Error(ErrorKind::usage, "train.init and train.output are both needed",
                "bertha export --train.init run --train.output model");
  }
  if (!mpi.rank_info().is_root()) return 0;
  const auto source = resolve_model_folder(train.init);
  if (fs::exists(train.output) && !fs::is_empty(train.output)) {
    throw Error(ErrorKind::usage, train.output.string() + " exists and is not empty",
                "remove it or choose another folder");
  }
  const SafetensorsFile check(source / "model.safetensors");
  StagedFolder staged(train.output, true);
  for (const char* name : {"model.safetensors", "config.json", "vocab.txt", "tokenizer.json",
                           "tokenizer_config.json"}) {
    if (!fs::exists(source / name)) continue;
    std::error_code error;
    fs::copy_file(source / name, staged.path() / name, error);
    if (error) throw_io_error("copy", (source / name).string(), error.value());
  }
  write_file(staged.path() / "README.md", model_card(source));
  staged.publish();
  log_info(fmt::format("{} weights of {} in {}; in Python: AutoModel.from_pretrained(\"{}\")",
                       check.entries().size(), source.string(), train.output.string(),
                       train.output.string()));
  return 0;
}

}  // namespace bertha
