// Presets, config.json both ways, and config.json as an attacker writes it.
#include "trainer/model/bert_config.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class BertConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::temp_directory_path() / ("bertha_config_" + std::to_string(getpid()) + ".json");
  }
  void TearDown() override { fs::remove(path_); }
  fs::path write(const std::string& text) const {
    std::ofstream(path_) << text;
    return path_;
  }
  // The message of the Error{bad_data}, or "read".
  std::string fault(const std::string& text) const {
    write(text);
    try {
      read_bert_config(path_);
      read_head_config(path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data) << error.message();
      EXPECT_THAT(error.message(), HasSubstr(path_.string()));
      return error.message();
    }
    return "read";
  }
  fs::path path_;
};

TEST(BertPreset, KnowsThePublishedSizes) {
  const auto large = bert_preset("large");
  EXPECT_EQ(large.layers, 24);
  EXPECT_EQ(large.hidden_size, 1024);
  EXPECT_EQ(large.attention_heads, 16);
  EXPECT_EQ(large.intermediate_size, 4096);
  EXPECT_EQ(large.max_positions, 512);
  EXPECT_EQ(bert_preset("base"), BertConfig());
  for (const char* size : {"tiny", "mini", "small", "medium", "base", "large"}) {
    EXPECT_NO_THROW(bert_preset(size).check()) << size;
    EXPECT_EQ(bert_preset(size).head_size(), 64) << size;
  }
  try {
    bert_preset("huge");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.remedy(), HasSubstr("medium"));
  }
}

TEST(BertConfig, RefusesImpossibleShapes) {
  const auto refused = [](auto change) {
    BertConfig config;
    change(config);
    try {
      config.check();
    } catch (const Error& error) {
      return error.kind() == ErrorKind::usage;
    }
    return false;
  };
  EXPECT_FALSE(refused([](BertConfig&) {}));
  EXPECT_TRUE(refused([](BertConfig& c) { c.attention_heads = 7; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.attention_heads = 0; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.layers = -1; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.vocabulary_size = 1LL << 60; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.hidden_dropout = 1.0; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.attention_dropout = std::stod("nan"); }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.activation = "swish"; }));
  EXPECT_TRUE(refused([](BertConfig& c) { c.pad_token_id = 30522; }));
}

TEST_F(BertConfigFile, RoundTrips) {
  BertConfig config = bert_preset("mini");
  config.vocabulary_size = 1001;
  config.hidden_dropout = 0.05;
  config.layer_norm_epsilon = 1e-6;
  config.activation = "relu";
  config.pad_token_id = -1;
  config.classifier_dropout = 0.3;
  const HeadConfig head{"BertForSequenceClassification",
                        {"bad \"quoted\"", "gut ä", "\xFF"},
                        "single_label_classification"};
  write(bert_config_json(config, head));
  EXPECT_EQ(read_bert_config(path_), config);
  const auto read = read_head_config(path_);
  EXPECT_EQ(read.architecture, head.architecture);
  EXPECT_EQ(read.problem_type, head.problem_type);
  EXPECT_THAT(read.label_names, ElementsAre("bad \"quoted\"", "gut ä", "\xEF\xBF\xBD"));
  write(bert_config_json({}, {}));
  EXPECT_EQ(read_bert_config(path_), BertConfig());
}

// Transformers sizes a head by id2label alone, and without one gives it two outputs.
TEST_F(BertConfigFile, ANumberIsOneOutput) {
  const auto text = bert_config_json({}, {"BertForSequenceClassification", {}, "regression"});
  const auto root = json::parse(text);
  EXPECT_EQ(root["id2label"], json::parse(R"({"0": "LABEL_0"})"));
  EXPECT_EQ(root["label2id"], json::parse(R"({"LABEL_0": 0})"));
  write(text);
  EXPECT_THAT(read_head_config(path_).label_names, ElementsAre("LABEL_0"));
}

TEST_F(BertConfigFile, AbsentFieldsHaveTheirDefaults) {
  write(R"({"model_type": "bert", "classifier_dropout": null, "hidden_size": null})");
  EXPECT_EQ(read_bert_config(path_), BertConfig());
  write(R"({"architectures": ["BertForTokenClassification"]})");
  EXPECT_EQ(read_bert_config(path_), BertConfig());
  EXPECT_THAT(read_head_config(path_).label_names, ElementsAre("LABEL_0", "LABEL_1"));
  write(R"({"model_type": "bert", "hidden_act": "gelu_pytorch_tanh", "num_labels": 3})");
  EXPECT_EQ(read_bert_config(path_).activation, "gelu_new");
  EXPECT_EQ(read_head_config(path_).label_names.size(), 3U);
  write(R"({"model_type": "bert", "hidden_act": "swish"})");
  EXPECT_EQ(read_bert_config(path_).activation, "silu");
  // Google's own bert_config.json.
  write(R"({"attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
            "hidden_size": 128, "initializer_range": 0.02, "intermediate_size": 512,
            "max_position_embeddings": 512, "num_attention_heads": 2, "num_hidden_layers": 2,
            "type_vocab_size": 2, "vocab_size": 30522})");
  EXPECT_EQ(read_bert_config(path_), bert_preset("tiny"));
}

