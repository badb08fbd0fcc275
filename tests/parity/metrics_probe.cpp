// Writes events with both sinks, for test_tensorboard.py: metrics_probe RUN_FOLDER RESUMED_STEP
// reads one event a line on standard input, {"event", "step", "values": [[name, value], ...]};
// a value "nan" is no number. Events "hyper_parameters" and "samples" are what TensorBoard is told
// at the start.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "trainer/metrics/jsonl_sink.h"
#include "trainer/metrics/tensorboard_sink.h"

namespace {

bertha::MetricValue value_of(const nlohmann::json& json) {
  if (json == "nan") return std::nan("");
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  return json.get<double>();
}

void write_events(const std::filesystem::path& run, std::int64_t resumed_step) {
  bertha::TensorboardStart start;
  std::vector<bertha::MetricsEvent> events;
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = nlohmann::json::parse(line);
    bertha::MetricsEvent event{json.at("event"), json.at("step"), {}};
    for (const auto& value : json.at("values")) event.add(value.at(0), value_of(value.at(1)));
    if (event.event == "hyper_parameters") {
      start.hyper_parameters = event.values;
    } else if (event.event == "samples") {
      start.samples = event.values;
    } else {
      events.push_back(std::move(event));
    }
  }
  bertha::MetricsSinks sinks;
  sinks.add(bertha::make_jsonl_sink(run / "metrics.jsonl"));
  sinks.add(bertha::make_tensorboard_sink(run / "tensorboard", resumed_step, start));
  for (const auto& event : events) sinks.write(event);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  try {
    write_events(argv[1], std::stoll(argv[2]));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "metrics_probe: " << error.what() << "\n";
    return 70;
  }
}
