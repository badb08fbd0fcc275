// Weights of a folder against those of a model, from one file and from several.
#include "trainer/checkpoint/weight_check.h"

#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const char* const kWords = "bert.embeddings.word_embeddings.weight";
const char* const kNorm = "bert.encoder.layer.0.output.LayerNorm.weight";
const std::vector<WantedWeight> kWanted{
    {kWords, {5, 3}}, {kNorm, {3}}, {"cls.predictions.bias", {5}}};

class WeightCheck : public ::testing::Test {
 protected:
  // "" or the error of comparing these weights, written under the names they are given.
  std::string said(const std::vector<NamedTensor>& weights) {
    write_safetensors(folder_ / "model.safetensors", weights, {});
    return error_of([&] { match_ = compare_weights(folder_.path(), kWanted); });
  }

  ScratchFolder folder_;
  WeightMatch match_;
};

TEST_F(WeightCheck, TakesOtherPeoplesNamesAndTypes) {
  EXPECT_EQ(said({{"embeddings.position_ids", at::arange(4)},
                  {"embeddings.word_embeddings.weight", at::ones({5, 3}, at::kBFloat16)},
                  {"encoder.layer.0.output.LayerNorm.gamma", at::ones({3}, at::kDouble)},
                  {"cls.predictions.decoder.weight", at::ones({5, 3})},
                  {"cls.predictions.decoder.bias", at::ones({5})}}),
            "");
  EXPECT_THAT(match_.missing, IsEmpty());  // the decoder's bias is the head's
  EXPECT_THAT(match_.unexpected, IsEmpty());
  // Heads are only listed; what is in those that nobody wants is not looked at.
  EXPECT_EQ(said({{kWords, at::ones({5, 3})}, {kNorm, at::ones({3})}, {"other", at::arange(2)}}),
            "");
  EXPECT_THAT(match_.missing, ElementsAre("cls.predictions.bias"));
  EXPECT_THAT(match_.unexpected, ElementsAre("other"));
}

TEST_F(WeightCheck, RefusesWhatIsNoSuchModel) {
  const NamedTensor words{kWords, at::ones({5, 3})}, norm{kNorm, at::ones({3})};
  const auto refused = [&](const std::vector<NamedTensor>& weights, const std::string& what) {
    const auto error = said(weights);
    EXPECT_THAT(error, StartsWith("65 "));
    EXPECT_THAT(error, HasSubstr(what));
  };
  refused({}, "lacks 2 weight(s) of the encoder, first bert.embeddings");
  refused({words}, "lacks 1 weight(s) of the encoder, first bert.encoder.layer.0");
  refused(
      {words, norm, {"encoder.layer.1.output.LayerNorm.weight", at::ones({3})}},
      "has a weight bert.encoder.layer.1.output.LayerNorm.weight, which its config.json has no");
  refused({words, {kNorm, at::ones({4})}}, "is [4], but [3] by its config.json");
  refused({words, {kNorm, at::ones({3}, at::kInt)}}, "is of type Int");
  const auto bad = std::numeric_limits<float>::quiet_NaN();
  refused({words, {kNorm, at::full({3}, bad)}}, std::string(kNorm) + " holds values that are no");
  refused({words, norm, {"cls.predictions.bias", at::full({5}, bad)}},
          "cls.predictions.bias holds");
  refused({words, norm, {"cls.predictions.decoder.weight", at::ones({6, 3})}}, "is [6, 3], but [5");
  refused({words, norm, {"encoder.layer.0.output.LayerNorm.gamma", at::ones({3})}},
          std::string("two weights that mean ") + kNorm);
}

TEST_F(WeightCheck, ReadsAllFilesOfAnIndex) {
  write_safetensors(folder_ / "a.safetensors", {{kWords, at::ones({5, 3})}}, {});
  write_safetensors(folder_ / "b.safetensors", {{kNorm, at::ones({4})}}, {});
  const auto index = [&](const std::string& norm_file) {
    folder_.put("model.safetensors.index.json", "{\"weight_map\": {\"" + std::string(kWords) +
                                                    "\": \"a.safetensors\"" + norm_file + "}}");
    return error_of([&] { match_ = compare_weights(folder_.path(), kWanted); });
  };
  EXPECT_THAT(index(""), HasSubstr("lacks 1 weight(s) of the encoder"));
  const auto with_norm = ", \"" + std::string(kNorm) + "\": \"b.safetensors\"";
  EXPECT_THAT(index(with_norm), HasSubstr("is [4], but [3]"));
  write_safetensors(folder_ / "b.safetensors", {{kNorm, at::ones({3})}}, {});
  EXPECT_EQ(index(with_norm), "");
}

}  // namespace
}  // namespace bertha
