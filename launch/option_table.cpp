// data table: the options and commands of the program.
#include "launch/option_table.h"

#include "launch/option_values.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

template <class Access>
OptionDeclaration option(const char* name, const char* value_name, const char* help,
                         Access access) {
  OptionDeclaration declaration{name, value_name, help, false, {}, {}};
  declaration.set = [access](const std::string& text, RunConfig& config) {
    parse_value(text, access(config));
  };
  declaration.text = [access](const RunConfig& config) {
    return value_text(access(const_cast<RunConfig&>(config)));
  };
  return declaration;
}

OptionDeclaration paths_option() {
  OptionDeclaration declaration{
      "input.paths",
      "PATH...",
      "Files, folders or globs to read; compressed ones too (gz, bz2, zst).",
      true,
      {},
      {}};
  declaration.set = [](const std::string& text, RunConfig& config) {
    config.input.paths.push_back(text);
  };
  declaration.text = [](const RunConfig& config) {
    std::string text;
    for (const auto& path : config.input.paths) text += (text.empty() ? "" : "\n") + path;
    return text;
  };
  return declaration;
}

// Its help names the rows of the table of tasks.
OptionDeclaration task_name_option() {
  const auto& tasks = labelled_tasks();
  std::string names;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    names += (i == 0 ? "" : i + 1 < tasks.size() ? ", " : " or ") + tasks[i].name;
  }
  auto declaration = option(
      "task.name", "NAME", "", [](RunConfig & config) -> auto& { return config.task.name; });
  declaration.help = names + ".";
  return declaration;
}

#define AT(member)                  \
  [](RunConfig & config) -> auto& { \
    return config.member;           \
  }

std::vector<OptionDeclaration> text_options() {
  return {
      paths_option(),
      option("input.format", "NAME",
             "auto, text, sentences, jsonl, mediawiki, or nvidia (HDF5 shards of samples).",
             AT(input.format)),
      option("input.text_field", "NAME", "Field of a JSON line that holds the text.",
             AT(input.text_field)),
      option("tokenizer.vocab", "FILE", "WordPiece vocabulary (vocab.txt).", AT(vocabulary)),
      option("tokenizer.lower_case", "BOOL", "Lower-case the text.", AT(tokenizer.lower_case)),
      option("tokenizer.strip_accents", "BOOL",
             "Remove accents; by default the same as lower_case.", AT(tokenizer.strip_accents)),
      option("tokenizer.chinese_characters", "BOOL", "Make every CJK ideograph a word.",
             AT(tokenizer.chinese_characters)),
      option("vocab.size", "N", "Tokens in the vocabulary, special ones included.", AT(vocab.size)),
      option("vocab.min_frequency", "N", "Pairs seen less often are not merged.",
             AT(vocab.min_frequency)),
      option("vocab.output", "FILE", "Where the vocabulary is written.", AT(vocab.output)),
      option("prepare.output", "FOLDER", "Where the corpus is written.", AT(prepare.output)),
      option("prepare.shard_tokens", "N", "Tokens per shard, about.", AT(prepare.shard_tokens)),
      option("prepare.validation_fraction", "F", "Share of the documents held out.",
             AT(prepare.validation_fraction)),
      option("prepare.seed", "N", "Chooses the held-out documents.", AT(prepare.seed)),
      option("prepare.drop_duplicates", "BOOL",
             "Of documents with the same normalised text, only the first stays.",
             AT(prepare.drop_duplicates)),
      option("prepare.workers", "N", "Threads per rank; 0: the cores of this node shared.",
             AT(prepare.workers)),
  };
}

