// The report's charts, in the order of the page.
#include "trainer/metrics/report_charts.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

struct KnownChart {
  std::string_view name, title, format;
  bool smooth, from_zero = false;
};

constexpr std::array kKnownCharts{
    KnownChart{"loss", "Loss", "number", true},
    KnownChart{"mlm_loss", "Masked-word loss", "number", true},
    KnownChart{"nsp_loss", "Next-sentence loss", "number", true},
    KnownChart{"accuracy", "Accuracy", "percent", true},
    KnownChart{"mlm_accuracy", "Masked-word accuracy", "percent", true},
    KnownChart{"nsp_accuracy", "Next-sentence accuracy", "percent", true},
    KnownChart{"learning_rate", "Learning rate", "number", false},
    KnownChart{"gradient_norm", "Gradient norm", "number", true},
    KnownChart{"tokens_per_second", "Tokens per second", "number", true, true},
    KnownChart{"model_flops_utilization", "Model FLOPs utilization", "percent", true, true},
    KnownChart{"data_wait_fraction", "Time spent waiting for data", "percent", true, true},
    KnownChart{"memory_bytes", "Memory of rank 0", "bytes", false, true},
    KnownChart{"peak_memory_bytes", "Memory of rank 0, the most so far", "bytes", false, true},
    KnownChart{"device_memory_bytes", "Device memory of rank 0, the most so far", "bytes", false,
               true},
    KnownChart{"loss_scale", "Loss scale", "number", false},
};
// Counters and times, which a chart would not make clearer; the tables have them.
const std::set<std::string_view> kNotCharted{"epoch", "samples", "tokens", "sequences", "seconds"};
constexpr std::array<std::string_view, 4> kPhases{"forward", "backward", "reduce", "optimizer"};

bool has_curve(const std::vector<ReportRun>& runs, const std::string& name) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const auto& run) { return run.metrics.curves.contains(name); });
}

// A loss scale that is always 1 says nothing.
bool is_constant(const std::vector<ReportRun>& runs, const std::string& name) {
  std::set<double> values;
  for (const auto& run : runs) {
    const auto found = run.metrics.curves.find(name);
    if (found == run.metrics.curves.end()) continue;
    for (const auto& point : found->second.points()) values.insert(point.value);
  }
  return values.size() < 2;
}

void add_chart(const std::vector<ReportRun>& runs, const KnownChart& known,
               std::vector<Chart>& charts) {
  Chart chart{
      std::string(known.title), std::string(known.format), {}, known.smooth, known.from_zero};
  for (const std::string event : {"train", "validation"}) {
    const auto curve = event + "/" + std::string(known.name);
    if (has_curve(runs, curve)) chart.curves.emplace_back(event, curve);
  }
  if (chart.curves.empty()) return;
  chart.reference = known.name == "mlm_loss";
  charts.push_back(std::move(chart));
}

std::string title_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

// Scores that only some tasks have, such as f1 or spearman.
void add_other_scores(const std::vector<ReportRun>& runs, std::vector<Chart>& charts) {
  constexpr std::string_view kPrefix = "validation/";
  std::set<std::string> names;
  for (const auto& run : runs) {
    for (const auto& [curve, points] : run.metrics.curves) {
      if (curve.starts_with(kPrefix)) names.insert(curve.substr(kPrefix.size()));
    }
  }
  for (const auto& known : kKnownCharts) names.erase(std::string(known.name));
  for (const auto& name : names) {
    if (kNotCharted.contains(name)) continue;
    charts.push_back(
        {title_of(name), "number", {{"validation", "validation/" + name}}, false, false});
  }
}

void add_phases(const std::vector<ReportRun>& runs, std::vector<Chart>& charts) {
  if (runs.size() != 1) return;
  Chart chart{"Seconds per step by phase", "number", {}};
  for (const auto phase : kPhases) {
    const auto curve = fmt::format("train/{}_seconds", phase);
    if (has_curve(runs, curve)) chart.curves.emplace_back(phase, curve);
  }
  if (!chart.curves.empty()) charts.push_back(std::move(chart));
}

// Six digits are more than a screen shows.
double rounded(double value) {
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

Json curve_json(const Downsampler& curve) {
  Json steps = Json::array(), values = Json::array();
  for (const auto& point : curve.points()) {
    steps.push_back(point.step);
    values.push_back(rounded(point.value));
  }
  return Json::array({std::move(steps), std::move(values)});
}

Json run_json(const ReportRun& run, const std::vector<Chart>& charts) {
  Json curves = Json::object();
  for (const auto& chart : charts) {
    for (const auto& [label, name] : chart.curves) {
      const auto found = run.metrics.curves.find(name);
      if (found != run.metrics.curves.end()) curves[name] = curve_json(found->second);
    }
  }
  Json markers = Json::array();
  for (const auto& marker : run.metrics.markers) {
    markers.push_back(Json::array({marker.kind, marker.step}));
  }
  Json json{{"name", run.name}, {"curves", std::move(curves)}, {"markers", std::move(markers)}};
  const auto entropy = run.metrics.session.find("unigram_entropy");
  if (entropy != run.metrics.session.end()) {
    json["reference"] = rounded(std::strtod(entropy->second.c_str(), nullptr));
  }
  return json;
}

// A script element ends at the first "</script", even in a string: no such character goes out.
std::string safe_in_script(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char character : json) {
    if (character == '<' || character == '>' || character == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<int>(character));
    } else {
      safe += character;
    }
  }
  return safe;
}

}  // namespace

std::vector<Chart> report_charts(const std::vector<ReportRun>& runs) {
  std::vector<Chart> charts;
  for (const auto& known : kKnownCharts) {
    if (known.name == "learning_rate") add_other_scores(runs, charts);  // scores before speeds
    if (known.name == "loss_scale" && is_constant(runs, "train/loss_scale")) continue;
    add_chart(runs, known, charts);
  }
  add_phases(runs, charts);
  return charts;
}

std::string charts_json(const std::vector<ReportRun>& runs) {
  const auto charts = report_charts(runs);
  Json json{{"charts", Json::array()}, {"runs", Json::array()}};
  for (const auto& chart : charts) {
    Json curves = Json::array();
    for (const auto& [label, name] : chart.curves) curves.push_back(Json::array({label, name}));
    json["charts"].push_back({{"title", chart.title},
                              {"format", chart.format},
                              {"smooth", chart.smooth},
                              {"zero", chart.from_zero},
                              {"reference", chart.reference},
                              {"curves", std::move(curves)}});
  }
  for (const auto& run : runs) json["runs"].push_back(run_json(run, charts));
  return safe_in_script(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace bertha
