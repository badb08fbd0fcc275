// Digests of documents, dealt into buckets on disk, so that those of one bucket can be sorted in
// memory: every rank deals those of its units, later every rank takes whole buckets.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "data_pipeline/prepare/spill_index.h"
#include "parallel/base/rank_info.h"

namespace bertha {

struct NumberedDigest {
  DocumentDigest digest;
  std::uint64_t number;  // of the document, in input order
  auto operator<=>(const NumberedDigest&) const = default;
};

class DigestBuckets {
 public:
  // Replaces what a rank of this number left in `folder`.
  DigestBuckets(std::filesystem::path folder, int rank, std::uint64_t buckets);

  void add(const NumberedDigest& digest);
  void finish();  // not done by the destructor, which cannot say that it failed

 private:
  void flush(std::uint64_t bucket);

  std::filesystem::path folder_;
  int rank_;
  std::size_t buffered_;                              // at most, of each bucket
  std::vector<std::vector<NumberedDigest>> buffers_;  // by bucket
  std::vector<std::uint64_t> written_;                // bytes, by bucket
};

// What ranks 0 to `ranks` - 1 dealt to a bucket; removes it from the disk.
std::vector<NumberedDigest> take_bucket(const std::filesystem::path& folder, int ranks,
                                        std::uint64_t bucket);

}  // namespace bertha