std::vector<OptionDeclaration> data_options() {
  return {
      option("data.corpus", "FOLDER",
             "Corpus made by `bertha prepare`, or NVIDIA's or MLPerf's HDF5 shards (with "
             "--tokenizer.vocab).",
             AT(data.corpus)),
      option("data.validation_fraction", "F",
             "Of NVIDIA's or MLPerf's rows, held out where no file is for it.",
             AT(data.validation_fraction)),
      option("data.sequence_length", "N", "Longest sequence, in tokens with the special ones.",
             AT(data.sequence_length)),
      option("data.next_sentence", "BOOL",
             "Pairs with next-sentence prediction; false: single texts (RoBERTa).",
             AT(data.next_sentence)),
      option("data.short_sequence_probability", "P", "Share of samples of random shorter length.",
             AT(data.short_sequence_probability)),
      option("data.workers", "N", "Threads per rank that build samples.", AT(data.workers)),
      option("data.verify", "LEVEL",
             "quick (sizes, shapes), full (checksums too) or off, before training.",
             AT(data.verify)),
      option("masking.strategy", "NAME", "token, word, span (SpanBERT) or character.",
             AT(data.masking.strategy)),
      option("masking.probability", "P", "Share of the tokens to predict.",
             AT(data.masking.probability)),
      option("masking.mask_fraction", "F", "Of those, replaced by [MASK].",
             AT(data.masking.mask_fraction)),
      option("masking.random_fraction", "F", "Of those, replaced by a random token.",
             AT(data.masking.random_fraction)),
      option("masking.max_predictions", "N", "Most predictions per sequence; 0: no cap.",
             AT(data.masking.max_predictions)),
      option("model.size", "NAME", "tiny, mini, small, medium, base or large.",
             AT(trainer.model.size)),
      option("model.config", "FILE", "A Transformers config.json instead of a size.",
             AT(trainer.model.config)),
      option("model.hidden_size", "N", "Overrides the size's.", AT(trainer.model.hidden_size)),
      option("model.layers", "N", "Overrides the size's.", AT(trainer.model.layers)),
      option("model.attention_heads", "N", "Overrides the size's.",
             AT(trainer.model.attention_heads)),
      option("model.intermediate_size", "N", "Overrides the size's.",
             AT(trainer.model.intermediate_size)),
      option("model.max_positions", "N", "Longest sequence the model can take, in tokens.",
             AT(trainer.model.max_positions)),
      option("model.hidden_dropout", "P", "Overrides the size's 0.1.",
             AT(trainer.model.hidden_dropout)),
      option("model.attention_dropout", "P", "Overrides the size's 0.1.",
             AT(trainer.model.attention_dropout)),
      option("model.initializer_range", "S",
             "Deviation of the initial weights; overrides the size's 0.02.",
             AT(trainer.model.initializer_range)),
      option(
          "model.implementation", "NAME",
          "auto: fused in fp32 and bf16 where the program has kernels (on a GPU: when it was built "
          "with nvcc), else reference; or one of the two.",
          AT(trainer.model.implementation)),
      option("model.recompute", "NAME",
             "none, or layers: their activations are computed again in backward (less memory, one "
             "more forward pass, the same bits).",
             AT(trainer.model.recompute)),
      option("model.resize_vocabulary", "BOOL",
             "Take train.init's weights for another vocabulary: tokens of both keep theirs.",
             AT(trainer.model.resize_vocabulary)),
  };
}

