// UTF-8 validation by the ranges of well-formed sequences (Unicode Standard, table 3-7).
#include "data_pipeline/text/utf8_text.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "data_pipeline/text/input_source.h"
#include "data_pipeline/text/well_formed.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;  // stays in the first-level cache until it is mended
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Sequence {
  std::size_t bytes;  // consumed
  bool valid;
  bool cut_off;  // valid so far, but the input ended
};

// Length a lead byte promises, and the range of the byte after it; 0 for bytes that cannot lead.
struct Lead {
  std::size_t length;
  unsigned char low, high;
};

Lead classify(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};  // no surrogates
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// The non-ASCII sequence at the start of `bytes`.
Sequence scan(std::string_view bytes) {
  const Lead lead = classify(static_cast<unsigned char>(bytes[0]));
  if (lead.length == 0) return {1, false, false};
  unsigned char low = lead.low, high = lead.high;
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (i == bytes.size()) return {i, false, true};
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < low || byte > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {lead.length, true, false};
}

// ASCII from `at` on, about: a few bytes of it may be left.
std::size_t skip_ascii(std::string_view bytes, std::size_t at) {
  std::uint64_t block = 0;
  constexpr std::uint64_t kOther = 0x8080808080808080U;
  for (; bytes.size() - at >= sizeof block; at += sizeof block) {
    std::memcpy(&block, bytes.data() + at, sizeof block);
    if ((block & kOther) != 0) break;
  }
  return at;
}

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

}  // namespace

// The character that waits takes what it needs of `bytes`.
void Utf8Repair::end_pending(std::string_view& bytes, std::string& text) {
  while (!pending_.empty() && !bytes.empty()) {
    pending_ += bytes.front();
    const Sequence sequence = scan(pending_);
    const bool belongs = sequence.valid || sequence.cut_off;
    if (belongs) bytes.remove_prefix(1);
    if (sequence.cut_off) continue;
    text.append(belongs ? pending_ : kReplacement);
    if (!belongs) replaced_bytes_ += sequence.bytes;
    pending_.clear();
  }
}

void Utf8Repair::append(std::string_view bytes, std::string& text) {
  end_pending(bytes, text);
  std::size_t at = 0, good = 0;  // [good, at) is valid and not yet copied
  while (at < bytes.size()) {
    at = skip_ascii(bytes, skip_well_formed(bytes, at));
    while (at < bytes.size() && is_ascii(bytes[at])) ++at;
    if (at == bytes.size()) break;
    const Sequence sequence = scan(bytes.substr(at));
    if (sequence.valid) {
      at += sequence.bytes;
      continue;
    }
    text.append(bytes.substr(good, at - good));
    if (sequence.cut_off) {
      pending_ = bytes.substr(at);
      return;
    }
    text.append(kReplacement);
    replaced_bytes_ += sequence.bytes;
    at += sequence.bytes;
    good = at;
  }
  text.append(bytes.substr(good));
}

void Utf8Repair::finish(std::string& text) {
  if (pending_.empty()) return;
  text.append(kReplacement);  // what waits is one maximal subpart
  replaced_bytes_ += pending_.size();
  pending_.clear();
}

Utf8Source::Utf8Source(const InputFile& file, LargeRecords* shared)
    : path_(file.path.string()),
      turn_(shared, shared == nullptr ? 0 : window_bytes(file)),
      source_(open_input(file)),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)),
      file_start_(file.begin == 0) {}

void Utf8Source::read_some() {
  raw_ = {buffer_.get(), source_->read(buffer_.get(), kReadBytes)};
}

void Utf8Source::begin() {
  started_ = true;
  std::size_t filled = 0;
  while (filled < 3) {  // a decompressor may give a byte at a time
    const std::size_t got = source_->read(buffer_.get() + filled, kReadBytes - filled);
    if (got == 0) break;
    filled += got;
  }
  raw_ = {buffer_.get(), filled};
  if (!file_start_) return;
  utf16_ = raw_.starts_with("\xFF\xFE") || raw_.starts_with("\xFE\xFF");
  if (utf16_ && !utf16_allowed_) {
    throw Error(ErrorKind::bad_data, path_ + ": UTF-16 text (by its byte order mark), not UTF-8",
                "convert it: iconv -f UTF-16 -t UTF-8");
  }
  if (raw_.starts_with("\xEF\xBB\xBF")) raw_.remove_prefix(3);
}

bool Utf8Source::append_next(std::string& text) {
  const std::size_t before = text.size();
  while (text.size() == before && !finished_) {
    const bool first = !started_;
    if (first) {
      begin();
    } else {
      read_some();
    }
    if (raw_.empty() && !first) {
      finished_ = true;
      repair_.finish(text);
    } else if (utf16_) {
      text.append(raw_);
    } else {
      repair_.append(raw_, text);
    }
  }
  return text.size() > before;
}

}  // namespace bertha
