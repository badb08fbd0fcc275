// Flat lines as our sink writes them are scanned in place; any other goes through nlohmann's
// parser.
#include "trainer/metrics/event_line.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

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

// {"name":number,"name":"text",...} without blanks, escapes, nesting or bytes beyond ASCII in names
// and texts. False: something else, perhaps good JSON all the same.
class LineScanner {
 public:
  LineScanner(std::string_view json, EventLine& line) : rest_(json), line_(line) {}

  bool scan() {
    if (!take('{')) return false;
    do {
      if (!scan_text(name_) || !take(':') || !scan_value()) return false;
    } while (take(','));
    line_.numbers.resize(numbers_);
    return take('}') && rest_.empty() && has_event_ && has_step_;
  }

 private:
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  bool scan_text(std::string_view& text) {
    if (!take('"')) return false;
    std::size_t end = 0;
    for (; end < rest_.size() && rest_[end] != '"'; ++end) {
      if (rest_[end] < ' ' || rest_[end] == '\\') return false;  // signed: beyond ASCII, too
    }
    if (end == rest_.size()) return false;
    text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool scan_value() {
    if (rest_.empty()) return false;
    if (rest_.front() == '"') return scan_text_value();
    if (take("null")) return name_ != "step" && name_ != "event";
    if (take("true")) return add_number(1);
    if (take("false")) return add_number(0);
    return name_ == "step" ? scan_step() : scan_number();
  }
  bool scan_text_value() {
    std::string_view text;
    if (!scan_text(text) || name_ == "step" || name_ == "time") return false;
    if (name_ == "event") {
      line_.event = text;
      has_event_ = true;
    } else {
      line_.texts.push_back({std::string(name_), std::string(text)});
    }
    return true;
  }
  bool scan_step() {
    const auto [end, error] =
        std::from_chars(rest_.data(), rest_.data() + rest_.size(), line_.step);
    if (error != std::errc() || line_.step < 0) return false;
    if (end - rest_.data() > 1 && rest_.front() == '0') return false;  // 007 is no JSON
    has_step_ = true;
    return skip_to(end);
  }
  // Where from_chars is laxer than JSON ("1.", "01", "inf"), the other parser decides.
  bool scan_number() {
    const char* begin = rest_.data();
    double value = 0;
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), value);
    if (error != std::errc() || end[-1] == '.') return false;
    const char* digits = *begin == '-' ? begin + 1 : begin;
    if (*digits < '0' || *digits > '9') return false;
    if (*digits == '0' && end - digits > 1 && digits[1] >= '0' && digits[1] <= '9') return false;
    for (const char* at = digits; at + 1 < end; ++at) {
      if (*at == '.' && (at[1] < '0' || at[1] > '9')) return false;
    }
    return skip_to(end) && add_number(value);
  }
  bool skip_to(const char* end) {
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  // The names of the line before are mostly the same: they stay where they are.
  bool add_number(double value) {
    if (name_ == "event" || name_ == "step") return false;
    if (name_ == "time") {
      line_.time = value;
      return true;
    }
    if (numbers_ == line_.numbers.size()) line_.numbers.emplace_back();
    auto& number = line_.numbers[numbers_++];
    if (number.name != name_) number.name = name_;
    number.value = value;
    return true;
  }

  std::string_view rest_, name_;
  EventLine& line_;
  std::size_t numbers_ = 0;
  bool has_event_ = false, has_step_ = false;
};

void forget(EventLine& line) {
  line.event.clear();
  line.step = 0;
  line.time = 0;
  line.texts.clear();
}

}  // namespace

const std::string* EventLine::text(std::string_view name) const {
  for (const auto& field : texts) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

bool parse_event_line(std::string_view json, EventLine& line) {
  forget(line);
  if (LineScanner(json, line).scan()) return true;
  forget(line);
  line.numbers.clear();
  LineHandler handler(line);
  return nlohmann::json::sax_parse(json.begin(), json.end(), &handler) && handler.complete();
}

}  // namespace bertha