std::vector<OptionDeclaration> train_options() {
  return {
      option("train.output", "FOLDER", "Run folder: metrics, checkpoints, resolved options.",
             AT(trainer.train.output)),
      option("train.init", "PATH", "Weights to start from: checkpoint, run or Transformers folder.",
             AT(trainer.train.init)),
      option(
          "train.init_moments", "BOOL",
          "Begin with the optimizer's moments of train.init, too (a run or checkpoint; pretrain).",
          AT(trainer.train.init_moments)),
      option("train.steps", "N", "Updates in all; 0: by epochs.", AT(trainer.train.steps)),
      option("train.epochs", "X", "Passes over the corpus, when steps is 0.",
             AT(trainer.train.epochs)),
      option("train.global_batch", "N", "Sequences per update, over all ranks.",
             AT(trainer.train.global_batch)),
      option("train.micro_batch_tokens", "N", "Tokens a rank computes at once (memory).",
             AT(trainer.train.micro_batch_tokens)),
      option("train.precision", "NAME", "fp32, bf16 or fp16.", AT(trainer.train.precision)),
      option("train.loss_scale", "X", "Of fp16 at the beginning; halved whenever a step overflows.",
             AT(trainer.train.loss_scaler.initial)),
      option("train.loss_scale_growth_steps", "N", "Doubled after so many steps without overflow.",
             AT(trainer.train.loss_scaler.growth_steps)),
      option("train.loss_scale_most_skips", "N", "Overflows in a row that end the run.",
             AT(trainer.train.loss_scaler.most_skipped_in_a_row)),
      option("train.device", "NAME", "auto, cpu or cuda.", AT(trainer.train.device)),
      option("train.seed", "N", "Seed of weights, order, masks and dropout.",
             AT(trainer.train.seed)),
      option("train.deterministic", "BOOL", "Same bits on any number of ranks and threads (CPU).",
             AT(trainer.train.deterministic)),
      option("train.threads", "N", "Threads per rank; 0: the cores of this node shared.",
             AT(trainer.train.threads)),
      option("train.log_every", "N", "Steps between train lines.", AT(trainer.train.log_every)),
      option("train.validate_every", "N", "Steps between validations; 0: only at the end.",
             AT(trainer.train.validate_every)),
      option("train.validation_batches", "N", "Global batches per validation; 0: the whole split.",
             AT(trainer.train.validation_batches)),
      option("train.save_every", "N", "Steps between checkpoints; 0: only at the end.",
             AT(trainer.train.save_every)),
      option("train.async_save", "BOOL", "Train on while a checkpoint is written.",
             AT(trainer.train.async_save)),
      option("train.keep_last", "N", "Checkpoints kept; 0: all.",
             AT(trainer.train.retention.keep_last)),
      option("train.keep_every", "N", "Checkpoints at multiples of this stay for ever; 0: none.",
             AT(trainer.train.retention.keep_every)),
      option("train.keep_best", "N",
             "So many checkpoints with the lowest validation loss stay, too; 0: none.",
             AT(trainer.train.retention.keep_best)),
      option("train.stop_after_steps", "N",
             "End this job after so many updates, saved and resumable; 0: never.",
             AT(trainer.train.stop_after_steps)),
      option("train.max_seconds", "S",
             "Wall-clock limit of this job; 0: Slurm's (SLURM_JOB_END_TIME), if there is one.",
             AT(trainer.train.max_seconds)),
      option("train.stop_before_seconds", "S",
             "Stop and save so long before that limit (at most a tenth of it).",
             AT(trainer.train.stop_before_seconds)),
      option("train.resume", "WHICH", "auto (newest checkpoint), never, or a checkpoint's path.",
             AT(trainer.train.resume)),
      option("train.resume_changed", "BOOL",
             "Resume although data, batch, model or schedule changed.",
             AT(trainer.train.resume_changed)),
      option("train.dry_run", "BOOL",
             "Check everything, print the plan, build and write nothing (pretrain, finetune, "
             "prepare).",
             AT(dry_run)),
      option("optimizer.name", "NAME", "adamw or lamb.", AT(trainer.optimizer.name)),
      option("optimizer.learning_rate", "RATE", "Peak learning rate.", AT(trainer.learning_rate)),
      option("optimizer.beta1", "B", "Decay of the first moment.", AT(trainer.optimizer.beta1)),
      option("optimizer.beta2", "B", "Decay of the second moment.", AT(trainer.optimizer.beta2)),
      option("optimizer.epsilon", "E", "Added to the root of the second moment.",
             AT(trainer.optimizer.epsilon)),
      option("optimizer.weight_decay", "W", "Not on biases and LayerNorm.",
             AT(trainer.optimizer.weight_decay)),
      option("optimizer.moments", "NAME",
             "fp32, or bf16 with stochastic rounding (half the memory).",
             AT(trainer.optimizer.moments)),
      option("optimizer.weight_norm_min", "X", "LAMB: least norm of weights in the trust ratio.",
             AT(trainer.optimizer.trust.norm_min)),
      option("optimizer.weight_norm_max", "X",
             "LAMB: largest one (the paper's phi; some use 10); 0: none.",
             AT(trainer.optimizer.trust.norm_max)),
      option("optimizer.trust_ratio_min", "X", "LAMB: least trust ratio (DeepSpeed: 0.01).",
             AT(trainer.optimizer.trust.ratio_min)),
      option("optimizer.trust_ratio_max", "X",
             "LAMB: largest one (DeepSpeed: 10; timm's trust_clip: 1); 0: none.",
             AT(trainer.optimizer.trust.ratio_max)),
      option("optimizer.clip_norm", "X", "Largest gradient norm; 0: no clipping.",
             AT(trainer.clip_norm)),
      option("schedule.name", "NAME", "linear, polynomial, cosine or constant.",
             AT(trainer.schedule.name)),
      option("schedule.warmup_steps", "N", "Updates of rising rate; -1: by warmup_fraction.",
             AT(trainer.schedule.warmup_steps)),
      option("schedule.warmup_fraction", "F", "Share of all updates, when warmup_steps is -1.",
             AT(trainer.schedule.warmup_fraction)),
      option("schedule.power", "X", "Of the polynomial.", AT(trainer.schedule.power)),
      option("schedule.end_rate", "RATE", "Learning rate at the end.",
             AT(trainer.schedule.end_rate)),
      option("parallel.backend", "NAME", "auto, mpi or nccl.", AT(trainer.parallel.backend)),
      option("parallel.bucket_bytes", "N", "Gradient bytes per all-reduce.",
             AT(trainer.parallel.bucket_bytes)),
      option("parallel.shard_optimizer", "BOOL", "Each rank keeps a part of the moments (ZeRO-1).",
             AT(trainer.parallel.shard_optimizer)),
      option("parallel.reduce_precision", "NAME", "fp32 or bf16 on the wire.",
             AT(trainer.parallel.reduce_precision)),
      option("parallel.timeout_seconds", "S",
             "A rank without progress for so long ends the job (exit 76); 0: never.",
             AT(trainer.parallel.timeout_seconds)),
      option("metrics.jsonl", "BOOL", "Write metrics.jsonl.", AT(trainer.metrics.jsonl)),
      option("metrics.tensorboard", "BOOL", "Write TensorBoard event files.",
             AT(trainer.metrics.tensorboard)),
      option("metrics.progress", "BOOL", "Show a progress bar.", AT(trainer.metrics.progress)),
  };
}

