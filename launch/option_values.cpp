// Conversions of option values; strict, so that "1e3x" or "ture" is an error and not a guess.
#include "launch/option_values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace bertha {
namespace {

template <class T>
struct Named {
  const char* name;
  T value;
};

constexpr std::array kTextFormats{Named<TextFormat>{"auto", TextFormat::automatic},
                                  Named<TextFormat>{"text", TextFormat::text},
                                  Named<TextFormat>{"sentences", TextFormat::sentences},
                                  Named<TextFormat>{"jsonl", TextFormat::jsonl},
                                  Named<TextFormat>{"mediawiki", TextFormat::mediawiki},
                                  Named<TextFormat>{"nvidia", TextFormat::nvidia}};
constexpr std::array kStrategies{Named<MaskingStrategy>{"token", MaskingStrategy::token},
                                 Named<MaskingStrategy>{"word", MaskingStrategy::word},
                                 Named<MaskingStrategy>{"character", MaskingStrategy::character},
                                 Named<MaskingStrategy>{"span", MaskingStrategy::span}};
constexpr std::array kVerifyLevels{Named<VerifyLevel>{"quick", VerifyLevel::quick},
                                   Named<VerifyLevel>{"full", VerifyLevel::full},
                                   Named<VerifyLevel>{"off", VerifyLevel::off}};
constexpr std::array kPrecisions{Named<PrecisionChoice>{"auto", PrecisionChoice::automatic},
                                 Named<PrecisionChoice>{"fp32", PrecisionChoice::fp32},
                                 Named<PrecisionChoice>{"bf16", PrecisionChoice::bf16},
                                 Named<PrecisionChoice>{"fp16", PrecisionChoice::fp16}};
constexpr std::array kDevices{Named<DeviceChoice>{"auto", DeviceChoice::automatic},
                              Named<DeviceChoice>{"cpu", DeviceChoice::cpu},
                              Named<DeviceChoice>{"cuda", DeviceChoice::cuda}};
constexpr std::array kBackends{Named<Backend>{"auto", Backend::automatic},
                               Named<Backend>{"mpi", Backend::mpi},
                               Named<Backend>{"nccl", Backend::nccl}};
constexpr std::array kOptimizers{Named<OptimizerName>{"adamw", OptimizerName::adamw},
                                 Named<OptimizerName>{"lamb", OptimizerName::lamb}};
constexpr std::array kMomentPrecisions{Named<MomentPrecision>{"fp32", MomentPrecision::fp32},
                                       Named<MomentPrecision>{"bf16", MomentPrecision::bf16}};
constexpr std::array kRecomputes{Named<Recompute>{"none", Recompute::none},
                                 Named<Recompute>{"layers", Recompute::layers}};
constexpr std::array kSchedules{Named<ScheduleName>{"linear", ScheduleName::linear},
                                Named<ScheduleName>{"polynomial", ScheduleName::polynomial},
                                Named<ScheduleName>{"cosine", ScheduleName::cosine},
                                Named<ScheduleName>{"constant", ScheduleName::constant}};
constexpr std::array kDecayStarts{Named<DecayStart>{"warmup", DecayStart::warmup},
                                  Named<DecayStart>{"start", DecayStart::start}};
constexpr std::array kReducePrecisions{
    Named<GradientReducer::Precision>{"fp32", GradientReducer::Precision::fp32},
    Named<GradientReducer::Precision>{"bf16", GradientReducer::Precision::bf16}};

template <class T, std::size_t N>
void parse_named(const std::string& text, T& value, const std::array<Named<T>, N>& names) {
  std::string known;
  for (const auto& entry : names) {
    if (text == entry.name) {
      value = entry.value;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw std::invalid_argument("one of " + known);
}

template <class T, std::size_t N>
std::string name_of(T value, const std::array<Named<T>, N>& names) {
  for (const auto& entry : names) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

// Whole numbers may be written with an exponent: 1e6.
template <class T>
void parse_whole(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stopped == end && !text.empty()) return;
  double wide = 0;
  parse_value(text, wide);
  // Doubles hold whole numbers exactly up to 2^53.
  const double lowest = std::is_signed_v<T> ? -0x1p53 : 0.0;
  const double highest = std::min(0x1p53, static_cast<double>(std::numeric_limits<T>::max()));
  if (wide != std::floor(wide) || wide < lowest || wide > highest) {
    throw std::invalid_argument(std::is_signed_v<T> ? "a whole number" : "a whole number from 0");
  }
  value = static_cast<T>(wide);
}

}  // namespace

void parse_value(const std::string& text, std::string& value) {
  value = text;
}
void parse_value(const std::string& text, std::filesystem::path& value) {
  value = text;
}
void parse_value(const std::string& text, bool& value) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    value = true;
  } else if (text == "false" || text == "0" || text == "no" || text == "off") {
    value = false;
  } else {
    throw std::invalid_argument("true or false");
  }
}
void parse_value(const std::string& text, int& value) {
  parse_whole(text, value);
}
void parse_value(const std::string& text, std::int64_t& value) {
  parse_whole(text, value);
}
void parse_value(const std::string& text, std::uint64_t& value) {
  parse_whole(text, value);
}
void parse_value(const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || !std::isfinite(value)) {
    throw std::invalid_argument("a number");
  }
}
void parse_value(const std::string& text, TextFormat& value) {
  parse_named(text, value, kTextFormats);
}
void parse_value(const std::string& text, MaskingStrategy& value) {
  parse_named(text, value, kStrategies);
}
void parse_value(const std::string& text, VerifyLevel& value) {
  parse_named(text, value, kVerifyLevels);
}
void parse_value(const std::string& text, PrecisionChoice& value) {
  parse_named(text, value, kPrecisions);
}
void parse_value(const std::string& text, DeviceChoice& value) {
  parse_named(text, value, kDevices);
}
void parse_value(const std::string& text, Backend& value) {
  parse_named(text, value, kBackends);
}
void parse_value(const std::string& text, OptimizerName& value) {
  parse_named(text, value, kOptimizers);
}
void parse_value(const std::string& text, MomentPrecision& value) {
  parse_named(text, value, kMomentPrecisions);
}
void parse_value(const std::string& text, Recompute& value) {
  parse_named(text, value, kRecomputes);
}
void parse_value(const std::string& text, ScheduleName& value) {
  parse_named(text, value, kSchedules);
}
void parse_value(const std::string& text, DecayStart& value) {
  parse_named(text, value, kDecayStarts);
}
void parse_value(const std::string& text, GradientReducer::Precision& value) {
  parse_named(text, value, kReducePrecisions);
}

