// Reports on disk, and the walk through the documents of all units.
#include "data_pipeline/spill_index.h"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/spill_checksum.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::array<const char*, kSpillFiles.size()> kNames = {"tokens", "sentences", "documents",
                                                                "digests"};
constexpr std::size_t kSha256Digits = 64;

fs::path report_path(const fs::path& folder, std::size_t unit) {
  return folder / fmt::format("spill-{:05}.done", unit);
}

// Every counter of a report, for packing and unpacking in the same order.
template <class Report>
auto counters(Report& report) {
  auto& read = report.read;
  return std::array{&report.documents,        &report.documents_without_tokens,
                    &read.documents,          &read.replaced_bytes,
                    &read.skipped_redirects,  &read.skipped_namespaces,
                    &read.skipped_empty,      &read.skipped_malformed,
                    &read.malformed_not_json, &read.malformed_without_field,
                    &read.malformed_not_text, &read.malformed_too_long};
}

bool is_whole(const fs::path& path, const SpillReport::File& file) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) return file.bytes == 0;  // no such file was written
  return bytes == file.bytes && spill_checksum(path) == file.checksum;
}

}  // namespace

fs::path spill_path(const fs::path& folder, std::size_t unit, SpillFile file) {
  return folder / fmt::format("spill-{:05}.{}", unit, kNames.at(static_cast<std::size_t>(file)));
}

std::string SpillReport::pack() const {
  std::string bytes;
  for (const std::uint64_t* counter : counters(*this)) put_number(bytes, *counter);
  put_text(bytes, read.first_malformed);
  for (const File& file : files) {
    put_number(bytes, file.bytes);
    put_number(bytes, file.checksum);
  }
  return bytes;
}

SpillReport SpillReport::unpack(std::string_view bytes) {
  MessageReader message(bytes);
  SpillReport report;
  for (std::uint64_t* counter : counters(report)) *counter = message.number();
  report.read.first_malformed = message.text();
  for (File& file : report.files) {
    file.bytes = message.number();
    file.checksum = message.number();
  }
  return report;
}

// No flush to disk: a machine that fails leaves a report or files that do not check out, and the
// unit is done again.
void write_spill_report(const fs::path& folder, std::size_t unit, const SpillReport& report) {
  const fs::path path = report_path(folder, unit);
  const fs::path unfinished = path.string() + ".unfinished";
  const std::string packed = report.pack();
  {
    std::ofstream file(unfinished, std::ios::binary);
    file << sha256_hex(packed) << packed;
    if (!file.flush()) throw_io_error("write", unfinished.string(), errno);
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    throw_io_error("rename", unfinished.string(), errno);
  }
}

std::optional<SpillReport> find_spill_report(const fs::path& folder, std::size_t unit) {
  const fs::path path = report_path(folder, unit);
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const std::string bytes = read_file(path);
  const std::string_view all = bytes;
  if (all.size() < kSha256Digits ||
      sha256_hex(all.substr(kSha256Digits)) != all.substr(0, kSha256Digits)) {
    return {};
  }
  SpillReport report = SpillReport::unpack(all.substr(kSha256Digits));
  for (const SpillFile file : kSpillFiles) {
    const auto& expected = report.files.at(static_cast<std::size_t>(file));
    if (!is_whole(spill_path(folder, unit, file), expected)) return {};
  }
  return report;
}

// The numbers of a file of documents, through a small buffer.
class DocumentWalk::Numbers {
 public:
  explicit Numbers(const fs::path& path)
      : path_(path.string()), file_(open_file(path, O_RDONLY)), left_(fs::file_size(path)) {}

  std::uint64_t next() {
    constexpr std::size_t kLongestNumber = 10;
    if (bytes_.size() - at_ < kLongestNumber && left_ > 0) refill();
    MessageReader reader(std::string_view(bytes_).substr(at_));
    const std::uint64_t number = reader.number();
    at_ = bytes_.size() - reader.rest().size();
    return number;
  }

 private:
  void refill() {
    constexpr std::uint64_t kBlock = 1 << 16;
    bytes_.erase(0, std::exchange(at_, 0));
    const std::size_t kept = bytes_.size();
    const std::uint64_t more = std::min(kBlock, left_);
    bytes_.resize(kept + more);
    read_at(file_.get(), path_, offset_, bytes_.data() + kept, more);
    offset_ += more;
    left_ -= more;
  }

  std::string path_;
  FileDescriptor file_;
  std::uint64_t offset_ = 0, left_;
  std::string bytes_;
  std::size_t at_ = 0;
};

DocumentWalk::DocumentWalk(fs::path folder, const std::vector<SpillReport>& reports,
                           const DroppedDocuments& dropped)
    : folder_(std::move(folder)), reports_(reports), dropped_(dropped) {}

DocumentWalk::~DocumentWalk() = default;

void DocumentWalk::begin_unit() {
  left_in_unit_ = reports_[next_unit_].documents;
  sentence_ = token_ = 0;
  if (left_in_unit_ > 0) {
    numbers_ = std::make_unique<Numbers>(spill_path(folder_, next_unit_, SpillFile::documents));
  }
  ++next_unit_;
}

bool DocumentWalk::next(SpilledDocument& document) {
  for (;;) {
    while (left_in_unit_ == 0) {
      if (next_unit_ == reports_.size()) return false;
      begin_unit();
    }
    --left_in_unit_;
    document.unit = next_unit_ - 1;
    document.first_sentence = sentence_;
    document.first_token = token_;
    document.sentences = numbers_->next();
    document.tokens = numbers_->next();
    sentence_ += document.sentences;
    token_ += document.tokens;
    const std::uint64_t seen = seen_++;
    if (seen < dropped_.size() && dropped_[seen]) continue;
    document.number = number_++;
    return true;
  }
}

}  // namespace bertha
