// Names of the datasets in shards of NVIDIA's DeepLearningExamples and of MLPerf submissions.
#pragma once

namespace bertha {

inline constexpr char kForeignTokens[] = "input_ids";
inline constexpr char kForeignMask[] = "input_mask";
inline constexpr char kForeignSegments[] = "segment_ids";
inline constexpr char kForeignPositions[] = "masked_lm_positions";
inline constexpr char kForeignLabels[] = "masked_lm_ids";
inline constexpr char kForeignNextSentence[] = "next_sentence_labels";
inline constexpr char kForeignPackedLengths[] = "packed_input_len";
inline constexpr char kForeignPackedCounts[] = "packed_masked_lm_len";

}  // namespace bertha
