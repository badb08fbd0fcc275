// One session after the other; their scores files are read again at the end.
#include "launch/finetune_seeds.h"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/finetune_session.h"
#include "launch/finetune_state.h"
#include "launch/run_metrics.h"
#include "launch/score_json.h"
#include "launch/stop_signal.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "parallel/watched_ranks.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

const RunConfig& checked(const RunConfig& config) {
  const auto& resume = config.trainer.train.resume;
  if (resume != "auto" && resume != "never") {
    throw Error(ErrorKind::usage, "train.resume names one run, but task.seeds asks for several",
                "each seed goes on from its own folder with --train.resume auto");
  }
  return config;
}

// Where a score is no number, mean and deviation are none.
Json statistics(const std::vector<Json>& runs) {
  Json result = Json::object();
  if (runs.empty()) return result;
  for (const auto& [name, first] : runs.front().items()) {
    if (name == "epoch") continue;
    double sum = 0, squares = 0;
    for (const auto& run : runs) sum += score_from_json(run.at(name));
    const auto count = static_cast<double>(runs.size());
    const double mean = sum / count;
    for (const auto& run : runs) squares += std::pow(score_from_json(run.at(name)) - mean, 2);
    const double deviation = runs.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
    result[name] = {{"mean", mean}, {"deviation", deviation}};
  }
  return result;
}

// What the ranks do together beside the sessions, which have watchdogs of their own.
void together(const RunConfig& config, const MpiEnvironment& mpi,
              const std::function<void()>& work) {
  const WatchedRanks ranks(mpi.rank_info(), timeout_of(config), termination_requested);
  agree_or_throw(ranks.communicator(), work);
}

std::string read_scores(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("open", path.string(), errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

RunConfig config_of_seed(const RunConfig& config, int run) {
  auto one = config;
  auto& train = one.trainer.train;
  train.seed += static_cast<std::uint64_t>(run);
  train.output /= fmt::format("seed-{}", train.seed);
  one.task.seeds = 1;
  one.task.split_seed = split_seed(config);
  one.resolved["train.seed"] = std::to_string(train.seed);
  one.resolved["train.output"] = train.output.string();
  one.resolved["task.seeds"] = std::to_string(one.task.seeds);
  one.resolved["task.split_seed"] = std::to_string(one.task.split_seed);
  return one;
}

std::string seeds_json(const SeedScores& scores) {
  std::vector<Json> validations, tests;
  Json runs = Json::array();
  try {
    for (const auto& [seed, text] : scores) {
      const auto json = Json::parse(text);
      const auto best = json.at("best_epoch").get<std::size_t>();
      validations.push_back(json.at("validation").at(best - 1));
      if (!json.at("test").empty()) tests.push_back(json.at("test"));
      runs.push_back({{"seed", seed},
                      {"best_epoch", best},
                      {"validation", validations.back()},
                      {"test", json.at("test")}});
    }
    const Json all{{"seeds", scores.size()},
                   {"validation", statistics(validations)},
                   {"test", statistics(tests)},
                   {"runs", runs}};
    return all.dump(2) + "\n";
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_data, std::string("a scores.json of a seed: ") + error.what(),
                "take its folder away; the same command makes it anew");
  }
}

std::string seeds_summary(const std::string& json) {
  const auto all = Json::parse(json);
  const std::string split = all.at("test").empty() ? "validation" : "test";
  std::string text;
  for (const auto& [name, value] : all.at(split).items()) {
    text += fmt::format("{}{} {} {:.4f} ± {:.4f}", text.empty() ? "" : ", ", split, name,
                        score_from_json(value.at("mean")), score_from_json(value.at("deviation")));
  }
  return text;
}

Outcome finetune_seeds(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto& output = checked(config).trainer.train.output;
  together(config, mpi, [&] { start_run_folder(config, mpi.rank_info()); });
  for (int run = 0; run < config.task.seeds; ++run) {
    const auto one = config_of_seed(config, run);
    log_info(fmt::format("seed {} ({} of {}), in {}", one.trainer.train.seed, run + 1,
                         config.task.seeds, one.trainer.train.output.string()));
    FinetuneSession session(one, mpi);
    if (session.run() == Outcome::stopped) return Outcome::stopped;
  }
  together(config, mpi, [&] {
    if (!mpi.rank_info().is_root()) return;
    SeedScores scores;
    for (int run = 0; run < config.task.seeds; ++run) {
      const auto train = config_of_seed(config, run).trainer.train;
      scores.emplace_back(train.seed, read_scores(train.output / "scores.json"));
    }
    const auto json = seeds_json(scores);
    write_file_atomically(output / "scores.json", json);
    log_info(fmt::format("{} seeds: {}", config.task.seeds, seeds_summary(json)));
  });
  return Outcome::completed;
}

}  // namespace bertha
