// Options: one name everywhere, defaults then INI files then the command line, no guessing.
#include "launch/options.h"

#include <algorithm>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "launch/option_ranges.h"
#include "launch/option_table.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Options = OptionTest;

TEST_F(Options, DefaultsAreTheReferenceRecipes) {
  const auto config = read({});
  EXPECT_EQ(config.data.sequence_length, 128);
  EXPECT_EQ(config.data.masking.probability, 0.15);
  EXPECT_EQ(config.data.masking.mask_fraction, 0.8);
  EXPECT_EQ(config.data.masking.random_fraction, 0.1);
  EXPECT_EQ(config.trainer.optimizer.beta1, 0.9);
  EXPECT_EQ(config.trainer.optimizer.beta2, 0.999);
  // Devlin et al. 2019, appendix A.3, and BERT's own fine-tuning script.
  const auto finetune = read({}, "finetune");
  EXPECT_EQ(finetune.trainer.learning_rate, 5e-5);
  EXPECT_EQ(finetune.trainer.schedule.warmup_fraction, 0.1);
  EXPECT_EQ(finetune.task.batch_size, 32);
  EXPECT_EQ(finetune.task.epochs, 3);
}

TEST_F(Options, TakesEveryKindOfValueFromTheCommandLine) {
  const auto config =
      read({"--input.paths", "a b", "c", "--train.steps", "1e3", "--optimizer.learning_rate=6e-3",
            "--data.next_sentence", "false", "--schedule.warmup_steps", "-1", "--train.precision",
            "bf16", "--model.hidden_dropout", "0", "--train.seed", "18446744073709551615"});
  EXPECT_THAT(config.input.paths, ElementsAre("a b", "c"));
  EXPECT_EQ(config.trainer.train.steps, 1000);
  EXPECT_EQ(config.trainer.learning_rate, 6e-3);
  EXPECT_FALSE(config.data.next_sentence);
  EXPECT_EQ(config.trainer.schedule.warmup_steps, -1);
  EXPECT_EQ(config.trainer.train.precision, Precision::bf16);
  EXPECT_EQ(config.trainer.model.hidden_dropout, 0.0);
  EXPECT_EQ(config.trainer.train.seed, 18446744073709551615ULL);
  EXPECT_TRUE(config.was_given("train.steps"));
  EXPECT_FALSE(config.was_given("train.epochs"));
}

TEST_F(Options, RefusesNumbersThatCannotBe) {
  const std::pair<const char*, const char*> bad[] = {{"masking.probability", "2"},
                                                     {"masking.probability", "-0.5"},
                                                     {"masking.max_predictions", "-1"},
                                                     {"data.short_sequence_probability", "7"},
                                                     {"data.workers", "-3"},
                                                     {"train.threads", "-2"},
                                                     {"train.log_every", "-1"},
                                                     {"train.keep_last", "-4"},
                                                     {"optimizer.learning_rate", "nan"},
                                                     {"optimizer.learning_rate", "inf"},
                                                     {"optimizer.beta1", "1"},
                                                     {"schedule.warmup_steps", "-2"},
                                                     {"parallel.timeout_seconds", "-1"}};
  for (const auto& [name, value] : bad) {
    EXPECT_THAT(usage_error({std::string("--") + name, value}),
                AllOf(HasSubstr(name), HasSubstr(value), HasSubstr("expected")))
        << name;
  }
  EXPECT_THAT(usage_error({"--masking.mask_fraction", "0.9", "--masking.random_fraction", "0.9"}),
              HasSubstr("more than all predictions"));
  const auto config = read({"--masking.mask_fraction", "0.9", "--masking.random_fraction", "0.1"});
  EXPECT_EQ(config.data.masking.mask_fraction, 0.9);
}

TEST_F(Options, RangesNameKnownOptionsAndHoldTheDefaults) {
  const auto defaults = default_config("");
  const auto& table = option_table();
  for (const auto& [name, range] : option_ranges()) {
    const auto option = std::ranges::find(table, name, &OptionDeclaration::name);
    ASSERT_NE(option, table.end()) << name;
    const auto text = option->text(defaults);
    if (text.empty()) continue;
    EXPECT_TRUE(range.holds(std::stod(text))) << name;
  }
}

