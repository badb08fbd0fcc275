// data table: the commands of the program.
#include "launch/option_table.h"

namespace bertha {

const std::vector<CommandDeclaration>& command_table() {
  static const std::vector<std::string> training{"model",    "train",    "optimizer",
                                                 "schedule", "parallel", "metrics"};
  static const auto with = [](std::vector<std::string> sections) {
    sections.insert(sections.end(), training.begin(), training.end());
    return sections;
  };
  static const std::vector<CommandDeclaration> table{
      {"vocab",
       "Trains a WordPiece vocabulary from text.",
       {"input", "tokenizer", "vocab"},
       "",
       "bertha vocab --input.paths texts/ --vocab.size 30522 --vocab.output vocab.txt",
       {},
       {"parallel.timeout_seconds", "metrics.progress"}},
      {"prepare",
       "Turns text into a sharded corpus; under mpirun ranks share the files.",
       {"input", "tokenizer", "prepare"},
       "",
       "mpirun -n 4 bertha prepare --input.paths texts/ --tokenizer.vocab vocab.txt "
       "--prepare.output corpus",
       {},
       {"train.dry_run", "parallel.timeout_seconds", "metrics.progress"}},
      {"pretrain", "Trains BERT on a corpus and writes checkpoints.",
       with({"data", "masking", "tokenizer"}), "",
       "mpirun -n 4 bertha pretrain --config configs/bert_mini.ini --data.corpus corpus "
       "--train.output run"},
      {"finetune", "Adapts a model to labelled data: trains, validates every epoch, tests once.",
       with({"task"}), "",
       "bertha finetune --train.init run --task.train train.tsv --train.output tuned"},
      {"evaluate",
       "Scores a model on labelled data, or its losses on a corpus.",
       with({"data", "masking", "task", "tokenizer"}),
       "",
       "bertha evaluate --train.init tuned/model --task.test test.tsv",
       {"--json"}},
      {"predict",
       "Writes one JSON line per input.",
       {"task", "train"},
       "",
       "bertha predict --train.init tuned/model --task.input new.txt",
       {},
       {"parallel.timeout_seconds", "metrics.progress"}},
      {"plan",
       "Models memory, speed, time and cost of a run on other numbers of ranks.",
       with({"data", "masking", "plan"}),
       "",
       "bertha plan --config configs/bert_large_phase1.ini --plan.ranks 8,64",
       {"--json"}},
      {"export",
       "Copies a checkpoint's model as a Transformers folder.",
       {"train", "export"},
       "",
       "bertha export --train.init run --train.output model"},
      {"inspect",
       "Says what a corpus, shard, checkpoint, model or run folder holds; --samples shows samples "
       "of a corpus as the model sees them.",
       {"tokenizer", "data", "masking"},
       "PATH [--samples N] [--json]",
       "bertha inspect corpus --samples 5",
       {"--json", "--samples"}},
      {"verify",
       "Checks a corpus, shard or checkpoint and names every fault.",
       {"tokenizer"},
       "PATH",
       "bertha verify run/checkpoints/step-00000500"},
      {"report",
       "Writes report.html: curves of one or several runs, or what a corpus holds.",
       {"data", "masking"},
       "RUN... | CORPUS",
       "bertha report run other-run"},
      {"completion",
       "Prints a completion script for bash or zsh.",
       {},
       "bash | zsh",
       "source <(bertha completion bash)"},
      {"help",
       "Shows this, a command's options, an option's page, or `options`: all pages.",
       {},
       "[COMMAND | SECTION | OPTION | options]",
       "bertha help train.precision"},
  };
  return table;
}

}  // namespace bertha