std::vector<OptionDeclaration> task_options() {
  return {
      task_name_option(),
      option("task.train", "FILE",
             "Labelled data: TSV, CSV or JSON lines; CoNLL columns for token_classification; "
             "SQuAD's JSON "
             "or JSON lines for question_answering.",
             AT(task.train)),
      option("task.validation", "FILE", "Default: a part of train.", AT(task.validation)),
      option("task.test", "FILE", "Default: a part of train.", AT(task.test)),
      option("task.text_column", "COLUMN",
             "Name, or number from 0; default text, or 0 (of words: words, or 0).",
             AT(task.text_column)),
      option("task.pair_column", "COLUMN", "Second text; default none.", AT(task.pair_column)),
      option("task.label_column", "COLUMN", "Default label, or 1 (of words: labels, or the last).",
             AT(task.label_column)),
      option("task.label_delimiter", "TEXT", "Between the labels of a text, for multi_label.",
             AT(task.label_delimiter)),
      option("task.header", "WHICH", "auto, true or false.", AT(task.header)),
      option("task.delimiter", "WHICH",
             "auto, tab, comma or jsonl; of words auto, space, tab, jsonl or lines.",
             AT(task.delimiter)),
      option("task.max_length", "N",
             "Tokens per example, with the special ones; of question_answering 384.",
             AT(task.max_length)),
      option("task.epochs", "X", "Passes over the training examples.", AT(task.epochs)),
      option("task.batch_size", "N", "Examples per update, over all ranks.", AT(task.batch_size)),
      option("task.validation_fraction", "F", "Of train, when no validation file is given.",
             AT(task.validation_fraction)),
      option("task.test_fraction", "F", "Of train, when no test file is given.",
             AT(task.test_fraction)),
      option("task.metric", "NAME", "Validation score that chooses the best epoch; auto: by task.",
             AT(task.metric)),
      option("task.patience", "N", "Epochs without a better score before stopping; 0: never.",
             AT(task.patience)),
      option("task.class_weights", "WHICH",
             "none, or balanced: rare classes count more in the training loss.",
             AT(task.class_weights)),
      option("task.layer_decay", "F",
             "Learning rate of a layer over that of the layer above; 1: all alike.",
             AT(task.layer_decay)),
      option("task.freeze_layers", "N",
             "Embeddings and so many layers learn nothing; 0: all learn.", AT(task.freeze_layers)),
      option("task.seeds", "N",
             "Runs, from train.seed on, in folders of their own: mean and deviation.",
             AT(task.seeds)),
      option("task.split_seed", "N", "Chooses what is cut off train; 0: train.seed.",
             AT(task.split_seed)),
      option(
          "task.input", "FILE",
          "What to predict: one text a line, TSV, CSV or JSON lines; questions as in task.train.",
          AT(task.input)),
      option("task.output_file", "FILE", "Where predictions go; default standard output.",
             AT(task.output_file)),
      option("task.max_query_length", "N", "Tokens kept of a question.", AT(task.max_query_length)),
      option("task.document_stride", "N", "Tokens that two windows of a context share.",
             AT(task.document_stride)),
      option("task.n_best", "N", "Starts and ends of an answer that are combined; answers kept.",
             AT(task.n_best)),
      option("task.max_answer_length", "N", "Tokens of an answer.", AT(task.max_answer_length)),
      option("task.unanswerable", "WHICH",
             "Whether no answer may be the answer: true, false, or auto, as in training (evaluate: "
             "or in the data).",
             AT(task.unanswerable)),
      option("task.null_threshold", "X",
             "No answer when its score is larger than the best answer's by more.",
             AT(task.null_threshold)),
      option("task.list_n_best", "BOOL", "Predict: also the n_best answers of each question.",
             AT(task.list_n_best)),
  };
}

