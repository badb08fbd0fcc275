// Events as JSON lines.
#include "trainer/metrics/jsonl_sink.h"

#include <chrono>
#include <cmath>

#include <nlohmann/json.hpp>

#include "trainer/metrics/appended_file.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

double seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) /
         1000.0;
}

std::string json_line(const MetricsEvent& event) {
  Json json{{"event", event.event}, {"step", event.step}, {"time", seconds_since_1970()}};
  for (const auto& [name, value] : event.values) {
    // `emplace` leaves the three fields above alone, whatever a value is called.
    std::visit([&, &key = name](const auto& held) { json.emplace(key, held); }, value);
  }
  // Numbers that are not finite become null; text that is not UTF-8 gets replacement characters.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

class JsonlSink : public MetricsSink {
 public:
  explicit JsonlSink(const std::filesystem::path& path)
      : file_(path, AppendedFile::Open::continue_) {}
  void write(const MetricsEvent& event) override { file_.append(json_line(event)); }

 private:
  AppendedFile file_;
};

}  // namespace

std::unique_ptr<MetricsSink> make_jsonl_sink(const std::filesystem::path& path) {
  return std::make_unique<JsonlSink>(path);
}

}  // namespace bertha
