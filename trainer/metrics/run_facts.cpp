// Facts out of the start event, resolved.ini and the newest values of the curves.
#include "trainer/metrics/run_facts.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/progress.h"

namespace bertha {
namespace {

// The parts that are not empty, joined.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string with_unit(const std::string& value, const std::string& unit) {
  return value.empty() ? value : value + " " + unit;
}

// "1 rank", "4 ranks".
std::string counted(const std::string& count, const std::string& thing) {
  return with_unit(count, count == "1" ? thing : thing + "s");
}

std::string status_text(const ReportRun& run) {
  if (run.metrics.last_event == "end") return "completed";
  if (run.metrics.last_event == "stop") {
    std::string reason;
    for (const auto& marker : run.metrics.markers) {
      if (marker.kind == "stop") reason = marker.text;
    }
    return "stopped" + (reason.empty() ? "" : " (" + reason + ")") + ", can go on";
  }
  return run.metrics.last_event.empty() ? "no events yet" : "no end recorded: running, or killed";
}

std::string steps_text(const ReportRun& run) {
  if (run.metrics.lines == 0) return {};
  const auto done = short_number(static_cast<double>(run.metrics.last_step));
  const auto total = run.session("total_steps");
  return total.empty() ? done : done + " of " + short_number(std::atof(total.c_str()));
}

std::string model_text(const ReportRun& run) {
  auto name = run.option("model.config");
  if (name.empty()) name = run.option("train.init");  // its shape, unless a size was asked for
  if (name.empty()) name = run.option("model.size");
  const auto parameters = run.session("parameters");
  return joined(
      {name, with_unit(run.option("model.layers"), "layers"),
       with_unit(run.option("model.hidden_size"), "hidden"),
       parameters.empty() ? "" : human_count(std::atof(parameters.c_str())) + " parameters"});
}

std::string data_text(const ReportRun& run) {
  const auto corpus = run.option("data.corpus");
  return corpus.empty() ? run.option("task.train") : corpus;
}

std::string batch_text(const ReportRun& run) {
  if (run.option("data.corpus").empty()) {
    return with_unit(run.option("task.batch_size"), "examples");
  }
  return joined({with_unit(run.option("train.global_batch"), "sequences"),
                 with_unit(run.option("data.sequence_length"), "tokens at most")});
}

std::string optimizer_text(const ReportRun& run) {
  const auto rate = run.option("optimizer.learning_rate");
  return joined({run.option("optimizer.name"), rate.empty() ? "" : "peak rate " + rate,
                 with_unit(run.option("schedule.name"), "schedule")});
}

std::string machine_text(const ReportRun& run) {
  const auto device = run.option("train.device");
  return joined({counted(run.session("world_size"), "rank"), run.option("train.precision"),
                 device == "auto" ? "" : device});
}

std::string tokens_text(const ReportRun& run) {
  const auto* curve = run.curve("train/tokens");
  return curve ? human_count(curve->last().value) : "";
}

std::string speed_text(const ReportRun& run) {
  const auto* curve = run.curve("train/tokens_per_second");
  if (!curve) return {};
  auto points = curve->points();
  const auto middle = points.begin() + static_cast<std::ptrdiff_t>(points.size() / 2);
  std::nth_element(points.begin(), middle, points.end(),
                   [](const auto& a, const auto& b) { return a.value < b.value; });
  return human_count(middle->value) + " tokens/s (median)";
}

std::string begin_text(const ReportRun& run) {
  if (run.metrics.begin_time <= 0 || run.metrics.begin_time > 4e9) return {};
  const auto seconds = static_cast<std::time_t>(run.metrics.begin_time);
  std::tm parts{};
  char text[40] = "";
  if (::gmtime_r(&seconds, &parts)) {
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  }
  return text;
}

std::string time_text(const ReportRun& run) {
  if (run.metrics.active_seconds <= 0) return {};
  const auto sessions = run.metrics.sessions;
  return human_seconds(run.metrics.active_seconds) +
         (sessions > 1 ? fmt::format(" in {} sessions", sessions) : "");
}

std::string checkpoints_text(const ReportRun& run) {
  return run.metrics.saves == 0 ? "" : short_number(static_cast<double>(run.metrics.saves));
}

std::string last_value(const ReportRun& run, const std::string& name) {
  const auto* curve = run.curve(name);
  if (!curve || curve->added() == 0) return {};
  const auto [step, value] = curve->last();
  return fmt::format(
      "{} at step {}",
      name.ends_with("accuracy") ? fmt::format("{:.2f}\u2009%", value * 100) : short_number(value),
      short_number(static_cast<double>(step)));
}

}  // namespace

std::vector<RunFact> run_facts() {
  std::vector<RunFact> rows{
      {"Status", status_text},
      {"Steps", steps_text},
      {"Began", begin_text},
      {"Time", time_text},
      {"Checkpoints saved", checkpoints_text},
      {"Model", model_text},
      {"Started from", [](const ReportRun& run) { return run.session("from"); }},
      {"Data", data_text},
      {"Batch", batch_text},
      {"Optimizer", optimizer_text},
      {"Machine", machine_text},
      {"Tokens trained", tokens_text},
      {"Speed", speed_text},
  };
  const std::pair<const char*, const char*> last_values[] = {
      {"Training loss", "train/loss"},
      {"Validation loss", "validation/loss"},
      {"Masked words right", "validation/mlm_accuracy"},
      {"Next sentences right", "validation/nsp_accuracy"},
      {"Validation accuracy", "validation/accuracy"},
      {"Test accuracy", "test/accuracy"},
  };
  for (const auto& [label, curve] : last_values) {
    rows.push_back({label, [name = curve](const ReportRun& run) { return last_value(run, name); }});
  }
  return rows;
}

}  // namespace bertha
