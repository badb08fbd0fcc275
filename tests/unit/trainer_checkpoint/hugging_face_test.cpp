// Model folders of others: names, shards, copies, and folders that hold no model.
#include "trainer/checkpoint/hugging_face.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/weight_names.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(WeightNames, BecomeOurs) {
  const std::map<std::string, std::string> table{
      {"embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight"},
      {"encoder.layer.3.attention.self.key.bias", "bert.encoder.layer.3.attention.self.key.bias"},
      {"pooler.dense.weight", "bert.pooler.dense.weight"},
      {"bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"},
      {"encoder.layer.0.output.LayerNorm.beta", "bert.encoder.layer.0.output.LayerNorm.bias"},
      {"cls.predictions.transform.LayerNorm.gamma", "cls.predictions.transform.LayerNorm.weight"},
      {"bert.encoder.layer.1.intermediate.dense_act.weight",
       "bert.encoder.layer.1.intermediate.dense.weight"},
      {"bert.pooler.dense_act.bias", "bert.pooler.dense.bias"},
      {"cls.predictions.transform.dense_act.weight", "cls.predictions.transform.dense.weight"},
      {"cls.predictions.bias", "cls.predictions.bias"},
      {"cls.seq_relationship.weight", "cls.seq_relationship.weight"},
      {"classifier.weight", "classifier.weight"},
      {"qa_outputs.bias", "qa_outputs.bias"},
      {"bert.pooler.dense.bias", "bert.pooler.dense.bias"},
      {"gamma", "gamma"}};
  for (const auto& [theirs, ours] : table) EXPECT_EQ(our_weight_name(theirs), ours);
  EXPECT_EQ(our_weight_name("embeddings.position_ids"), std::nullopt);
  EXPECT_EQ(our_weight_name("bert.embeddings.position_ids"), std::nullopt);
  EXPECT_EQ(our_weight_name("bert.embeddings.token_type_ids"), std::nullopt);
  const std::vector<std::string> names{"embeddings.position_ids", "pooler.dense_act.bias",
                                       "cls.predictions.decoder.bias", "cls.predictions.bias",
                                       "cls.predictions.decoder.weight"};
  EXPECT_THAT(with_our_names(names), ElementsAre("bert.embeddings.word_embeddings.weight",
                                                 "bert.pooler.dense.bias", "cls.predictions.bias"));
}

std::vector<std::string> names_of(const std::vector<NamedTensor>& weights) {
  std::vector<std::string> names;
  for (const auto& weight : weights) names.push_back(weight.name);
  return names;
}

TEST(WeightNames, DropTheTiedDecoder) {
  const auto words = at::randn({5, 3}), bias = at::randn({5});
  const std::vector<NamedTensor> tied{{"bert.embeddings.word_embeddings.weight", words},
                                      {"cls.predictions.bias", bias},
                                      {"cls.predictions.decoder.weight", words.clone()},
                                      {"cls.predictions.decoder.bias", bias.clone()}};
  ::testing::internal::CaptureStderr();
  const auto ours = with_our_names(tied, "x");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(names_of(ours),
              ElementsAre("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"));
}

TEST(WeightNames, WarnAboutAnUntiedDecoder) {
  const std::vector<NamedTensor> untied{{"embeddings.word_embeddings.weight", at::ones({5, 3})},
                                        {"cls.predictions.decoder.weight", at::zeros({5, 3})}};
  ::testing::internal::CaptureStderr();
  const auto ours = with_our_names(untied, "folder/model.safetensors");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::AllOf(HasSubstr("folder/model.safetensors"), HasSubstr("untied decoder")));
  ASSERT_EQ(ours.size(), 1U);
  EXPECT_TRUE(ours[0].tensor.eq(1).all().item<bool>());
}

// Transformers keeps one of two shared tensors, and which one has changed over its versions.
TEST(WeightNames, TakeTheCopyWhereTheOriginalIsMissing) {
  const auto ours = with_our_names({{"cls.predictions.decoder.weight", at::ones({5, 3})},
                                    {"cls.predictions.decoder.bias", at::ones({5})}},
                                   "x");
  EXPECT_THAT(names_of(ours),
              ElementsAre("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"));
}

TEST(WeightNames, RefuseTwoThatMeanOne) {
  EXPECT_THAT(
      error_of([] {
        with_our_names(
            {{"pooler.dense.bias", at::ones({1})}, {"bert.pooler.dense.bias", at::ones({1})}}, "x");
      }),
      HasSubstr("two weights that mean bert.pooler.dense.bias"));
}

const std::vector<NamedTensor> kBase{{"embeddings.position_ids", at::arange(4)},
                                     {"embeddings.word_embeddings.weight", at::ones({5, 3})},
                                     {"encoder.layer.0.output.LayerNorm.gamma", at::ones({3})},
                                     {"pooler.dense.bias", at::zeros({3})}};

