// Made-up corpora for benchmarks, as `bertha prepare` would have written them.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bertha {

// Documents of 1 to 60 sentences of 4 to 44 tokens, about as Wikipedia has them; one token in four
// continues a word. Shards of 100 million tokens. Ids are random, but those of large corpora come
// from pieces of one list of a million: writing is fast, and reading reads every byte all the same.
void write_synthetic_corpus(const std::filesystem::path& folder, std::uint64_t tokens);

// Removes its folder in the end.
struct ScratchFolder {
  std::filesystem::path path;

  explicit ScratchFolder(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
};

}  // namespace bertha