TEST_F(Options, RefusesWordsThatNoCommandAskedFor) {
  EXPECT_THAT(usage_error({"stray"}, "vocab"), HasSubstr("vocab takes no 'stray'"));
  EXPECT_THAT(usage_error({"-vocab.size", "300"}, "vocab"),
              AllOf(HasSubstr("unknown option vocab.size"), HasSubstr("vocab.size")));
  EXPECT_THAT(usage_error({"---"}, "pretrain"), HasSubstr("unknown option"));
  EXPECT_THAT(read({"a", "b"}, "report").arguments, ElementsAre("a", "b"));
}

TEST_F(Options, ALineOfAFileMayNameSeveralPaths) {
  const auto file = ini("paths.ini", "[input]\npaths = a.txt  b.txt\npaths = \"c d.txt\"\n");
  EXPECT_THAT(read({"--config", file}).input.paths, ElementsAre("a.txt", "b.txt", "c d.txt"));
  const auto again = ini("again.ini", resolved_ini(read({"--config", file})));
  EXPECT_THAT(read({"--config", again}).input.paths, ElementsAre("a.txt", "b.txt", "c d.txt"));
}

TEST_F(Options, TheCommandLineWinsWhereverTheFileIsNamed) {
  const auto file = ini("a.ini", "[train]\nsteps = 5\nseed = 7\n");
  for (const auto& arguments : {std::vector<std::string>{"--train.steps", "9", "--config", file},
                                std::vector<std::string>{"--config", file, "--train.steps", "9"}}) {
    const auto config = read(arguments);
    EXPECT_EQ(config.trainer.train.steps, 9);
    EXPECT_EQ(config.trainer.train.seed, 7U);
  }
}

TEST_F(Options, AnIncludingFileWinsOverItsParentsWhereverTheIncludeStands) {
  ini("parents/grand.ini", "[train]\nsteps = 1\nseed = 1\nlog_every = 1\n");
  ini("parents/parent.ini", "include = grand.ini\n[train]\nsteps = 2\nseed = 2\n");
  const auto file = ini("child.ini", "include = parents/parent.ini\n[train]\nsteps = 3\n");
  const auto& train = read({"--config", file}).trainer.train;
  EXPECT_EQ(train.steps, 3);
  EXPECT_EQ(train.seed, 2U);
  EXPECT_EQ(train.log_every, 1);
}

TEST_F(Options, ALaterFileWinsOverAnEarlierOne) {
  const auto first = ini("first.ini", "[train]\nsteps = 1\nseed = 1\n");
  const auto second = ini("second.ini", "[train]\nsteps = 2\n");
  const auto& train = read({"--config", first, "--config", second}).trainer.train;
  EXPECT_EQ(train.steps, 2);
  EXPECT_EQ(train.seed, 1U);
}

TEST_F(Options, TwoParentsMayShareOneButNoFileIncludesItself) {
  ini("base.ini", "[train]\nseed = 4\n");
  ini("a.ini", "include = base.ini\n");
  ini("b.ini", "include = base.ini\n");
  const auto both = ini("both.ini", "include = a.ini\ninclude = b.ini\n");
  EXPECT_EQ(read({"--config", both}).trainer.train.seed, 4U);
  ini("loop1.ini", "include = loop2.ini\n");
  const auto loop = ini("loop2.ini", "include = loop1.ini\n");
  EXPECT_THAT(usage_error({"--config", loop}), HasSubstr("includes itself"));
}

TEST_F(Options, ListsOfTheLastSourceReplaceEarlierOnes) {
  const auto file = ini("a.ini", "[input]\npaths = one\npaths = two\n");
  EXPECT_THAT(read({"--config", file}, "vocab").input.paths, ElementsAre("one", "two"));
  EXPECT_THAT(read({"--config", file, "--input.paths", "x"}, "vocab").input.paths,
              ElementsAre("x"));
}

TEST_F(Options, UnknownNamesSuggestTheNearest) {
  EXPECT_THAT(usage_error({"--train.stepz", "5"}),
              AllOf(HasSubstr("unknown option train.stepz (command line)"),
                    HasSubstr("nearest known one is train.steps")));
  EXPECT_THAT(usage_error({"--optimiser.learning_rat", "1"}),
              HasSubstr("nearest known one is optimizer.learning_rate"));
  EXPECT_THAT(usage_error({"--confg", "x"}), HasSubstr("nearest known one is config"));
  // No abbreviations: a name that is new tomorrow must not change what a script means today.
  EXPECT_THAT(usage_error({"--train.step", "5"}), HasSubstr("unknown option train.step"));
  EXPECT_THAT(usage_error({}, "pretrian"), AllOf(HasSubstr("unknown command pretrian"),
                                                 HasSubstr("nearest known one is pretrain")));
}

