// One session after the other; their scores files are read again at the end.
#include "launch/finetune_seeds.h"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/finetune_session.h"
#include "launch/finetune_state.h"
#include "launch/model_folder.h"
#include "launch/run_metrics.h"
#include "launch/score_json.h"
#include "launch/stop_signal.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "parallel/watched_ranks.h"
#include "trainer/tasks/labelled/task_table.h"
#include "trainer/tasks/scores.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
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

// The first of those with the best score. What is no number is never best.
std::size_t best_run(const std::vector<Json>& validations, const std::string& metric) {
  std::size_t best = 0;
  double best_score = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t run = 0; run < validations.size(); ++run) {
    const double score = score_from_json(validations[run].at(metric));
    const bool better = less_is_better(metric) ? score < best_score : score > best_score;
    if (!better && !(std::isnan(best_score) && !std::isnan(score))) continue;
    best = run;
    best_score = score;
  }
  return best;
}

std::string seed_folder(std::uint64_t seed) {
  return fmt::format("seed-{}", seed);
}

// Out of seeds_json().
struct BestSeed {
  std::uint64_t seed;
  std::string metric;
  double score;
};
BestSeed best_of(const std::string& json) {
  const auto all = Json::parse(json);
  BestSeed best{all.at("best_seed"), all.at("metric"), 0};
  for (const auto& run : all.at("runs")) {
    if (run.at("seed") != best.seed) continue;
    best.score = score_from_json(run.at("validation").at(best.metric));
  }
  return best;
}

// Whether folders of single seeds are there.
bool holds_seeds(const fs::path& output) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(output, none)) {
    const auto name = entry.path().filename().string();
    constexpr std::string_view kBegin = "seed-", kDigits = "0123456789";
    if (name.size() > kBegin.size() && name.starts_with(kBegin) &&
        name.find_first_not_of(kDigits, kBegin.size()) == std::string::npos &&
        entry.is_directory(none)) {
      return true;
    }
  }
  return false;
}

bool holds_single_run(const fs::path& output) {
  const auto has = [&](const char* name) {
    std::error_code none;
    return fs::exists(output / name, none);
  };
  if (has("checkpoints") || has("metrics.jsonl")) return true;
  return !holds_seeds(output) && (has("model") || has("scores.json"));
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
  train.output /= seed_folder(train.seed);
  one.task.seeds = 1;
  one.task.split_seed = split_seed(config);
  one.resolved["train.seed"] = std::to_string(train.seed);
  one.resolved["train.output"] = train.output.string();
  one.resolved["task.seeds"] = std::to_string(one.task.seeds);
  one.resolved["task.split_seed"] = std::to_string(one.task.split_seed);
  return one;
}

std::string seeds_json(const SeedScores& scores, const std::string& metric) {
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
                   {"metric", metric},
                   {"best_seed", scores.at(best_run(validations, metric)).first},
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

void check_output_of_seeds(const RunConfig& config) {
  const auto& output = config.trainer.train.output;
  if (output.empty()) return;
  if (config.task.seeds > 1 && holds_single_run(output)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds a single run, and task.seeds = {}", output.string(),
                            config.task.seeds),
                "choose another train.output, or leave task.seeds out to go on with that run");
  }
  if (config.task.seeds == 1 && holds_seeds(output)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds runs of several seeds, and task.seeds = 1", output.string()),
                "choose another train.output, or give task.seeds as before to go on with them");
  }
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
    const auto& task = config.task;
    const auto json =
        seeds_json(scores, task.metric == "auto" ? find_task(task.name).metric : task.metric);
    const auto best = best_of(json);
    // The model first: scores say that there is one.
    repeat_model_folder(output / seed_folder(best.seed) / "model", output / "model");
    write_file_atomically(output / "scores.json", json);
    log_info(fmt::format("{} seeds: {}", config.task.seeds, seeds_summary(json)));
    log_info(fmt::format("the best is seed {}, validation {} {:.4f}: its model is {}", best.seed,
                         best.metric, best.score, (output / "model").string()));
  });
  return Outcome::completed;
}

}  // namespace bertha
