// A file for every bucket and rank; open only while a buffer goes out, since there may be more of
// them than a process may have open.
#include "data_pipeline/prepare/digest_buckets.h"

#include <algorithm>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kAllBuffersBytes = 64 << 20;
constexpr std::size_t kBufferBytes = 256 << 10, kLeastBufferBytes = 4 << 10;

fs::path digests_path(const fs::path& folder, int rank, std::uint64_t bucket) {
  return folder / fmt::format("digests-{:05}-{:05}", bucket, rank);
}

std::size_t digests_in(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) throw_io_error("read", path.string(), error.value());
  return static_cast<std::size_t>(bytes / sizeof(NumberedDigest));
}

}  // namespace

DigestBuckets::DigestBuckets(fs::path folder, int rank, std::uint64_t buckets)
    : folder_(std::move(folder)),
      rank_(rank),
      buffered_(std::clamp(kAllBuffersBytes / buckets, kLeastBufferBytes, kBufferBytes) /
                sizeof(NumberedDigest)),
      buffers_(buckets),
      written_(buckets, 0) {
  for (std::uint64_t bucket = 0; bucket < buckets; ++bucket) {
    open_file(digests_path(folder_, rank_, bucket), O_WRONLY | O_CREAT | O_TRUNC);
  }
}

void DigestBuckets::add(const NumberedDigest& digest) {
  const std::uint64_t bucket = digest.digest[0] % buffers_.size();
  auto& buffer = buffers_[bucket];
  if (buffer.capacity() == 0) buffer.reserve(buffered_);
  buffer.push_back(digest);
  if (buffer.size() == buffered_) flush(bucket);
}

void DigestBuckets::flush(std::uint64_t bucket) {
  auto& buffer = buffers_[bucket];
  if (buffer.empty()) return;
  const auto path = digests_path(folder_, rank_, bucket);
  const auto file = open_file(path, O_WRONLY);
  const std::size_t bytes = buffer.size() * sizeof(NumberedDigest);
  write_at(file.get(), path.string(), written_[bucket], buffer.data(), bytes);
  written_[bucket] += bytes;
  buffer.clear();
}

void DigestBuckets::finish() {
  for (std::uint64_t bucket = 0; bucket < buffers_.size(); ++bucket) flush(bucket);
}

std::vector<NumberedDigest> take_bucket(const fs::path& folder, int ranks, std::uint64_t bucket) {
  std::size_t all = 0;
  for (int rank = 0; rank < ranks; ++rank) all += digests_in(digests_path(folder, rank, bucket));
  std::vector<NumberedDigest> digests(all);
  std::size_t taken = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto path = digests_path(folder, rank, bucket);
    const std::size_t count = digests_in(path);
    read_at(open_file(path, O_RDONLY).get(), path.string(), 0, digests.data() + taken,
            count * sizeof(NumberedDigest));
    taken += count;
    std::error_code ignored;  // what stays goes with the folder
    fs::remove(path, ignored);
  }
  return digests;
}

}  // namespace bertha