TEST_F(Options, ErrorsInFilesNameFileAndLine) {
  const auto unknown = ini("bad.ini", "[train]\nsteps = 5\nlerning_rate = 1\n");
  EXPECT_THAT(usage_error({"--config", unknown}),
              AllOf(HasSubstr("train.lerning_rate"), HasSubstr("bad.ini:3")));
  const auto malformed = ini("bad2.ini", "[optimizer]\n\nlearning_rate = fast\n");
  EXPECT_THAT(usage_error({"--config", malformed}),
              AllOf(HasSubstr("optimizer.learning_rate = 'fast'"), HasSubstr("bad2.ini:3"),
                    HasSubstr("expected a number")));
  const auto broken = ini("bad3.ini", "[train]\nthis is no setting\n");
  EXPECT_THAT(usage_error({"--config", broken}), HasSubstr("bad3.ini"));
  ini("child.ini", "[train]\nsteps = x\n");
  const auto parent = ini("parent.ini", "include = child.ini\n");
  EXPECT_THAT(usage_error({"--config", parent}), HasSubstr("child.ini:2"));
}

TEST_F(Options, AMissingFileIsAnIoError) {
  const auto includes_missing = ini("a.ini", "include = missing.ini\n");
  for (const auto& path : {(folder_ / "missing.ini").string(), includes_missing}) {
    try {
      read({"--config", path});
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.message(), HasSubstr("missing.ini"));
    }
  }
}

TEST_F(Options, AValueIsNeededAndOneIsEnough) {
  EXPECT_THAT(usage_error({"--train.steps"}), HasSubstr("train.steps"));
  EXPECT_THAT(usage_error({"--train.steps", "many"}), HasSubstr("train.steps = 'many'"));
  EXPECT_THAT(usage_error({"--train.device", "gpu"}), HasSubstr("one of auto, cpu, cuda"));
}

TEST_F(Options, ArgumentsAndFlagsAreKept) {
  const auto config = read({"run/a", "--json", "run/b"}, "report");
  EXPECT_THAT(config.arguments, ElementsAre("run/a", "run/b"));
  EXPECT_TRUE(config.json);
}

TEST_F(Options, StripAccentsFollowsLowerCaseUnlessSaid) {
  EXPECT_TRUE(read({"--tokenizer.lower_case", "true"}).tokenizer.strip_accents);
  EXPECT_FALSE(read({"--tokenizer.lower_case", "false"}).tokenizer.strip_accents);
  EXPECT_TRUE(read({"--tokenizer.lower_case", "false", "--tokenizer.strip_accents", "true"})
                  .tokenizer.strip_accents);
}

TEST_F(Options, ResolvedOptionsRepeatTheRun) {
  const auto first =
      read({"--input.paths", "with space", "b*", "--optimizer.learning_rate", "0.1",
            "--optimizer.epsilon", "1e-6", "--train.steps", "123", "--model.layers", "3",
            "--tokenizer.lower_case", "false", "--data.corpus", "/a/b", "--schedule.power", "0.5"});
  const auto file = folder_ / "resolved.ini";
  write_file(file, resolved_ini(first));
  const auto again = read({"--config", file.string()});
  EXPECT_EQ(again.resolved, first.resolved);
  EXPECT_EQ(resolved_ini(again), resolved_ini(first));
  EXPECT_EQ(again.trainer.learning_rate, 0.1);
  EXPECT_THAT(again.input.paths, ElementsAre("with space", "b*"));
}

TEST_F(Options, ResolvedOptionsNameEveryOptionThatHasAValue) {
  const auto config = read({});
  EXPECT_EQ(config.resolved.size(), option_table().size());
  const auto text = resolved_ini(config);
  for (const auto& declaration : option_table()) {
    const auto value = config.resolved.at(declaration.name);
    if (value.empty()) continue;
    EXPECT_THAT(text, HasSubstr("\n" + declaration.key() + " = " + value));
  }
}

}  // namespace
}  // namespace bertha
