// Run folders: resolved options, metrics, the report.
#include "launch/run_metrics.h"

#include <exception>
#include <set>
#include <stdexcept>
#include <system_error>

#include "launch/option_table.h"
#include "launch/option_values.h"
#include "launch/options.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/metrics/jsonl_sink.h"
#include "trainer/metrics/report.h"
#include "trainer/metrics/tensorboard_sink.h"

namespace bertha {
namespace {

// Whether a run of this kind depends on it. Files and folders are no numbers of an experiment.
bool describes_experiment(const OptionDeclaration& option, bool tuning) {
  static const std::set<std::string> of_train{"train.steps",     "train.epochs",
                                              "train.seed",      "train.global_batch",
                                              "train.precision", "train.micro_batch_tokens"};
  static const std::set<std::string> file_kinds{"FILE", "FOLDER", "PATH", "PATH..."};
  const auto section = option.section();
  if (file_kinds.contains(option.value_name)) return false;
  if (section == "train") return of_train.contains(option.name);
  if (section == "task") return tuning;
  if (section == "data" || section == "masking") {
    return !tuning && option.key() != "workers" && option.key() != "verify";
  }
  return section == "model" || section == "optimizer" || section == "schedule";
}

MetricValue typed(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  double number = 0;
  try {
    parse_value(text, number);
  } catch (const std::invalid_argument&) {
    return text;
  }
  return number;
}

}  // namespace

std::vector<std::pair<std::string, MetricValue>> hyper_parameters(const RunConfig& config) {
  const bool tuning = config.data.corpus.empty();
  std::vector<std::pair<std::string, MetricValue>> list;
  for (const auto& option : option_table()) {
    const auto found = config.resolved.find(option.name);
    if (found == config.resolved.end() || found->second.empty()) continue;
    if (!describes_experiment(option, tuning)) continue;
    list.emplace_back(option.name, typed(found->second));
  }
  return list;
}

MetricsSinks open_metrics(const RunConfig& config, const RankInfo& rank, std::int64_t resumed_step,
                          const SampleTexts& samples) {
  MetricsSinks sinks;
  if (!rank.is_root()) return sinks;
  const auto& run_folder = config.trainer.train.output;
  const auto& options = config.trainer.metrics;
  if (options.jsonl) sinks.add(make_jsonl_sink(run_folder / "metrics.jsonl", resumed_step));
  if (options.tensorboard) {
    sinks.add(make_tensorboard_sink(run_folder / "tensorboard", resumed_step,
                                    {hyper_parameters(config), samples}));
  }
  return sinks;
}

void write_run_report(const std::filesystem::path& run_folder, const RankInfo& rank) {
  if (!rank.is_root() || !std::filesystem::exists(run_folder / "metrics.jsonl")) return;
  try {
    write_file_atomically(run_folder / "report.html", render_report({run_folder}));
  } catch (const std::exception& error) {
    log_warning(std::string("no report.html: ") + error.what());
  }
}

void start_run_folder(const RunConfig& config, const RankInfo& rank) {
  const auto& folder = config.trainer.train.output;
  if (folder.empty()) {
    throw Error(ErrorKind::usage, "train.output is missing",
                "name a run folder: --train.output run");
  }
  if (!rank.is_root()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_io_error("create folder", folder.string(), error.value());
  write_file_atomically(folder / "resolved.ini", resolved_ini(config));
}

}  // namespace bertha