TEST(ModelFolder, IsReadFromOneFileOrSeveral) {
  const ScratchFolder folder;
  folder.put("one/config.json", "{}");
  write_safetensors(folder / "one" / "model.safetensors", kBase, {{"format", "pt"}});
  const auto whole = read_model_weights(folder / "one");
  EXPECT_THAT(names_of(whole), ElementsAre("bert.embeddings.word_embeddings.weight",
                                           "bert.encoder.layer.0.output.LayerNorm.weight",
                                           "bert.pooler.dense.bias"));
  folder.put("two/model.safetensors.index.json",
             R"({"metadata": {"total_size": 1}, "weight_map": {
               "embeddings.position_ids": "model-00001-of-00002.safetensors",
               "embeddings.word_embeddings.weight": "model-00001-of-00002.safetensors",
               "encoder.layer.0.output.LayerNorm.gamma": "model-00002-of-00002.safetensors",
               "pooler.dense.bias": "model-00002-of-00002.safetensors"}})");
  write_safetensors(folder / "two" / "model-00001-of-00002.safetensors", {kBase[0], kBase[1]}, {});
  write_safetensors(folder / "two" / "model-00002-of-00002.safetensors", {kBase[2], kBase[3]}, {});
  const auto shards = read_model_weights(folder / "two");
  ASSERT_EQ(names_of(shards), names_of(whole));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_TRUE(at::equal(shards[i].tensor, whole[i].tensor));
  }
}

TEST(ModelFolder, OfANewerProgramIsRefused) {
  const ScratchFolder folder;
  const auto path = folder / "model.safetensors";
  const auto said = [&](const std::string& version) {
    write_safetensors(path, kBase, {{"format", "pt"}, {"bertha_version", version}});
    return error_of([&] { read_model_weights(folder.path()); });
  };
  EXPECT_EQ(said("1"), "");
  for (const char* version : {"2", "0", "1x", "", "99999999999999999999"}) {
    EXPECT_THAT(said(version), ::testing::AllOf(StartsWith("65 "), HasSubstr(path.string()),
                                                HasSubstr("is not among 1 to 1")))
        << version;
  }
  EXPECT_EQ(model_metadata(),
            (std::map<std::string, std::string>{{"format", "pt"}, {"bertha_version", "1"}}));
}

TEST(ModelFolder, MayHaveABadIndex) {
  const ScratchFolder folder;
  const auto said = [&](const std::string& index) {
    folder.put("model.safetensors.index.json", index);
    return error_of([&] { read_model_weights(folder.path()); });
  };
  EXPECT_THAT(said("[]"), HasSubstr("index.json: has no weight_map"));
  EXPECT_THAT(said(R"({"weight_map": {}})"), HasSubstr("empty"));
  EXPECT_THAT(said(R"({"weight_map": {"a": 1}})"), HasSubstr("'a' is no text"));
  EXPECT_THAT(said(R"({"weight_map": {"a": "../x.safetensors"}})"), HasSubstr("of this folder"));
  EXPECT_THAT(said(R"({"weight_map": {"a": "x.bin"}})"), HasSubstr("of this folder"));
  EXPECT_THAT(said(R"({"weight_map": {"a": "x.safetensors"}})"), StartsWith("74 cannot open"));
  write_safetensors(folder / "x.safetensors", {{"b", at::ones({1})}}, {});
  EXPECT_THAT(said(R"({"weight_map": {"a": "x.safetensors"}})"), HasSubstr("holds no tensor a"));
}

TEST(ModelFolder, IsFoundFromWhateverTheUserNames) {
  const ScratchFolder folder;
  const auto resolved = [&](const std::string& name) {
    return resolve_model_folder(folder / name);
  };
  folder.put("plain/config.json", "{}");
  write_safetensors(folder / "plain" / "model.safetensors", kBase, {});
  EXPECT_EQ(resolved("plain"), folder / "plain");
  folder.put("shards/config.json", "{}");
  folder.put("shards/model.safetensors.index.json", "{}");
  EXPECT_EQ(resolved("shards"), folder / "shards");

  run_thread_ranks(1, [&](Communicator& communicator) {
    CheckpointStore store(folder.path() / "run" / "checkpoints", communicator, {0, 0});
    for (const std::int64_t step : {1, 2}) store.save(sample_contents({}, step));
  });
  const auto checkpoints = folder.path() / "run" / "checkpoints";
  EXPECT_EQ(resolved("run"), checkpoints / "step-00000002");
  EXPECT_EQ(resolved("run/checkpoints"), checkpoints / "step-00000002");
  EXPECT_EQ(resolved("run/checkpoints/step-00000001"), checkpoints / "step-00000001");
  fs::remove(checkpoints / "step-00000002" / "manifest.json");
  EXPECT_EQ(resolved("run"), checkpoints / "step-00000001");
  fs::copy(folder / "plain", folder.path() / "run" / "model");
  EXPECT_EQ(resolved("run"), folder.path() / "run" / "model") << "a fine-tuning run";
}

