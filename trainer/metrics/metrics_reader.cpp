// Two passes: where sessions begin, then every line that no later session replaced.
#include "trainer/metrics/metrics_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <limits>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/unique_handle.h"
#include "trainer/metrics/event_line.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr std::size_t kMostCurves = 200, kMostMarkers = 400, kLongestName = 100;

// Calls `handle` for every line without its newline; a line too long to be ours comes out empty.
void for_each_line(const fs::path& path, const std::function<void(std::string_view)>& handle) {
  const UniqueHandle<int, ::close, -1> file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_io_error("open", path.string(), errno);
  std::string pending, block(1 << 18, '\0');
  bool overlong = false;
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_io_error("read", path.string(), errno);
    if (got == 0) break;
    std::string_view rest(block.data(), static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (pending.empty() && !overlong) {
        handle(rest.substr(0, end));
      } else {
        pending += rest.substr(0, end);
        handle(overlong ? std::string_view() : pending);
        pending.clear();
        overlong = false;
      }
      rest.remove_prefix(end + 1);
    }
    pending += rest;
    if (pending.size() > kLongestLine) {
      overlong = true;
      pending.clear();
    }
  }
  if (overlong || !pending.empty()) handle(overlong ? std::string_view() : pending);
}

// Several times as fast as string_view::find, which stops at every quotation mark.
bool holds_word(std::string_view text, std::string_view word) {
  return ::memmem(text.data(), text.size(), word.data(), word.size()) != nullptr;
}

bool begins_session(const EventLine& line) {
  return line.event == "start" || line.event == "resume";
}

// For every line number, the largest step that is still valid: lines before a session's first line
// hold only up to the step it began from.
class Validity {
 public:
  explicit Validity(const fs::path& path) {
    std::uint64_t number = 0;
    EventLine line;
    for_each_line(path, [&](std::string_view text) {
      ++number;
      if (!holds_word(text, "start") && !holds_word(text, "resume")) return;
      if (!parse_event_line(text, line) || !begins_session(line)) return;
      begins_.push_back({number, line.event == "start" ? -1 : line.step});
    });
    // The smallest step of all later sessions, from the back.
    for (std::size_t i = begins_.size(); i > 1; --i) {
      begins_[i - 2].step = std::min(begins_[i - 2].step, begins_[i - 1].step);
    }
  }

  // Lines must be asked for in order.
  bool holds(std::uint64_t number, std::int64_t step) {
    while (next_ < begins_.size() && begins_[next_].line <= number) ++next_;
    return next_ == begins_.size() || step <= begins_[next_].step;
  }

 private:
  struct Begin {
    std::uint64_t line;
    std::int64_t step;
  };
  std::vector<Begin> begins_;
  std::size_t next_ = 0;
};

class Reader {
 public:
  explicit Reader(RunMetrics& run) : run_(run) {}

  void take(const EventLine& line, bool valid) {
    run_.last_event = line.event;
    keep_time(line);
    if (begins_session(line)) begin_session(line);
    if (!valid) {
      ++run_.superseded_lines;
      return;
    }
    run_.last_step = std::max(run_.last_step, line.step);
    if (line.event == "train" || line.event == "validation" || line.event == "test") {
      add_numbers(line);
    } else {
      add_marker(line);
    }
  }

 private:
  void keep_time(const EventLine& line) {
    if (line.time <= 0) return;
    if (run_.begin_time == 0) run_.begin_time = line.time;
    if (!begins_session(line) && previous_time_ > 0) {
      run_.active_seconds += std::max(0.0, line.time - previous_time_);
    }
    previous_time_ = line.time;
  }

  void begin_session(const EventLine& line) {
    ++run_.sessions;
    const auto from = run_.session.find("from");
    const std::string first_from = from == run_.session.end() ? "" : from->second;
    run_.session.clear();
    for (const auto& [name, value] : line.numbers) {
      run_.session[name] = fmt::format("{}", value);
    }
    for (const auto& [name, value] : line.texts) run_.session[name] = value;
    // Where the run began, not the checkpoint that it went on from.
    if (line.event == "resume" && !first_from.empty()) run_.session["from"] = first_from;
  }

  void add_numbers(const EventLine& line) {
    auto& known = known_[line.event];
    known.resize(std::max(known.size(), line.numbers.size()));
    for (std::size_t i = 0; i < line.numbers.size(); ++i) {
      const auto& [name, value] = line.numbers[i];
      if (!known[i].curve || known[i].name != name) known[i] = {name, find_curve(line.event, name)};
      if (known[i].curve) known[i].curve->add({line.step, value});
    }
  }

  // Null when there are too many already.
  Downsampler* find_curve(const std::string& event, const std::string& name) {
    if (name.size() > kLongestName) return nullptr;
    const auto key = event + "/" + name;
    const auto found = run_.curves.find(key);
    if (found != run_.curves.end()) return &found->second;
    if (run_.curves.size() == kMostCurves) return nullptr;
    return &run_.curves.emplace(key, Downsampler()).first->second;
  }

  void add_marker(const EventLine& line) {
    const bool save = line.event == "save";
    if (save && run_.saves++ % save_stride_ != 0) return;
    if (run_.markers.size() >= kMostMarkers) thin_out_saves();
    if (run_.markers.size() >= kMostMarkers) return;
    const auto* text = line.text(line.event == "stop" ? "reason" : "message");
    run_.markers.push_back({line.event, line.step, text ? *text : std::string()});
  }

  // Every other one goes; from now on only every so many are kept.
  void thin_out_saves() {
    save_stride_ *= 2;
    std::size_t seen = 0;
    std::erase_if(run_.markers, [&](const RunMarker& marker) {
      return marker.kind == "save" && seen++ % 2 == 1;
    });
  }

  // What a place in the line of an event meant last time: mostly the same again.
  struct KnownCurve {
    std::string name;
    Downsampler* curve = nullptr;
  };

  RunMetrics& run_;
  double previous_time_ = 0;
  std::uint64_t save_stride_ = 1;
  std::map<std::string, std::vector<KnownCurve>> known_;  // by event
};

}  // namespace

RunMetrics read_metrics(const fs::path& metrics_jsonl) {
  RunMetrics run;
  Validity validity(metrics_jsonl);
  Reader reader(run);
  EventLine line;
  for_each_line(metrics_jsonl, [&](std::string_view text) {
    ++run.lines;
    if (parse_event_line(text, line)) {
      reader.take(line, validity.holds(run.lines, line.step));
    } else {
      ++run.malformed_lines;
    }
  });
  return run;
}

}  // namespace bertha
