// Faults on purpose. Kinds: throw, full (as of a full disk), kill, stop, hang, nan, slow<ms>.
#include "parallel/base/fault.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::string_view kKinds[] = {"throw", "full", "kill", "stop", "hang", "nan", "slow"};

struct Fault {
  std::string place, kind;
  std::int64_t step = 0;
  std::int64_t slow_ms = 0;
  std::atomic<bool> armed = false;
  std::atomic<std::int64_t> now = 0;
};

Fault& the_fault() {
  static Fault fault;
  return fault;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  throw Error(ErrorKind::usage, "BERTHA_FAULT: '" + std::string(text) + "' is no number");
}

[[noreturn]] void hang() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

void arm_fault(int rank) {
  const char* text = std::getenv("BERTHA_FAULT");
  if (!text || !*text) return;
  const auto parts = split(text);
  if (parts.size() != 4) {
    throw Error(ErrorKind::usage, "BERTHA_FAULT is not rank:place:step:kind",
                "it is for tests; unset it");
  }
  auto& fault = the_fault();
  const bool mine = number(parts[0]) == rank;
  fault.place = parts[1];
  fault.step = number(parts[2]);
  fault.kind = parts[3];
  if (fault.kind.starts_with("slow")) {
    fault.slow_ms = number(std::string_view(fault.kind).substr(4));
    fault.kind = "slow";
  }
  if (std::ranges::find(kKinds, fault.kind) == std::end(kKinds)) {
    throw Error(ErrorKind::usage, "BERTHA_FAULT: no fault is called '" + fault.kind + "'");
  }
  fault.armed = mine;
}

void set_fault_step(std::int64_t step) {
  the_fault().now = step;
}

bool inject_fault(const char* place) {
  auto& fault = the_fault();
  if (!fault.armed || fault.now < fault.step || fault.place != place) return false;
  if (fault.kind == "slow") {
    std::this_thread::sleep_for(std::chrono::milliseconds(fault.slow_ms));
    return false;
  }
  if (!fault.armed.exchange(false)) return false;
  if (fault.kind == "throw") throw Error(ErrorKind::internal, std::string("fault in ") + place);
  if (fault.kind == "full") throw_io_error("write", std::string("fault in ") + place, ENOSPC);
  if (fault.kind == "kill") std::raise(SIGKILL);
  if (fault.kind == "stop") std::raise(SIGSTOP);
  if (fault.kind == "hang") hang();
  return fault.kind == "nan";
}

}  // namespace bertha
