// README.md of models: numbers come from the state, the corpus and metrics.jsonl as they are.
#include "launch/model_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/staged_output.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/trainer_state.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kConfig =
    R"({"architectures": ["BertForPreTraining"], "model_type": "bert", "vocab_size": 30522,
        "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 512, "max_position_embeddings": 512})";

class ModelCard : public ::testing::Test {
 protected:
  std::filesystem::path checkpoint(const std::string& metrics) const {
    TrainerState state;
    state.step = 20;
    state.samples = 160;
    state.tokens = 5000;
    state.corpus_digest = "abc123";
    state.options = {{"data.corpus", "no/such/corpus"},
                     {"finetune.progress", "{}"},
                     {"masking.strategy", ""},
                     {"input.paths", "a|b\nc"}};
    folder_.put("run/metrics.jsonl", metrics);
    folder_.put("run/checkpoints/step-00000020/config.json", kConfig);
    return folder_
        .put("run/checkpoints/step-00000020/trainer_state.json", trainer_state_to_json(state))
        .parent_path();
  }

  ScratchFolder folder_;
};

// Step 20 was trained twice: after a resume the newer line counts. Step 30 is not this
// checkpoint's.
TEST_F(ModelCard, OfPretrainingTellsStepsDataAndLosses) {
  const auto text = pretraining_card(checkpoint(R"({"event": "start", "step": 0}
{"event": "train", "step": 20, "time": 1, "loss": 9.5, "mlm_loss": 9, "learning_rate": 1}
{"event": "resume", "step": 10, "time": 1}
{"event": "train", "step": 20, "time": 2, "loss": 8.25, "mlm_loss": 7.75, "learning_rate": 1}
{"event": "validation", "step": 20, "time": 2, "loss": 8.5, "mlm_accuracy": 0.125}
{"event": "train", "step": 30, "time": 3, "loss": 1}
{"event": "tr)"));
  EXPECT_THAT(text, AllOf(HasSubstr("20 steps, 160 sequences, 5000 tokens"),
                          HasSubstr("2 layers, hidden size 128"),
                          HasSubstr("`no/such/corpus`, digest abc123"),
                          HasSubstr("| | step | loss | mlm_loss | mlm_accuracy |\n"),
                          HasSubstr("| train | 20 | 8.2500 | 7.7500 | |\n"),
                          HasSubstr("| validation | 20 | 8.5000 | | 0.1250 |\n")));
  EXPECT_THAT(text,
              AllOf(HasSubstr("| input.paths | a\\|b c |"), Not(HasSubstr("finetune.progress")),
                    Not(HasSubstr("masking.strategy")), HasSubstr("pipeline_tag: fill-mask")));
}

TEST_F(ModelCard, OfAFolderWithoutAStateTellsTheShapeOnly) {
  const auto path = folder_.put("model/config.json", kConfig).parent_path();
  EXPECT_THAT(pretraining_card(path),
              AllOf(HasSubstr("30522 tokens in the vocabulary"), Not(HasSubstr("## Training"))));
}

TEST_F(ModelCard, OfFineTuningTellsEveryEpochAndTheTest) {
  RunConfig config;
  config.task.name = "classification";
  config.task.train = "train.tsv";
  config.resolved = {{"task.epochs", "2"}};
  TaskData data;
  data.train.rows = 80;
  data.validation.rows = 10;
  data.test.rows = 11;
  FinetuneProgress progress;
  progress.validations = {{{"loss", 0.5}, {"accuracy", 0.75}}, {{"loss", 0.6}, {"accuracy", 0.7}}};
  progress.best_epoch = 1;
  const auto before = finetuning_card({config, "start", data, progress, {}});
  EXPECT_THAT(
      before,
      AllOf(HasSubstr("epoch 1 of 2 was the best"), HasSubstr("from the weights of `start`"),
            HasSubstr("80 examples to train, 10 to choose the epoch, 11 to test"),
            HasSubstr("| validation | 2 | 0.6000 | 0.7000 |"), Not(HasSubstr("| test |"))));
  const auto after = finetuning_card({config, "start", data, progress, {{"accuracy", 0.8}}});
  EXPECT_THAT(after, AllOf(HasSubstr("| test | 1 | | 0.8000 |"), HasSubstr("| task.epochs | 2 |")));
}

}  // namespace
}  // namespace bertha
