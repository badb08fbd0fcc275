// Variable-length numbers.
#include "data_pipeline/prepare/prepare_message.h"

#include "parallel/base/error.h"

namespace bertha {

void put_number(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

std::uint64_t MessageReader::number() {
  std::uint64_t number = 0;
  for (int shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return number;
  }
  throw Error(ErrorKind::internal, "prepare: a message between ranks is damaged");
}

std::string MessageReader::text() {
  const std::uint64_t size = number();
  if (size > bytes_.size()) {
    throw Error(ErrorKind::internal, "prepare: a message between ranks is damaged");
  }
  std::string text(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return text;
}

}  // namespace bertha
