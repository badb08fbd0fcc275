// Texts for people: WordPieces joined, masks beside their answers, nothing that a page would run.
#include "launch/decoded_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

// [CLS] the play##ing [SEP] <b> end [SEP], "the" hidden, "end" replaced by "cat".
Json sample() {
  return {{"number", 7},
          {"next_sentence", 1},
          {"tokens", {"[CLS]", "[MASK]", "play", "##ing", "[SEP]", "<b>", "cat", "[SEP]"}},
          {"segments", {0, 0, 0, 0, 0, 1, 1, 1}},
          {"masked_positions", {1, 6}},
          {"masked_labels", {"the", "end"}}};
}

TEST(DecodedText, JoinsPiecesAndLeavesOutWhatFramesThem) {
  const Json single{
      {"next_sentence", nullptr},
      {"tokens", {"[CLS]", "un", "##play", "##able", "[UNK]", "##", "[SEP]", "[PAD]"}},
      {"segments", {0, 0, 0, 0, 0, 0, 0, 0}},
      {"masked_positions", Json::array()},
      {"masked_labels", Json::array()}};
  EXPECT_EQ(sample_markdown(single), "unplayable [UNK] ##");
}

TEST(DecodedText, ASampleShowsWhatStandsAtAMaskAndTheAnswer) {
  EXPECT_EQ(sample_markdown(sample()),
            "A: `[MASK]=the` playing\n\nB: <b> `cat=end`\n\n(B is random)");
  EXPECT_EQ(
      sample_html(sample()),
      "<p class=\"sample\"><b>A</b> <mark>[MASK] <b>the</b></mark> playing<br><b>B</b> &lt;b&gt; "
      "<mark>cat <b>end</b></mark><br><span class=\"quiet\">B is random, 8 tokens, 2 predictions"
      "</span></p>\n");
}

TEST(DecodedText, ASingleTextHasNoLetters) {
  auto single = sample();
  single["next_sentence"] = nullptr;
  for (auto& segment : single["segments"]) segment = 0;
  EXPECT_EQ(sample_markdown(single), "`[MASK]=the` playing <b> `cat=end`");
}

}  // namespace
}  // namespace bertha
