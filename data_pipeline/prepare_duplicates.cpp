// Sorts digests, a bucket at a time.
#include "data_pipeline/prepare_duplicates.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/spill_file.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

constexpr std::uint64_t kBucketDocuments = 8 << 20;  // 24 bytes each
constexpr std::size_t kBlockDigests = 1 << 14;

struct Numbered {
  DocumentDigest digest;
  std::uint64_t number;
  auto operator<=>(const Numbered&) const = default;
};

std::uint64_t count_documents(const std::vector<SpillReport>& reports) {
  std::uint64_t documents = 0;
  for (const SpillReport& report : reports) documents += report.documents;
  return documents;
}

std::uint64_t count_buckets(std::uint64_t documents) {
  return documents / kBucketDocuments + 1;
}

std::filesystem::path bucket_path(const std::filesystem::path& folder, std::uint64_t bucket) {
  return folder / fmt::format("duplicates-{:05}", bucket);
}

// Digests of all documents in input order; `use(digest, number)`.
template <class Use>
void for_each_digest(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                     const Use& use) {
  std::vector<DocumentDigest> block;
  std::uint64_t number = 0;
  for (std::size_t unit = 0; unit < reports.size(); ++unit) {
    std::uint64_t left = reports[unit].documents, offset = 0;
    if (left == 0) continue;
    const SpillFile file(folder, unit);
    while (left > 0) {
      block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kBlockDigests)));
      const std::size_t bytes = block.size() * sizeof(DocumentDigest);
      file.read(SpillStream::digests, offset, block.data(), bytes);
      for (const DocumentDigest& digest : block) use(digest, number++);
      offset += bytes;
      left -= block.size();
    }
  }
}

std::vector<std::uint64_t> duplicates_in(std::vector<Numbered>& bucket) {
  std::ranges::sort(bucket);
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 1; i < bucket.size(); ++i) {
    if (bucket[i].digest == bucket[i - 1].digest) numbers.push_back(bucket[i].number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace

void write_duplicates(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                      const RankInfo& rank) {
  const std::uint64_t buckets = count_buckets(count_documents(reports));
  std::vector<Numbered> found;
  for (auto bucket = static_cast<std::uint64_t>(rank.rank); bucket < buckets;
       bucket += static_cast<std::uint64_t>(rank.world_size)) {
    found.clear();
    for_each_digest(folder, reports, [&](const DocumentDigest& digest, std::uint64_t number) {
      if (digest[0] % buckets == bucket) found.push_back({digest, number});
    });
    std::string bytes;
    std::uint64_t last = 0;
    for (const std::uint64_t number : duplicates_in(found)) {
      put_number(bytes, number - std::exchange(last, number));
    }
    write_file(bucket_path(folder, bucket), bytes);
  }
}

DroppedDocuments read_duplicates(const std::filesystem::path& folder,
                                 const std::vector<SpillReport>& reports) {
  const std::uint64_t documents = count_documents(reports);
  DroppedDocuments dropped(documents, false);
  for (std::uint64_t bucket = 0; bucket < count_buckets(documents); ++bucket) {
    const std::string bytes = read_file(bucket_path(folder, bucket));
    std::uint64_t number = 0;
    for (MessageReader message(bytes); !message.at_end();) {
      dropped.at(number += message.number()) = true;
    }
  }
  return dropped;
}

}  // namespace bertha
