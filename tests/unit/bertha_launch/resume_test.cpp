// What may change between a checkpoint and the run that goes on from it.
#include "launch/resume.h"

#include <gmock/gmock.h>

#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Resume : public OptionTest {
 protected:
  // Was trained with `before`, goes on with `now`; the error's text, or nothing.
  static std::string refusal(const std::vector<std::string>& before,
                             const std::vector<std::string>& now,
                             const std::string& corpus_digest = "digest") {
    TrainerState state;
    state.options = read(before).resolved;
    state.corpus_digest = "digest";
    testing::internal::CaptureStderr();
    std::string text;
    try {
      check_unchanged(state, read(now), corpus_digest);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      text = error.message() + " | " + error.remedy();
    }
    told_ = testing::internal::GetCapturedStderr();
    return text;
  }

  static inline std::string told_;  // on standard error
};

TEST_F(Resume, TheSameOptionsPassInSilence) {
  EXPECT_EQ(refusal({"--train.steps", "100"}, {"--train.steps", "100"}), "");
  EXPECT_EQ(told_, "");
}

TEST_F(Resume, WhatChangesTheTrainingIsRefusedByName) {
  const std::pair<const char*, const char*> changes[] = {{"optimizer.learning_rate", "0.5"},
                                                         {"optimizer.name", "lamb"},
                                                         {"schedule.name", "cosine"},
                                                         {"schedule.decay_from", "start"},
                                                         {"data.sequence_length", "64"},
                                                         {"data.next_sentence", "false"},
                                                         {"masking.probability", "0.2"},
                                                         {"model.size", "tiny"},
                                                         {"model.hidden_dropout", "0.3"},
                                                         {"train.global_batch", "7"},
                                                         {"train.seed", "9"},
                                                         {"train.precision", "fp16"}};
  for (const auto& [name, value] : changes) {
    const std::string option = std::string("--") + name;
    EXPECT_THAT(
        refusal({}, {option, value}),
        AllOf(HasSubstr(std::string(name) + " was '"),
              HasSubstr("is now '" + std::string(value) + "'"), HasSubstr("resume_changed")))
        << name;
    EXPECT_EQ(refusal({}, {option, value, "--train.resume_changed", "true"}), "") << name;
    EXPECT_THAT(told_, AllOf(HasSubstr("warning"), HasSubstr(name)));
  }
}

TEST_F(Resume, WhatDoesNotChangeTheTrainingIsFree) {
  EXPECT_EQ(refusal({}, {"--data.workers", "4", "--data.verify", "full", "--train.threads", "3",
                         "--train.save_every", "5", "--train.micro_batch_tokens", "77",
                         "--parallel.shard_optimizer", "true", "--data.corpus", "moved",
                         "--train.stop_after_steps", "2", "--metrics.progress", "false"}),
            "");
}

// How tokens are cut into micro-batches, and which path computes, decide in which order is added.
TEST_F(Resume, WhatChangesTheBitsIsRefusedWhereTheyArePromised) {
  const std::vector<std::string> promised{"--train.deterministic", "true"};
  const std::pair<const char*, const char*> changes[] = {{"train.micro_batch_tokens", "77"},
                                                         {"model.implementation", "reference"}};
  for (const auto& [name, value] : changes) {
    const std::vector<std::string> change{std::string("--") + name, value};
    EXPECT_EQ(refusal({}, change), "") << name;
    auto now = promised;
    now.insert(now.end(), change.begin(), change.end());
    EXPECT_THAT(refusal(promised, now), AllOf(HasSubstr(std::string(name) + " was '"),
                                              HasSubstr("is now '" + std::string(value) + "'"),
                                              HasSubstr("resume_changed")));
    now.insert(now.end(), {"--train.resume_changed", "true"});
    EXPECT_EQ(refusal(promised, now), "") << name;
    EXPECT_THAT(told_, HasSubstr(name));
  }
  EXPECT_EQ(
      refusal(promised, {"--train.deterministic", "true", "--train.threads", "3",
                         "--parallel.shard_optimizer", "true", "--model.recompute", "layers"}),
      "");
}

TEST_F(Resume, OptionsOfFineTuningAreGuardedToo) {
  const std::pair<const char*, const char*> changes[] = {
      {"task.name", "regression"},   {"task.batch_size", "8"},
      {"task.max_length", "64"},     {"task.label_column", "stars"},
      {"task.test_fraction", "0.2"}, {"task.class_weights", "balanced"},
      {"task.layer_decay", "0.9"},   {"task.freeze_layers", "2"},
      {"task.metric", "f1"}};
  const std::string train = "--task.train";
  for (const auto& [name, value] : changes) {
    const std::string option = std::string("--") + name;
    EXPECT_THAT(refusal({}, {train, "t.tsv", option, value}),
                AllOf(HasSubstr(std::string(name) + " was '"), HasSubstr("resume_changed")));
    EXPECT_EQ(refusal({}, {train, "t.tsv", option, value, "--train.resume_changed", "true"}), "")
        << name;
    EXPECT_EQ(refusal({}, {option, value}), "") << name;  // pretraining does not look at them
  }
  EXPECT_EQ(refusal({train, "t.tsv"}, {train, "moved.tsv", "--task.patience", "3", "--task.seeds",
                                       "4", "--task.split_seed", "9"}),
            "");
  EXPECT_EQ(refusal({"--task.epochs", "2"}, {train, "t.tsv", "--task.epochs", "3"}), "");
  EXPECT_THAT(refusal({"--task.epochs", "2"}, {train, "t.tsv", "--task.epochs", "1"}),
              HasSubstr("task.epochs was 2"));
  EXPECT_THAT(refusal({}, {train, "t.tsv"}, "another"), HasSubstr("the examples"));
}