TEST(ModelFolder, IsMissedWithAWordOnWhatToDo) {
  const ScratchFolder folder;
  const auto said = [&](const std::string& name) {
    try {
      resolve_model_folder(folder / name);
    } catch (const Error& error) {
      return std::to_string(error.exit_code()) + " " + error.message() + " | " + error.remedy();
    }
    return std::string();
  };
  EXPECT_THAT(said("nowhere"), ::testing::MatchesRegex("74 .*nowhere: No such file.*"));
  fs::create_directory(folder / "empty");
  EXPECT_THAT(said("empty"), StartsWith("65 "));
  EXPECT_THAT(said("empty"), HasSubstr("looked for config.json"));
  folder.put("file", "x");
  EXPECT_THAT(said("file"), HasSubstr("is a file, not a model folder"));
  folder.put("old/config.json", "{}");
  folder.put("old/pytorch_model.bin", "x");
  EXPECT_THAT(said("old"), HasSubstr("has pytorch_model.bin but no model.safetensors"));
  EXPECT_THAT(said("old"), HasSubstr("save_pretrained"));
  EXPECT_THAT(error_of([&] { read_model_weights(folder / "old"); }), HasSubstr("pytorch_model"));
  EXPECT_THAT(error_of([&] { read_model_weights(folder / "empty"); }),
              HasSubstr("has no model.safetensors"));
}

TEST(CopyWeights, ConvertsEveryFloatingType) {
  const auto exact = at::tensor({1.5F, -0.25F, 3.0F}, at::kFloat);  // fits the shortest type
  for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf, at::kDouble}) {
    const auto wanted = at::zeros({3});
    const auto match = copy_weights({{"bert.pooler.dense.bias", exact.to(type)}},
                                    {{"bert.pooler.dense.bias", wanted}});
    EXPECT_TRUE(at::equal(wanted, exact)) << type;
    EXPECT_TRUE(match.missing.empty() && match.unexpected.empty());
  }
}

TEST(CopyWeights, ListsHeadsThatDoNotMatch) {
  const auto x = at::ones({1});
  const auto match = copy_weights(
      {{"bert.encoder.a", x}, {"cls.seq_relationship.bias", x}, {"bert.pooler.dense.bias", x}},
      {{"bert.encoder.a", x.clone()},
       {"classifier.bias", x.clone()},
       {"bert.pooler.x", x.clone()}});
  EXPECT_THAT(match.missing, ElementsAre("classifier.bias", "bert.pooler.x"));
  EXPECT_THAT(match.unexpected, ElementsAre("cls.seq_relationship.bias", "bert.pooler.dense.bias"));
}

TEST(CopyWeights, RefusesWhatDoesNotFitAndTouchesNothing) {
  const auto good = at::zeros({2}), words = at::zeros({8, 3});
  const std::vector<NamedTensor> wanted{{"bert.encoder.a", good},
                                        {"bert.embeddings.word_embeddings.weight", words}};
  const auto said = [&](std::vector<NamedTensor> source) {
    const auto error = error_of([&] { copy_weights(source, wanted); });
    EXPECT_TRUE(good.eq(0).all().item<bool>() && words.eq(0).all().item<bool>());
    return error;
  };
  const NamedTensor a{"bert.encoder.a", at::ones({2})};
  const char* name = "bert.embeddings.word_embeddings.weight";
  EXPECT_EQ(said({a, {name, at::ones({5, 3})}}),
            "65 weight bert.embeddings.word_embeddings.weight is [5, 3] in the file and [8, 3] in "
            "the model");
  EXPECT_THAT(said({a, {name, at::ones({24})}}), HasSubstr("[24] in the file"));
  EXPECT_THAT(said({a}), ::testing::AllOf(StartsWith("65 "), HasSubstr(name)));
  EXPECT_THAT(said({{name, at::ones({8, 3})}}), HasSubstr("lacks 1 weight(s) of the encoder"));
  EXPECT_THAT(said({a, {name, at::ones({8, 3}, at::kLong)}}), HasSubstr("type Long"));
  EXPECT_THAT(said({a, {name, at::full({8, 3}, NAN)}}), HasSubstr("no finite numbers"));
  EXPECT_THAT(said({a, {name, at::full({8, 3}, 1e300, at::kDouble)}}), HasSubstr("finite"));
}

TEST(CopyWeights, SaysWhatToDoAboutAShape) {
  const auto remedy = [](const char* name) {
    try {
      copy_weights({{name, at::ones({2})}}, {{name, at::ones({3})}});
    } catch (const Error& error) {
      return error.remedy();
    }
    return std::string("no error");
  };
  EXPECT_THAT(remedy("bert.embeddings.word_embeddings.weight"),
              HasSubstr("--model.resize_vocabulary true"));
  EXPECT_THAT(remedy("bert.encoder.layer.0.output.dense.weight"),
              HasSubstr("leave out model.size, model.config"));
  EXPECT_THAT(remedy("classifier.bias"), HasSubstr("config.json (id2label, num_labels)"));
}

}  // namespace
}  // namespace bertha::testing
