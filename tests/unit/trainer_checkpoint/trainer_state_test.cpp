// trainer_state.json: exact round trips, and refusals that name file and field.
#include "trainer/checkpoint/trainer_state.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

TrainerState some_state() {
  TrainerState state;
  state.step = 123'456;
  state.earlier_updates = 789;
  state.epoch = std::numeric_limits<std::uint32_t>::max();
  state.next_sample = std::numeric_limits<std::uint64_t>::max();
  state.samples = (1ULL << 63) + 1;
  state.tokens = 9'007'199'254'740'993;  // no double holds it
  state.seed = 18'446'744'073'709'551'557ULL;
  state.loss_scale = 65536.1;
  state.loss_scale_good_steps = 1999;
  state.skipped_in_a_row = 3;
  state.skipped_steps = 44;
  state.line_sums = {7, {{"mlm_loss", 0.1 + 0.2}, {"accuracy", 0x1p-60}}};  // not by name
  state.validation_owed = true;
  state.began_from = "/run/checkpoints/step-00000005";
  state.corpus_digest = "abc";
  state.world_size = 7;
  state.options = {{"train.steps", "100"}, {"data.corpus", "a \"b\"\n\\ü"}, {"empty", ""}};
  return state;
}

TEST(TrainerState, ComesBackExactly) {
  for (const double scale : {65536.1, 1.0, 0x1.fffffffffffffp+1023, 1 + 0x1p-52, 16384.0}) {
    auto state = some_state();
    state.loss_scale = scale;
    EXPECT_EQ(trainer_state_from_json(trainer_state_to_json(state), "x"), state);
  }
  EXPECT_EQ(trainer_state_from_json(trainer_state_to_json({}), "x"), TrainerState{});
}

TEST(TrainerState, IsJsonThatOthersCanRead) {
  const auto json = Json::parse(trainer_state_to_json(some_state()));
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_EQ(json["step"], 123'456);
  EXPECT_EQ(json["tokens"], 9'007'199'254'740'993);
  EXPECT_EQ(json["options"]["train.steps"], "100");
  EXPECT_EQ(json["configuration_digest"].get<std::string>().size(), 64U);
}

TEST(TrainerState, SumsOfALineThatIsDueAreOptional) {
  EXPECT_EQ(trainer_state_to_json({}).find("line_sums"), std::string::npos);
  auto state = some_state();
  state.line_sums.scores[1].second = std::numeric_limits<double>::infinity();
  const auto back = trainer_state_from_json(trainer_state_to_json(state), "x").line_sums;
  EXPECT_EQ(back.steps, 7);
  EXPECT_EQ(back.scores[0], state.line_sums.scores[0]);
  EXPECT_TRUE(std::isnan(back.scores[1].second));
}

TEST(TrainerState, SurvivesOptionsThatAreNoUtf8) {
  TrainerState state;
  state.options["data.corpus"] = "corp\xffus";
  EXPECT_THAT(trainer_state_from_json(trainer_state_to_json(state), "x").options["data.corpus"],
              testing::StartsWith("corp"));
}

std::string refusal(const char* field, const Json& value) {
  auto json = Json::parse(trainer_state_to_json(some_state()));
  if (value.is_discarded()) {
    json.erase(field);
  } else {
    json[field] = value;
  }
  return error_of([&] { trainer_state_from_json(json.dump(), "run/trainer_state.json"); });
}

TEST(TrainerState, NamesTheFieldThatIsWrong) {
  const Json missing(Json::value_t::discarded);
  for (const char* field : {"format_version", "step", "epoch", "next_sample", "samples", "tokens",
                            "seed", "loss_scale", "loss_scale_good_steps", "skipped_in_a_row",
                            "skipped_steps", "corpus_digest", "world_size", "options"}) {
    EXPECT_EQ(refusal(field, missing),
              std::string("65 run/trainer_state.json: ") + field + " is missing");
    EXPECT_THAT(refusal(field, nullptr), HasSubstr(field));
  }
  EXPECT_THAT(refusal("step", -1), HasSubstr("step is not a whole number"));
  EXPECT_THAT(refusal("step", 1.5), HasSubstr("step is not a whole number"));
  EXPECT_THAT(refusal("step", 1ULL << 63), HasSubstr("step is too large"));
  EXPECT_THAT(refusal("epoch", 1LL << 32), HasSubstr("epoch is too large"));
  EXPECT_THAT(refusal("seed", "12"), HasSubstr("seed is not a whole number"));
  EXPECT_THAT(refusal("world_size", 0), HasSubstr("world_size"));
  EXPECT_THAT(refusal("loss_scale", 0.25), HasSubstr("loss_scale is below 1"));
  EXPECT_THAT(refusal("line_sums", 3), HasSubstr("line_sums is not an object"));
  EXPECT_THAT(refusal("line_sums", {{"steps", 3}}), HasSubstr("line_sums: scores is missing"));
  EXPECT_THAT(refusal("line_sums", {{"steps", 3}, {"scores", {{"loss", "x"}}}}),
              HasSubstr("line_sums: scores holds something that is no number"));
  EXPECT_THAT(refusal("options", Json::parse(R"({"a": 1})")), HasSubstr("options"));
  EXPECT_EQ(refusal("something_new", 1), "") << "unknown fields are nobody's fault";
}

TEST(TrainerState, RefusesNewerVersionsAndWhatIsNoState) {
  EXPECT_THAT(refusal("format_version", 2), HasSubstr("format_version 2 is newer than 1"));
  for (const char* text : {"", "[]", "1", "{", "\xff", "null"}) {
    EXPECT_THAT(error_of([&] { trainer_state_from_json(text, "f.json"); }),
                testing::StartsWith("65 f.json"))
        << text;
  }
}

}  // namespace
}  // namespace bertha