std::string value_text(const std::string& value) {
  return value;
}
std::string value_text(const std::filesystem::path& value) {
  return value.string();
}
std::string value_text(bool value) {
  return value ? "true" : "false";
}
std::string value_text(int value) {
  return std::to_string(value);
}
std::string value_text(std::int64_t value) {
  return std::to_string(value);
}
std::string value_text(std::uint64_t value) {
  return std::to_string(value);
}
std::string value_text(double value) {
  return fmt::format("{}", value);
}  // shortest, exact
std::string value_text(TextFormat value) {
  return name_of(value, kTextFormats);
}
std::string value_text(MaskingStrategy value) {
  return name_of(value, kStrategies);
}
std::string value_text(VerifyLevel value) {
  return name_of(value, kVerifyLevels);
}
std::string value_text(PrecisionChoice value) {
  return name_of(value, kPrecisions);
}
std::string value_text(DeviceChoice value) {
  return name_of(value, kDevices);
}
std::string value_text(Backend value) {
  return name_of(value, kBackends);
}
std::string value_text(OptimizerName value) {
  return name_of(value, kOptimizers);
}
std::string value_text(MomentPrecision value) {
  return name_of(value, kMomentPrecisions);
}
std::string value_text(Recompute value) {
  return name_of(value, kRecomputes);
}
std::string value_text(ScheduleName value) {
  return name_of(value, kSchedules);
}
std::string value_text(DecayStart value) {
  return name_of(value, kDecayStarts);
}
std::string value_text(GradientReducer::Precision value) {
  return name_of(value, kReducePrecisions);
}

}  // namespace bertha
