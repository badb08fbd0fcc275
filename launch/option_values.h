// Text of an option to a typed value and back, one overload per type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "launch/run_config.h"

namespace bertha {

// parse_value throws std::invalid_argument whose text says what was expected ("a whole number").
void parse_value(const std::string& text, std::string& value);
void parse_value(const std::string& text, std::filesystem::path& value);
void parse_value(const std::string& text, bool& value);
void parse_value(const std::string& text, int& value);
void parse_value(const std::string& text, std::int64_t& value);
void parse_value(const std::string& text, std::uint64_t& value);
void parse_value(const std::string& text, double& value);
void parse_value(const std::string& text, TextFormat& value);
void parse_value(const std::string& text, MaskingStrategy& value);
void parse_value(const std::string& text, VerifyLevel& value);
void parse_value(const std::string& text, PrecisionChoice& value);
void parse_value(const std::string& text, DeviceChoice& value);
void parse_value(const std::string& text, Backend& value);
void parse_value(const std::string& text, OptimizerName& value);
void parse_value(const std::string& text, MomentPrecision& value);
void parse_value(const std::string& text, Recompute& value);
void parse_value(const std::string& text, ScheduleName& value);
void parse_value(const std::string& text, DecayStart& value);
void parse_value(const std::string& text, GradientReducer::Precision& value);

std::string value_text(const std::string& value);
std::string value_text(const std::filesystem::path& value);
std::string value_text(bool value);
std::string value_text(int value);
std::string value_text(std::int64_t value);
std::string value_text(std::uint64_t value);
std::string value_text(double value);
std::string value_text(TextFormat value);
std::string value_text(MaskingStrategy value);
std::string value_text(VerifyLevel value);
std::string value_text(PrecisionChoice value);
std::string value_text(DeviceChoice value);
std::string value_text(Backend value);
std::string value_text(OptimizerName value);
std::string value_text(MomentPrecision value);
std::string value_text(Recompute value);
std::string value_text(ScheduleName value);
std::string value_text(DecayStart value);
std::string value_text(GradientReducer::Precision value);

template <class T>
void parse_value(const std::string& text, std::optional<T>& value) {
  T parsed{};
  parse_value(text, parsed);
  value = parsed;
}
template <class T>
std::string value_text(const std::optional<T>& value) {
  return value ? value_text(*value) : std::string();
}

}  // namespace bertha
