// Reports as bytes, and the walk through the documents of all units.
#include "data_pipeline/prepare/spill_index.h"

#include <algorithm>
#include <utility>

#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/prepare/spill_file.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

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

}  // namespace

std::string SpillReport::pack() const {
  std::string bytes;
  for (const std::uint64_t* counter : counters(*this)) put_number(bytes, *counter);
  put_text(bytes, read.first_malformed);
  return bytes;
}

SpillReport SpillReport::unpack(std::string_view bytes) {
  MessageReader message(bytes);
  SpillReport report;
  for (std::uint64_t* counter : counters(report)) *counter = message.number();
  report.read.first_malformed = message.text();
  return report;
}

std::optional<SpillReport> find_spill_report(const fs::path& folder, std::size_t unit) {
  const auto file = SpillFile::find_whole(folder, unit);
  if (!file) return {};
  return SpillReport::unpack(file->words());
}

// The numbers of a unit's documents, through a small buffer.
class DocumentWalk::Numbers {
 public:
  Numbers(const fs::path& folder, std::size_t unit)
      : file_(folder, unit), left_(file_.bytes(SpillStream::documents)) {}

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
    file_.read(SpillStream::documents, offset_, bytes_.data() + kept, more);
    offset_ += more;
    left_ -= more;
  }

  SpillFile file_;
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
  if (left_in_unit_ > 0) numbers_ = std::make_unique<Numbers>(folder_, next_unit_);
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