std::vector<OptionDeclaration> plan_options() {
  return {
      option("plan.ranks", "N,N...", "Numbers of ranks to plan for.", AT(plan.ranks)),
      option("plan.tokens_per_second", "N",
             "Forward and backward of one device; 0: measured here and now.",
             AT(plan.tokens_per_second)),
      option("plan.optimizer_seconds", "S", "An update of one device, when its speed is given.",
             AT(plan.optimizer_seconds)),
      option("plan.measure_seconds", "S", "How long to measure, about.", AT(plan.measure_seconds)),
      option("plan.ranks_per_node", "N", "Ranks that share a node.", AT(plan.ranks_per_node)),
      option("plan.in_node_bytes_per_second", "N", "What a ring within a node carries.",
             AT(plan.in_node_bytes_per_second)),
      option("plan.between_nodes_bytes_per_second", "N", "What a ring over nodes carries.",
             AT(plan.between_nodes_bytes_per_second)),
      option("plan.latency_seconds", "S", "Of one message.", AT(plan.latency_seconds)),
      option("plan.memory_bytes", "N", "Memory of one rank; 0: of this machine.",
             AT(plan.memory_bytes)),
      option("plan.cost_per_rank_hour", "X", "In any currency.", AT(plan.cost_per_rank_hour)),
  };
}

std::vector<OptionDeclaration> export_options() {
  return {
      option("export.model", "NAME",
             "auto, base, masked_lm, next_sentence or pretraining: the class of Transformers whose "
             "weights are written; auto: what was trained.",
             AT(exporting.model)),
      option("export.precision", "NAME", "auto, fp32 or bf16; auto: as the weights are.",
             AT(exporting.precision)),
  };
}

#undef AT

}  // namespace

const std::vector<OptionDeclaration>& option_table() {
  static const std::vector<OptionDeclaration> table = [] {
    std::vector<OptionDeclaration> all;
    for (auto part : {text_options(), data_options(), train_options(), task_options(),
                      plan_options(), export_options()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

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
       "bertha vocab --input.paths texts/ --vocab.size 30522 --vocab.output vocab.txt"},
      {"prepare",
       "Turns text into a sharded corpus; under mpirun ranks share the files.",
       {"input", "tokenizer", "prepare"},
       "",
       "mpirun -n 4 bertha prepare --input.paths texts/ --tokenizer.vocab vocab.txt "
       "--prepare.output corpus"},
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
       "bertha predict --train.init tuned/model --task.input new.txt"},
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