TEST_F(BertConfigFile, LabelsAreOrderedByNumber) {
  auto root = json::parse(R"({"model_type": "bert", "id2label": {}})");
  for (int id = 0; id < 12; ++id) root["id2label"][std::to_string(id)] = "L" + std::to_string(id);
  write(root.dump());
  const auto names = read_head_config(path_).label_names;
  ASSERT_EQ(names.size(), 12U);
  EXPECT_EQ(names[2], "L2");
  EXPECT_EQ(names[11], "L11");
}

TEST_F(BertConfigFile, NamesWhatIsWrong) {
  EXPECT_THAT(fault(""), HasSubstr("not a JSON object"));
  EXPECT_THAT(fault("[1, 2]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(fault("{\"model_type\": \"bert\""), HasSubstr("not a JSON object"));
  EXPECT_THAT(fault(std::string(200000, '[')), HasSubstr("not a JSON object"));
  EXPECT_THAT(fault("{}"), HasSubstr("model_type"));
  EXPECT_THAT(fault(R"({"model_type": "roberta"})"), HasSubstr("roberta"));
  EXPECT_THAT(fault(R"({"model_type": 5})"), HasSubstr("model_type"));
  EXPECT_THAT(fault(R"({"architectures": ["GPT2Model"]})"), HasSubstr("GPT2Model"));
  EXPECT_THAT(fault(R"({"architectures": "BertModel"})"), HasSubstr("architectures"));
  const auto with = [&](const std::string& fields) {
    return fault(R"({"model_type": "bert", )" + fields + "}");
  };
  EXPECT_EQ(with(R"("hidden_size": 768)"), "read");
  EXPECT_THAT(with(R"("hidden_size": "768")"), HasSubstr("hidden_size"));
  EXPECT_THAT(with(R"("hidden_size": 768.0)"), HasSubstr("hidden_size"));
  EXPECT_THAT(with(R"("hidden_size": -768)"), HasSubstr("hidden size"));
  EXPECT_THAT(with(R"("hidden_size": 18446744073709551615)"), HasSubstr("hidden_size"));
  EXPECT_THAT(with(R"("hidden_size": true)"), HasSubstr("hidden_size"));
  EXPECT_THAT(with(R"("vocab_size": 1e400)"), HasSubstr("not a JSON object"));
  EXPECT_THAT(with(R"("num_attention_heads": 0)"), HasSubstr("heads"));
  EXPECT_THAT(with(R"("num_attention_heads": 5)"), HasSubstr("divide"));
  EXPECT_THAT(with(R"("hidden_dropout_prob": [0.1])"), HasSubstr("hidden_dropout_prob"));
  EXPECT_THAT(with(R"("hidden_dropout_prob": 7)"), HasSubstr("dropout"));
  EXPECT_THAT(with(R"("hidden_act": "quick_gelu")"), HasSubstr("quick_gelu"));
  EXPECT_THAT(with(R"("pad_token_id": 99999999999)"), HasSubstr("pad_token_id"));
  EXPECT_THAT(with(R"("pad_token_id": -1)"), HasSubstr("pad_token_id"));
  EXPECT_THAT(with(R"("position_embedding_type": "relative_key")"), HasSubstr("relative_key"));
  EXPECT_THAT(with(R"("is_decoder": true)"), HasSubstr("is_decoder"));
  EXPECT_THAT(with(R"("is_decoder": "no")"), HasSubstr("is_decoder"));
  EXPECT_THAT(with(R"("architectures": ["BertForMaskedLM"], "tie_word_embeddings": false)"),
              HasSubstr("tie_word_embeddings"));
  EXPECT_THAT(with(R"("id2label": ["a"])"), HasSubstr("id2label"));
  EXPECT_THAT(with(R"("id2label": {"1": "a"})"), HasSubstr("id2label"));
  EXPECT_THAT(with(R"("id2label": {"0": "a", "00": "b"})"), HasSubstr("id2label"));
  EXPECT_THAT(with(R"("id2label": {"-1": "a"})"), HasSubstr("id2label"));
  EXPECT_THAT(with(R"("id2label": {"0": 4})"), HasSubstr("id2label"));
  EXPECT_THAT(with(R"("num_labels": -2)"), HasSubstr("num_labels"));
}

TEST_F(BertConfigFile, MissingFilesAreAnInputError) {
  try {
    read_bert_config(path_ / "no" / "config.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
  }
}

}  // namespace
}  // namespace bertha
