// A SAX handler for flat JSON objects.
#include "trainer/metrics/event_line.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace bertha {
namespace {

// nlohmann's SAX interface: every function returns whether to go on.
class LineHandler {
 public:
  explicit LineHandler(EventLine& line) : line_(line) {}

  bool complete() const { return has_event_ && has_step_; }

  bool key(std::string& name) {
    if (depth_ == 1) key_.swap(name);
    return true;
  }
  bool null() { return depth_ > 0; }
  bool boolean(bool value) { return add_number(value ? 1 : 0); }
  bool number_integer(std::int64_t value) {
    if (depth_ == 1 && key_ == "step") return set_step(value);
    return add_number(static_cast<double>(value));
  }
  bool number_unsigned(std::uint64_t value) {
    if (depth_ == 1 && key_ == "step") {
      return value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) &&
             set_step(static_cast<std::int64_t>(value));
    }
    return add_number(static_cast<double>(value));
  }
  bool number_float(double value, const std::string&) { return add_number(value); }
  bool string(std::string& value) {
    if (depth_ != 1) return depth_ > 1;
    if (key_ == "event") {
      line_.event = value;
      has_event_ = true;
    } else {
      line_.texts.push_back({key_, value});
    }
    return true;
  }
  bool binary(std::vector<std::uint8_t>&) { return false; }
  bool start_object(std::size_t) {
    ++depth_;
    return true;
  }
  bool end_object() {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) { return depth_++ > 0; }
  bool end_array() { return end_object(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) {
    return false;
  }

 private:
  bool set_step(std::int64_t value) {
    line_.step = value;
    has_step_ = true;
    return value >= 0;
  }
  bool add_number(double value) {
    if (depth_ != 1) return depth_ > 1;
    if (key_ == "time") {
      line_.time = value;
    } else {
      line_.numbers.push_back({key_, value});
    }
    return true;
  }

  EventLine& line_;
  std::string key_;
  int depth_ = 0;
  bool has_event_ = false, has_step_ = false;
};

}  // namespace

const std::string* EventLine::text(std::string_view name) const {
  for (const auto& field : texts) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

bool parse_event_line(std::string_view json, EventLine& line) {
  line.event.clear();
  line.step = 0;
  line.time = 0;
  line.numbers.clear();
  line.texts.clear();
  LineHandler handler(line);
  return nlohmann::json::sax_parse(json.begin(), json.end(), &handler) && handler.complete();
}

}  // namespace bertha
