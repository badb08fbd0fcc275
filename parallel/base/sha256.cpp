// SHA-256 by OpenSSL's libcrypto.
#include "parallel/base/sha256.h"

#include <cerrno>
#include <fstream>
#include <openssl/evp.h>
#include <vector>

#include "parallel/base/error.h"

namespace bertha {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::internal, "libcrypto offers no SHA-256");
  }
}

Sha256::~Sha256() = default;

void Sha256::update(const void* data, std::size_t bytes) {
  if (EVP_DigestUpdate(state_->context, data, bytes) != 1) {
    throw Error(ErrorKind::internal, "SHA-256 update failed");
  }
}

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_DigestFinal_ex(state_->context, digest, &length) != 1) {
    throw Error(ErrorKind::internal, "SHA-256 finish failed");
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256_file(const std::filesystem::path& path,
                        const std::function<void(std::uint64_t bytes)>& piece_done) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("open", path.string(), errno);
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto got = static_cast<std::size_t>(file.gcount());
    hash.update(buffer.data(), got);
    if (piece_done) piece_done(got);
  }
  if (file.bad()) throw_io_error("read", path.string(), errno);
  return hash.hex();
}

}  // namespace bertha
