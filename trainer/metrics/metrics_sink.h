// Where numbers of a run go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bertha {

using MetricValue = std::variant<double, std::int64_t, bool, std::string>;

struct MetricsEvent {
  std::string event;  // start | train | validation | save | resume | stop | end | warning | test
  std::int64_t step = 0;
  std::vector<std::pair<std::string, MetricValue>> values;  // in this order

  void add(std::string name, MetricValue value) {
    values.emplace_back(std::move(name), std::move(value));
  }
};

class MetricsSink {
 public:
  virtual ~MetricsSink() = default;
  virtual void write(const MetricsEvent& event) = 0;
};

// Sends every event to each of several sinks.
class MetricsSinks : public MetricsSink {
 public:
  void add(std::unique_ptr<MetricsSink> sink) { sinks_.push_back(std::move(sink)); }
  void write(const MetricsEvent& event) override {
    for (const auto& sink : sinks_) sink->write(event);
  }

 private:
  std::vector<std::unique_ptr<MetricsSink>> sinks_;
};

}  // namespace bertha
