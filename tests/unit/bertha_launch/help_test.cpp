// Help comes from the declarations: complete, each option once, with its default.
#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/machine_text.h"
#include "launch/option_pages.h"
#include "launch/option_table.h"
#include "launch/options.h"
#include "parallel/base/error.h"
#include "trainer/model/bert_config.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string help_of(const std::string& command) {
  std::ostringstream out;
  print_help(out, command);
  return out.str();
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Help, EveryDeclarationIsCompleteAndUnique) {
  std::set<std::string> names;
  for (const auto& declaration : option_table()) {
    EXPECT_TRUE(names.insert(declaration.name).second) << declaration.name << " twice";
    EXPECT_EQ(declaration.section() + "." + declaration.key(), declaration.name);
    EXPECT_FALSE(declaration.value_name.empty()) << declaration.name;
    EXPECT_TRUE(declaration.help.ends_with(".")) << declaration.name;
  }
}

TEST(Help, EverySectionBelongsToSomeCommand) {
  std::set<std::string> read;
  for (const auto& command : command_table()) {
    read.insert(command.sections.begin(), command.sections.end());
  }
  for (const auto& declaration : option_table()) {
    EXPECT_TRUE(read.contains(declaration.section())) << declaration.name;
  }
}

TEST(Help, ACommandsHelpNamesEachOfItsOptionsOnceAndNoOther) {
  for (const auto& command : command_table()) {
    if (command.name == "help") continue;
    const auto whole = help_of(command.name);
    auto left = command.options;
    const auto text = whole.substr(0, whole.find("For example:"));
    std::set<std::string> read(command.sections.begin(), command.sections.end());
    read.insert(command.options.begin(), command.options.end());
    for (const auto& declaration : option_table()) {
      const bool reads = read.contains(declaration.section()) || read.contains(declaration.name);
      EXPECT_EQ(count_of(text, "--" + declaration.name + " "), reads ? 1U : 0U)
          << command.name << ", " << declaration.name;
      std::erase(left, declaration.name);
    }
    EXPECT_THAT(left, ::testing::IsEmpty()) << command.name << " reads what is no option";
  }
}

TEST(Help, PrepareAndVocabReadTheDeadlineOfOtherCommandsToo) {
  for (const char* command : {"prepare", "vocab"}) {
    EXPECT_THAT(help_of(command), HasSubstr("--parallel.timeout_seconds")) << command;
    EXPECT_EQ(count_of(help_of(command), "--parallel.backend"), 0U) << command;
  }
  EXPECT_THAT(help_of("parallel.timeout_seconds"),
              HasSubstr("read by       vocab, prepare, pretrain"));
}

TEST(Help, ShowsDefaults) {
  const auto text = help_of("pretrain");
  EXPECT_THAT(text, AllOf(HasSubstr("[0.15]"), HasSubstr("[adamw]"), HasSubstr("[8192]")));
}

TEST(Help, TheOverviewNamesEveryCommandAndExitCode) {
  const auto text = help_of("");
  for (const auto& name : command_names()) EXPECT_THAT(text, HasSubstr("\n  " + name + " "));
  for (const char* code : {"64", "65", "70", "74", "75", "76"}) EXPECT_THAT(text, HasSubstr(code));
}

