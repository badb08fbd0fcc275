// Plain lines by the scanner; the rest, and all faults, by a full parser as a stream of events,
// which keeps nothing but the wanted string.
#include "data_pipeline/text/json_field.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "data_pipeline/text/json_scanner.h"

namespace bertha {
namespace {

class FieldHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit FieldHandler(const std::string& field) : field_(field) {}

  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_unsigned(number_unsigned_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }
  bool string(string_t& value) override {
    other_value();
    if (wanted_) text_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ == 1) wanted_ = is_object_ && name == field_;
    if (depth_ == 1 && wanted_) seen_ = true;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_position_ = position;
    return false;
  }

  JsonField result() && {
    if (error_position_) {
      return {
          {}, "no JSON: error at byte " + std::to_string(*error_position_), JsonFault::not_json};
    }
    if (!is_object_) return {{}, "not a JSON object", JsonFault::not_json};
    if (!seen_) return {{}, "no field \"" + field_ + "\"", JsonFault::without_field};
    if (!text_) return {{}, "field \"" + field_ + "\" is not a string", JsonFault::not_text};
    return {.text = std::move(*text_), .fault = {}};
  }

 private:
  // Whatever follows the wanted key replaces what an earlier field of that name held.
  bool other_value() {
    if (depth_ != 1) wanted_ = false;
    if (wanted_) text_.reset();
    return true;
  }
  bool open(bool object) {
    other_value();
    if (depth_ == 0) is_object_ = object;
    ++depth_;
    wanted_ = false;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  const std::string& field_;
  std::optional<std::string> text_;
  std::optional<std::size_t> error_position_;
  std::size_t depth_ = 0;
  bool is_object_ = false, wanted_ = false, seen_ = false;
};

std::optional<std::uint32_t> escaped_unit(std::string_view line, std::size_t at) {
  if (at + 6 > line.size() || line[at] != '\\' || line[at + 1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  for (const char c : line.substr(at + 2, 4)) {
    const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (digit == std::string_view::npos) return std::nullopt;
    unit = unit * 16 + static_cast<std::uint32_t>(digit);
  }
  return unit;
}

constexpr std::size_t kEscapeBytes = 6;  // "\ud800"

// Writes \ufffd for every escaped surrogate that has no partner, and counts their bytes.
std::string replace_lone_surrogates(std::string_view line, std::uint64_t& replaced_bytes) {
  std::string mended(line);
  for (std::size_t at = 0; at + 1 < line.size(); ++at) {
    if (line[at] != '\\') continue;
    const auto unit = escaped_unit(line, at);
    if (!unit || *unit < 0xD800 || *unit > 0xDFFF) {
      ++at;  // the escaped character may be a backslash
      continue;
    }
    const auto partner = escaped_unit(line, at + 6);
    if (*unit < 0xDC00 && partner && *partner >= 0xDC00 && *partner <= 0xDFFF) {
      at += 11;
      continue;
    }
    mended.replace(at, kEscapeBytes, "\\ufffd");
    replaced_bytes += kEscapeBytes;
    at += kEscapeBytes - 1;
  }
  return mended;
}

JsonField parse(std::string_view line, const std::string& field) {
  FieldHandler handler(field);
  nlohmann::json::sax_parse(line.begin(), line.end(), &handler);
  return std::move(handler).result();
}

}  // namespace

void read_json_field(std::string_view line, const std::string& field, JsonField& result) {
  result.fault.clear();
  result.kind = JsonFault::none;
  result.replaced_bytes = 0;
  if (JsonScanner(line).find_text(field, result.text)) return;
  result = parse(line, field);
  if (!result.fault.empty() && line.find("\\u") != std::string_view::npos) {
    std::uint64_t replaced_bytes = 0;
    JsonField mended = parse(replace_lone_surrogates(line, replaced_bytes), field);
    if (!mended.fault.empty()) return;
    result = std::move(mended);
    result.replaced_bytes = replaced_bytes;
  }
}

}  // namespace bertha
