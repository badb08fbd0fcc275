// data table: options of raw text, its vocabulary and the corpus made of it.
#include "launch/option_declaring.h"

namespace bertha {
namespace {

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
}  // namespace

std::vector<OptionDeclaration> text_options() {
  return {
      paths_option(),
      option("input.format", "NAME",
             "auto, text, sentences, jsonl, mediawiki, or nvidia (HDF5 shards of samples).",
             BERTHA_AT(input.format)),
      option("input.text_field", "NAME", "Field of a JSON line that holds the text.",
             BERTHA_AT(input.text_field)),
      option("tokenizer.vocab", "FILE", "WordPiece vocabulary (vocab.txt).", BERTHA_AT(vocabulary)),
      option(
          "tokenizer.lower_case", "BOOL",
          "Lower-case the text. `prepare` takes this and the next two from tokenizer_config.json "
          "beside vocab.txt where they are not given.",
          BERTHA_AT(tokenizer.lower_case)),
      option("tokenizer.strip_accents", "BOOL",
             "Remove accents; by default the same as lower_case.",
             BERTHA_AT(tokenizer.strip_accents)),
      option("tokenizer.chinese_characters", "BOOL", "Make every CJK ideograph a word.",
             BERTHA_AT(tokenizer.chinese_characters)),
      option("vocab.size", "N", "Tokens in the vocabulary, special ones included.",
             BERTHA_AT(vocab.size)),
      option("vocab.min_frequency", "N", "Pairs seen less often are not merged.",
             BERTHA_AT(vocab.min_frequency)),
      option("vocab.output", "FILE", "Where the vocabulary is written.", BERTHA_AT(vocab.output)),
      option("prepare.output", "FOLDER", "Where the corpus is written.", BERTHA_AT(prepare.output)),
      option("prepare.shard_tokens", "N", "Tokens per shard, about.",
             BERTHA_AT(prepare.shard_tokens)),
      option("prepare.validation_fraction", "F",
             "Share of the documents held out; of nvidia's shards, of the rows: the last ones of "
             "every file.",
             BERTHA_AT(prepare.validation_fraction)),
      option("prepare.seed", "N", "Chooses the held-out documents.", BERTHA_AT(prepare.seed)),
      option("prepare.drop_duplicates", "BOOL",
             "Of documents with the same normalised text, only the first stays (not of nvidia's "
             "shards).",
             BERTHA_AT(prepare.drop_duplicates)),
      option("prepare.word_boundaries", "BOOL",
             "Find the words of Chinese once, instead of in every epoch: masking.strategy word and "
             "span then make batches of Chinese several times as fast, with the same masks. Takes "
             "longer here, and a bit a token. For text without Chinese: no.",
             BERTHA_AT(prepare.word_boundaries)),
      option("prepare.workers", "N",
             "Threads per rank; 0: the cores of this node shared. One for nvidia's shards.",
             BERTHA_AT(prepare.workers)),
  };
}
}  // namespace bertha
