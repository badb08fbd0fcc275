// Texts to values and back, strictly.
#include "launch/option_values.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

template <class T>
T parsed(const std::string& text) {
  T value{};
  parse_value(text, value);
  return value;
}

template <class T>
std::string refusal(const std::string& text) {
  try {
    parsed<T>(text);
  } catch (const std::invalid_argument& expected) {
    return expected.what();
  }
  return "was taken";
}

TEST(OptionValues, WholeNumbersMayHaveAnExponentButNoFraction) {
  EXPECT_EQ(parsed<std::int64_t>("-12"), -12);
  EXPECT_EQ(parsed<std::int64_t>("1e6"), 1'000'000);
  EXPECT_EQ(parsed<std::int64_t>("2.5e1"), 25);
  EXPECT_EQ(parsed<std::int64_t>("9223372036854775807"), 9223372036854775807LL);
  EXPECT_EQ(parsed<std::uint64_t>("18446744073709551615"), 18446744073709551615ULL);
  for (const char* text : {"", " ", "5 ", " 5", "five", "1e3x", "1.5", "0x10", "1e99", "nan",
                           "9223372036854775808", "--5"}) {
    EXPECT_NE(refusal<std::int64_t>(text), "was taken") << '\'' << text << '\'';
  }
  EXPECT_NE(refusal<int>("3000000000"), "was taken");
  EXPECT_EQ(refusal<std::uint64_t>("-1"), "a whole number from 0");
}

TEST(OptionValues, NumbersAreFiniteAndWhole) {
  EXPECT_EQ(parsed<double>("6e-3"), 0.006);
  EXPECT_EQ(parsed<double>("-.5"), -0.5);
  for (const char* text : {"", "1,5", "1e", "inf", "-nan", "1e999", "1 2", "ture"}) {
    EXPECT_EQ(refusal<double>(text), "a number") << text;
  }
}

TEST(OptionValues, BooleansHaveFourSpellings) {
  for (const char* text : {"true", "1", "yes", "on"}) EXPECT_TRUE(parsed<bool>(text));
  for (const char* text : {"false", "0", "no", "off"}) EXPECT_FALSE(parsed<bool>(text));
  for (const char* text : {"", "ture", "TRUE", "2"}) {
    EXPECT_EQ(refusal<bool>(text), "true or false") << text;
  }
}

TEST(OptionValues, NamesAreListedWhenOneIsWrong) {
  EXPECT_EQ(parsed<OptimizerName>("lamb"), OptimizerName::lamb);
  EXPECT_EQ(refusal<OptimizerName>("sgd"), "one of adamw, lamb");
  EXPECT_EQ(refusal<ScheduleName>("Linear"), "one of linear, polynomial, cosine, constant");
}

template <class T>
void expect_round_trip(const std::vector<std::string>& texts) {
  for (const auto& text : texts) EXPECT_EQ(value_text(parsed<T>(text)), text);
}

TEST(OptionValues, TextsComeBackAsTheyWere) {
  expect_round_trip<TextFormat>({"auto", "text", "sentences", "jsonl", "mediawiki"});
  expect_round_trip<MaskingStrategy>({"token", "word", "character"});
  expect_round_trip<VerifyLevel>({"quick", "full", "off"});
  expect_round_trip<PrecisionChoice>({"fp32", "bf16", "fp16"});
  expect_round_trip<DeviceChoice>({"auto", "cpu", "cuda"});
  expect_round_trip<Backend>({"auto", "mpi", "nccl"});
  expect_round_trip<OptimizerName>({"adamw", "lamb"});
  expect_round_trip<ScheduleName>({"linear", "polynomial", "cosine", "constant"});
  expect_round_trip<GradientReducer::Precision>({"fp32", "bf16"});
  expect_round_trip<bool>({"true", "false"});
  expect_round_trip<std::optional<double>>({"0.1"});
  EXPECT_EQ(value_text(std::optional<double>()), "");
  for (const double value : {0.1, 1.0 / 3.0, 6e-3, 1e-12, 5e-324, 1.7976931348623157e308}) {
    EXPECT_EQ(parsed<double>(value_text(value)), value);
  }
}

}  // namespace
}  // namespace bertha
