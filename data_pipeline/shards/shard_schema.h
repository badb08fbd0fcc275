// Names, types and version of the HDF5 shard format (contracts: "Corpus folder").
#pragma once

#include <cstdint>
#include <string>

namespace bertha {

inline constexpr char kShardFormat[] = "bertha-shard";
inline constexpr int kShardVersion = 1;
inline constexpr char kCorpusFormat[] = "bertha-corpus";
inline constexpr int kCorpusVersion = 1;
inline constexpr std::int32_t kLargestUint16Vocabulary = 65536;

// "train-00003-of-00016.h5"
std::string shard_file_name(const std::string& split, int number, int count);

}  // namespace bertha
