// SHA-256 of bytes and files, in lower-case hexadecimal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bertha {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, std::size_t bytes);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  std::string hex();  // finishes; call once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
// Error{io} if it cannot be read. `piece_done` is called with the bytes of every piece, for
// progress; what it throws ends the reading.
std::string sha256_file(const std::filesystem::path& path,
                        const std::function<void(std::uint64_t bytes)>& piece_done = {});

}  // namespace bertha
