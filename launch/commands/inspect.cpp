// `bertha inspect`: says what a corpus, shard, checkpoint, model or run folder holds.
#include <algorithm>
#include <cerrno>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/foreign_corpus.h"
#include "data_pipeline/shards/nested_data.h"
#include "data_pipeline/shards/shard_reader.h"
#include "launch/commands/commands.h"
#include "launch/corpus_tokenizer.h"
#include "launch/sample_listing.h"
#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/model/bert_config.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json describe_corpus(const fs::path& path) {
  const auto manifest = CorpusManifest::from_folder(path);
  Json json{{"kind", "corpus"},
            {"path", path.string()},
            {"vocabulary_size", manifest.vocabulary_size},
            {"vocab_sha256", manifest.vocabulary_sha256},
            {"lower_case", manifest.tokenizer.lower_case},
            {"word_boundaries", manifest.word_boundaries}};
  for (const auto& [name, split] : manifest.splits) {
    json["splits"][name] = {{"documents", split.documents},
                            {"sentences", split.sentences},
                            {"tokens", split.tokens},
                            {"shards", split.shards.size()}};
  }
  for (const auto& [name, value] : manifest.statistics) json["statistics"][name] = value;
  return json;
}

Json describe_foreign_shard(const ForeignShard& shard) {
  Json json{{"kind", "foreign shard"},
            {"path", shard.path().string()},
            {"layout", foreign_layout_name(shard.layout())},
            {"rows", shard.rows()}};
  if (shard.width() > 0) {
    json["row_tokens"] = shard.width();
    json["row_predictions"] = shard.most_predictions();
  }
  json["bytes"] = shard.bytes();
  return json;
}

// Whatever can be said without a vocabulary.
Json describe_foreign_folder(const fs::path& path) {
  Json json{{"kind", "foreign corpus"}, {"path", path.string()}, {"splits", Json::object()}};
  for (const auto& file : foreign_files(path)) {
    const ForeignShard shard(file);
    auto& split = json["splits"][foreign_split_of(file)];
    if (split.is_null()) split = {{"shards", 0}, {"rows", 0}, {"bytes", 0}};
    split["layout"] = foreign_layout_name(shard.layout());
    split["shards"] = split["shards"].get<std::uint64_t>() + 1;
    split["rows"] = split["rows"].get<std::uint64_t>() + shard.rows();
    split["bytes"] = split["bytes"].get<std::uint64_t>() + shard.bytes();
  }
  return json;
}

Json describe_shard(const fs::path& path) {
  if (is_foreign_shard(path)) return describe_foreign_shard(ForeignShard(path));
  const ShardReader shard(path);
  return {{"kind", "shard"},
          {"path", path.string()},
          {"documents", shard.documents()},
          {"sentences", shard.sentences()},
          {"tokens", shard.tokens()},
          {"word_boundaries", shard.has_word_marks()},
          {"vocab_sha256", shard.vocabulary_sha256()},
          {"checksum", shard.checksum()}};
}

Json describe_model(const fs::path& path) {
  const auto config = read_bert_config(path / "config.json");
  const auto head = read_head_config(path / "config.json");
  Json json{{"kind", "model"},
            {"path", path.string()},
            {"architecture", head.architecture},
            {"layers", config.layers},
            {"hidden_size", config.hidden_size},
            {"attention_heads", config.attention_heads},
            {"vocabulary_size", config.vocabulary_size},
            {"max_positions", config.max_positions}};
  if (!head.label_names.empty()) json["labels"] = head.label_names;
  if (fs::exists(path / "model.safetensors")) {
    const SafetensorsFile file(path / "model.safetensors");
    std::int64_t elements = 0;
    for (const auto& entry : file.entries()) {
      std::int64_t size = 1;
      for (const auto edge : entry.shape) size *= edge;
      elements += size;
    }
    json["tensors"] = file.entries().size();
    json["parameters"] = elements;
  }
  return json;
}

Json describe_checkpoint(const fs::path& path) {
  const auto state = read_trainer_state(path);
  const auto faults = checkpoint_faults(path);
  Json json{{"kind", "checkpoint"},
            {"path", path.string()},
            {"complete", faults.empty()},
            {"step", state.step},
            {"epoch", state.epoch},
            {"next_sample", state.next_sample},
            {"samples", state.samples},
            {"tokens", state.tokens},
            {"seed", state.seed},
            {"world_size", state.world_size},
            {"corpus_digest", state.corpus_digest}};
  if (!state.began_from.empty()) json["began_from"] = state.began_from;
  json["model"] = describe_model(path);
  return json;
}

Json describe_run(const fs::path& path) {
  Json json{{"kind", "run"}, {"path", path.string()}, {"checkpoints", Json::array()}};
  std::vector<fs::path> folders;
  if (fs::is_directory(path / "checkpoints")) {
    for (const auto& entry : fs::directory_iterator(path / "checkpoints")) {
      folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  for (const auto& folder : folders) json["checkpoints"].push_back(folder.filename().string());
  if (const auto newest = newest_checkpoint(path / "checkpoints")) {
    json["newest"] = describe_checkpoint(*newest);
  }
  if (fs::exists(path / "scores.json")) {
    json["scores"] = Json::parse(read_file(path / "scores.json"), nullptr, false);
  }
  return json;
}

Json describe(const fs::path& path) {
  if (!fs::exists(path)) throw_io_error("open", path.string(), ENOENT);
  if (fs::is_regular_file(path)) return describe_shard(path);
  if (fs::exists(path / "trainer_state.json")) return describe_checkpoint(path);
  if (fs::exists(path / "config.json")) return describe_model(path);
  if (fs::exists(path / "resolved.ini") || fs::is_directory(path / "checkpoints")) {
    return describe_run(path);
  }
  if (fs::exists(path / "manifest.json")) return describe_corpus(path);
  if (is_foreign_folder(path)) return describe_foreign_folder(path);
  throw Error(ErrorKind::bad_data,
              path.string() + " is no corpus, shard, checkpoint, model or run folder" +
                  nested_data_text(path),
              "look for manifest.json, config.json or resolved.ini in it");
}

void print_lines(const Json& json, int indent) {
  for (const auto& [name, value] : json.items()) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    if (value.is_object()) {
      std::cout << margin << name << ":\n";
      print_lines(value, indent + 2);
    } else {
      const auto text = value.is_string() ? value.get<std::string>() : value.dump();
      std::cout << fmt::format("{}{:<18} {}\n", margin, name, text);
    }
  }
}

}  // namespace

int run_inspect(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.arguments.size() != 1) {
    throw Error(ErrorKind::usage, "inspect takes one path", "bertha inspect corpus");
  }
  if (!mpi.rank_info().is_root()) return 0;
  auto json = describe(config.arguments.front());
  Json samples = Json::array();  // a checkpoint has a number of that name
  if (config.samples != 0) {
    auto of_samples = config;
    of_samples.data.corpus = config.arguments.front();
    samples = list_samples(with_corpus_tokenizer(of_samples));
  }
  if (config.json) {
    if (config.samples != 0) json["samples"] = samples;
    std::cout << json.dump(2) << std::endl;
  } else {
    print_lines(json, 0);
    for (const auto& sample : samples) std::cout << sample_text(sample);
    std::cout << std::flush;
  }
  return 0;
}

}  // namespace bertha
