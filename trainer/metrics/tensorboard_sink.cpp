// Event files in a run's tensorboard folder.
#include "trainer/metrics/tensorboard_sink.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/metrics/appended_file.h"
#include "trainer/metrics/event_records.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
  std::string text = name.data();
  std::replace(text.begin(), text.end(), '/', '_');
  return text.empty() ? "host" : text;
}

// Largest second in the names of the event files that are there; 0: none.
std::int64_t newest_event_file(const fs::path& folder) {
  std::int64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t seconds = 0;
    const char* begin = name.data() + kPrefix.size();
    std::from_chars(begin, name.data() + name.size(), seconds);
    newest = std::max(newest, seconds);
  }
  return newest;
}

// TensorBoard reads files in the order of their names, so a new one must sort last, even when the
// clock stood still or this node's clock is behind.
fs::path new_event_file(const fs::path& folder, std::int64_t newest) {
  const auto second = std::max(static_cast<std::int64_t>(seconds_since_1970()), newest + 1);
  return folder / fmt::format("{}{:010}.{}.{}.0", kPrefix, second, host_name(), ::getpid());
}

class TensorboardSink : public MetricsSink {
 public:
  TensorboardSink(const fs::path& folder, std::int64_t newest, std::int64_t resumed_step,
                  const TensorboardStart& start)
      : file_(new_event_file(folder, newest), AppendedFile::Open::fresh) {
    file_.append(tfrecord(file_version_event(seconds_since_1970())));
    if (newest != 0) {
      // Step `resumed_step` itself was trained before; 0 means that all begins again.
      const std::int64_t first = resumed_step > 0 ? resumed_step + 1 : 0;
      file_.append(tfrecord(session_start_event({seconds_since_1970(), first})));
    }
    if (newest == 0 || resumed_step == 0) write_start(start);
  }

  void write(const MetricsEvent& event) override {
    if (event.values.empty()) return;
    file_.append(
        tfrecord(summary_event({seconds_since_1970(), event.step}, event.event, event.values)));
  }

 private:
  void write_start(const TensorboardStart& start) {
    const double now = seconds_since_1970();
    if (!start.hyper_parameters.empty()) {
      file_.append(tfrecord(hyper_parameters_event(now, start.hyper_parameters)));
    }
    if (!start.samples.empty()) {
      file_.append(tfrecord(summary_event({now, 0}, "samples", start.samples)));
    }
  }

  AppendedFile file_;
};

}  // namespace

std::unique_ptr<MetricsSink> make_tensorboard_sink(const fs::path& folder,
                                                   std::int64_t resumed_step,
                                                   const TensorboardStart& start) {
  try {
    fs::create_directories(folder);
    return std::make_unique<TensorboardSink>(folder, newest_event_file(folder), resumed_step,
                                             start);
  } catch (const fs::filesystem_error& error) {
    throw_io_error("use folder", folder.string(), error.code().value());
  }
}

}  // namespace bertha
