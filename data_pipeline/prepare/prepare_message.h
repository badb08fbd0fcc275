// Numbers and texts as compact bytes: what the ranks of `prepare` tell each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bertha {

// Seven bits a byte, low ones first; the high bit says that more follow.
void put_number(std::string& out, std::uint64_t number);
void put_text(std::string& out, std::string_view text);

// Takes apart what the above put together. Error{internal} when there is less than expected.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number();
  std::string text();
  std::string_view rest() const { return bytes_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace bertha
