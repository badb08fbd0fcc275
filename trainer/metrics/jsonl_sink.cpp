// Events as JSON lines.
#include "trainer/metrics/jsonl_sink.h"

#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
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

bool is_of_later_step(std::string_view line, std::int64_t step) {
  static const std::set<std::string> of_sessions{"start", "resume", "stop", "end", "warning"};
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("event") || !json.contains("step")) return false;
  const auto& event = json["event"];
  return event.is_string() && !of_sessions.contains(event.get<std::string>()) &&
         json["step"].is_number_integer() && json["step"].get<std::int64_t>() > step;
}

// The lines that stay, each with its newline; a last one without stays as it is.
std::string without_later_steps(std::string_view text, std::int64_t step) {
  std::string rest;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const auto line = text.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    if (!is_of_later_step(line, step)) rest += line;
    text.remove_prefix(line.size());
  }
  return rest;
}

// Numbers twice are better than a run that does not start.
void cut_later_steps(const std::filesystem::path& path, std::int64_t step) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return;
  try {
    const auto text = read_file(path);
    const auto rest = without_later_steps(text, step);
    if (rest.size() < text.size()) write_file_atomically(path, rest);
  } catch (const Error& failure) {
    log_warning(fmt::format("{} will hold steps after {} twice: {}", path.string(), step,
                            failure.message()));
  }
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

std::unique_ptr<MetricsSink> make_jsonl_sink(const std::filesystem::path& path,
                                             std::optional<std::int64_t> resumed_step) {
  if (resumed_step) cut_later_steps(path, *resumed_step);
  return std::make_unique<JsonlSink>(path);
}

}  // namespace bertha