TEST(Help, TheContractsNamesExist) {
  std::set<std::string> names;
  for (const auto& declaration : option_table()) names.insert(declaration.name);
  for (const char* name :
       {"input.paths", "input.format", "input.text_field", "tokenizer.vocab", "vocab.size",
        "prepare.shard_tokens", "data.verify", "masking.max_predictions", "model.implementation",
        "train.stop_after_steps", "train.keep_every", "optimizer.clip_norm", "schedule.end_rate",
        "parallel.timeout_seconds", "task.output_file", "metrics.progress"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Help, AnUnknownTopicIsAUsageErrorThatNamesTheNearest) {
  for (const auto& [topic, nearest] :
       {std::pair("pretrian", "pretrain"),
        std::pair("train.micro_batch_token", "micro_batch_tokens")}) {
    try {
      help_of(topic);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_THAT(error.remedy(), HasSubstr(nearest));
    }
  }
}

TEST(Help, AnOptionsPageTellsWhatItTakesItsDefaultsAndBothWaysToWriteIt) {
  EXPECT_EQ(help_of("optimizer.learning_rate"),
            "optimizer.learning_rate\n"
            "  Peak learning rate.\n"
            "  takes         a number, at least 0\n"
            "  default       0.0001 (finetune: 5e-05)\n"
            "  read by       pretrain, finetune, evaluate, plan\n"
            "  command line  --optimizer.learning_rate 0.0001\n"
            "  INI file      [optimizer] learning_rate = 0.0001\n");
  EXPECT_EQ(help_of("--train.steps"), help_of("train.steps"));
  EXPECT_THAT(help_of("train.steps"), HasSubstr("a whole number, at least 0"));
  EXPECT_THAT(help_of("train.precision"), HasSubstr("one of auto, fp32, bf16, fp16"));
}

TEST(Help, OptionsPrintsThePageOfEveryOption) {
  const auto text = help_of("options");
  for (const auto& option : option_table()) {
    EXPECT_EQ(count_of(text, "\n  command line  --" + option.name + " "), 1U) << option.name;
  }
}

TEST(Help, ASectionsNamePrintsItsOptionsOnly) {
  const auto text = help_of("schedule");
  EXPECT_THAT(text, HasSubstr("schedule.power\n"));
  EXPECT_EQ(count_of(text, "optimizer."), 0U);
}

// The words that help and completion offer come from the parsers, or, where a text is checked only
// when it is used, from the help. Those must be taken.
TEST(Help, WordsThatAreOfferedAreTaken) {
  const std::set<std::string> with_words{"model.size",  "task.name",     "input.format",
                                         "task.header", "schedule.name", "masking.strategy"};
  for (const auto& option : option_table()) {
    const auto words = option_choices(option);
    EXPECT_EQ(words.empty() && with_words.contains(option.name), false) << option.name;
    for (const auto& word : words) {
      RunConfig config;
      EXPECT_NO_THROW(option.set(word, config)) << option.name << " " << word;
      if (option.name == "model.size") {
        EXPECT_NO_THROW(bert_preset(word)) << word;
      } else if (option.name == "task.name") {
        EXPECT_NO_THROW(find_task(word)) << word;
      }
    }
  }
}

TEST(Help, EveryTaskOfTheTableIsOffered) {
  for (const auto& option : option_table()) {
    if (option.name != "task.name") continue;
    const auto words = option_choices(option);
    ASSERT_EQ(words.size(), labelled_tasks().size());
    for (const auto& task : labelled_tasks()) {
      EXPECT_THAT(words, ::testing::Contains(task.name));
    }
  }
}

// An example has the command, and no option that it does not read.
TEST(Help, EveryCommandHasAnExample) {
  for (const auto& command : command_table()) {
    EXPECT_THAT(help_of(command.name == "help" ? "vocab" : command.name),
                HasSubstr("For example:"));
    EXPECT_THAT(command.example, HasSubstr("bertha " + command.name));
    std::istringstream words(command.example);
    for (std::string word; words >> word;) {
      if (!word.starts_with("--") || word == "--config" || word == "--samples") continue;
      const auto& table = option_table();
      const auto found = std::find_if(table.begin(), table.end(), [&](const auto& option) {
        return "--" + option.name == word;
      });
      ASSERT_NE(found, table.end()) << word;
      EXPECT_TRUE(reads_option(command, *found)) << word;
    }
  }
}

TEST(Help, TheMachineIsNamed) {
  for (const char* name : {"system ", "processor ", "memory "}) {
    EXPECT_THAT(machine_text(), HasSubstr(name));
  }
}

TEST(Help, TheVersionNamesTheLibraries) {
  std::ostringstream out;
  print_version(out);
  for (const char* name :
       {"bertha ", "LibTorch 2", "NCCL ", "MPI ", "HDF5 1", "compiler ", "cpu"}) {
    EXPECT_THAT(out.str(), HasSubstr(name));
  }
}

}  // namespace
}  // namespace bertha
