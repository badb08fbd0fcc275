// Checks a corpus folder or one shard thoroughly and names every fault.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace bertha {

struct VerifyReport {
  std::vector<std::string> faults;   // "file: dataset: what"
  std::vector<std::string> notices;  // odd, but usable: unknown-token rate, tiny documents
};

// Manifest, sizes, checksums, shapes, offsets ascending, ids in range, no special ids, vocabulary
// digest, duplicate shards. `progress(bytes_done, bytes_total)` may be empty. `vocabulary` (may be
// empty) is the one it ought to have been made with.
using VerifyProgress = std::function<void(std::uint64_t, std::uint64_t)>;
VerifyReport verify_corpus(const std::filesystem::path& corpus_or_shard,
                           const VerifyProgress& progress,
                           const std::filesystem::path& vocabulary = {});

}  // namespace bertha