TEST_F(Resume, LongerIsLoggedAndShorterRefused) {
  EXPECT_EQ(refusal({"--train.steps", "100"}, {"--train.steps", "200"}), "");
  EXPECT_THAT(told_, HasSubstr("train.steps was 100, is now 200"));
  EXPECT_THAT(refusal({"--train.steps", "100"}, {"--train.steps", "99"}),
              AllOf(HasSubstr("train.steps was 100"), HasSubstr("stop_after_steps")));
  EXPECT_EQ(
      refusal({"--train.steps", "100"}, {"--train.steps", "99", "--train.resume_changed", "true"}),
      "");
  EXPECT_EQ(refusal({"--train.epochs", "1.5"}, {"--train.epochs", "2.5"}), "");
}

TEST_F(Resume, AnotherCorpusIsRefusedUnlessAllowed) {
  EXPECT_THAT(refusal({}, {}, "another"), HasSubstr("data.corpus"));
  EXPECT_EQ(refusal({}, {"--train.resume_changed", "true"}, "another"), "");
  EXPECT_EQ(refusal({}, {}, ""), "");  // fine-tuning has none
}

TEST_F(Resume, OptionsThatAreNewSinceTheCheckpointPass) {
  const TrainerState state;  // of a version that stored no options
  EXPECT_NO_THROW(check_unchanged(state, read({"--train.seed", "5"}), ""));
}

TEST_F(Resume, AnotherModelIsRefusedByWhatDiffers) {
  const auto refused = [](const BertConfig& now, bool may_change) {
    try {
      check_same_model({}, now, may_change);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(refused({}, false), "");
  BertConfig other;
  other.layers = 6;
  EXPECT_EQ(refused(other, false), "resume: the model's layers was 12 and is now 6");
  EXPECT_EQ(refused(other, true), refused(other, false));  // no option makes that work
  other = {};
  other.attention_heads = 6;  // no weight has another shape for it
  EXPECT_THAT(refused(other, true), HasSubstr("attention_heads was 12 and is now 6"));
  other = {};
  other.activation = "relu";
  EXPECT_THAT(refused(other, true), HasSubstr("activation was gelu and is now relu"));
  other = {};
  other.hidden_dropout = 0.25;
  EXPECT_THAT(refused(other, false), HasSubstr("hidden_dropout was 0.1 and is now 0.25"));
  EXPECT_EQ(check_same_model({}, other, true).size(), 1U);
}

TEST_F(Resume, WhatChangedIsReturnedForTheRecords) {
  TrainerState state;
  state.options = read({"--train.steps", "100"}).resolved;
  state.corpus_digest = "digest";
  const auto changes = check_unchanged(
      state, read({"--train.steps", "200", "--train.seed", "5", "--train.resume_changed", "true"}),
      "another");
  EXPECT_THAT(changes, testing::UnorderedElementsAre("train.steps was 100, is now 200",
                                                     HasSubstr("train.seed was '1'"),
                                                     HasSubstr("another corpus")));
}

TEST_F(Resume, ARunWithoutCheckpointsStartsFresh) {
  TrainOptions options;
  options.output = folder_ / "run";
  EXPECT_EQ(find_resume_point(options), std::nullopt);
  const auto checkpoint = options.output / "checkpoints" / "step-00000005";
  std::filesystem::create_directories(checkpoint);
  EXPECT_EQ(find_resume_point(options), std::nullopt);  // an empty folder is nothing
  // A run that has a checkpoint, but no whole one, must not begin anew in silence.
  std::ofstream(checkpoint / "model.safetensors") << "x";
  EXPECT_THROW(find_resume_point(options), Error);
  options.resume = "never";
  EXPECT_EQ(find_resume_point(options), std::nullopt);
}

TEST_F(Resume, ANamedCheckpointMustBeThereAndComplete) {
  TrainOptions options;
  options.output = folder_ / "run";
  options.resume = (folder_ / "other").string();
  std::filesystem::create_directories(folder_ / "other" / "checkpoints");
  try {
    find_resume_point(options);
    FAIL() << "a run folder without checkpoints";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  }
  options.resume = (folder_ / "missing").string();
  EXPECT_THROW(find_resume_point(options), Error);
}

}  // namespace
}  // namespace bertha
