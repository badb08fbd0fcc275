// Sorts digests, a bucket at a time.
#include "data_pipeline/prepare/prepare_duplicates.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare/digest_buckets.h"
#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/prepare/spill_file.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

constexpr std::size_t kBlockDigests = 1 << 14;

std::uint64_t count_documents(const std::vector<SpillReport>& reports) {
  std::uint64_t documents = 0;
  for (const SpillReport& report : reports) documents += report.documents;
  return documents;
}

std::uint64_t count_buckets(std::uint64_t documents, std::uint64_t bucket_documents) {
  return documents / bucket_documents + 1;
}

std::filesystem::path bucket_path(const std::filesystem::path& folder, std::uint64_t bucket) {
  return folder / fmt::format("duplicates-{:05}", bucket);
}

// Digests of the documents of a unit, in input order; `use(digest)`.
template <class Use>
void for_each_digest(const std::filesystem::path& folder, std::size_t unit, std::uint64_t documents,
                     const Use& use) {
  if (documents == 0) return;
  std::vector<DocumentDigest> block;
  const SpillFile file(folder, unit);
  for (std::uint64_t done = 0; done < documents; done += block.size()) {
    block.resize(std::min<std::uint64_t>(documents - done, kBlockDigests));
    file.read(SpillStream::digests, done * sizeof(DocumentDigest), block.data(),
              block.size() * sizeof(DocumentDigest));
    for (const DocumentDigest& digest : block) use(digest);
  }
}

std::vector<std::uint64_t> duplicates_in(std::vector<NumberedDigest> bucket) {
  std::ranges::sort(bucket);
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 1; i < bucket.size(); ++i) {
    if (bucket[i].digest == bucket[i - 1].digest) numbers.push_back(bucket[i].number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace

void deal_digests(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                  const RankInfo& rank, std::uint64_t bucket_documents) {
  DigestBuckets buckets(folder, rank.rank,
                        count_buckets(count_documents(reports), bucket_documents));
  std::uint64_t number = 0;
  for (std::size_t unit = 0; unit < reports.size(); ++unit) {
    const std::uint64_t documents = reports[unit].documents;
    if (unit % static_cast<std::size_t>(rank.world_size) == static_cast<std::size_t>(rank.rank)) {
      std::uint64_t here = number;
      for_each_digest(folder, unit, documents, [&](const DocumentDigest& digest) {
        buckets.add({digest, here++});
      });
    }
    number += documents;
  }
  buckets.finish();
}

void write_duplicates(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                      const RankInfo& rank, std::uint64_t bucket_documents) {
  const auto buckets = count_buckets(count_documents(reports), bucket_documents);
  for (auto bucket = static_cast<std::uint64_t>(rank.rank); bucket < buckets;
       bucket += static_cast<std::uint64_t>(rank.world_size)) {
    std::string bytes;
    std::uint64_t last = 0;
    for (const std::uint64_t number : duplicates_in(take_bucket(folder, rank.world_size, bucket))) {
      put_number(bytes, number - std::exchange(last, number));
    }
    write_file(bucket_path(folder, bucket), bytes);
  }
}

DroppedDocuments read_duplicates(const std::filesystem::path& folder,
                                 const std::vector<SpillReport>& reports,
                                 std::uint64_t bucket_documents) {
  const std::uint64_t documents = count_documents(reports);
  DroppedDocuments dropped(documents, false);
  for (std::uint64_t bucket = 0; bucket < count_buckets(documents, bucket_documents); ++bucket) {
    const std::string bytes = read_file(bucket_path(folder, bucket));
    std::uint64_t number = 0;
    for (MessageReader message(bytes); !message.at_end();) {
      dropped.at(number += message.number()) = true;
    }
  }
  return dropped;
}

}  // namespace bertha
