// Balances input files over ranks by size.
#include "data_pipeline/prepare_share.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

#include "data_pipeline/prepare_message.h"

namespace bertha {
namespace {

constexpr std::uint64_t kCompressionRatio = 4;  // of text, about
constexpr std::uint64_t kBytesPerFile = 16
                                        << 10;  // opening one costs about as much as reading this

std::uint64_t work(const InputFile& file) {
  return kBytesPerFile +
         file.bytes * (file.compression == Compression::none ? 1 : kCompressionRatio);
}

}  // namespace

std::string pack_files(const std::vector<InputFile>& files) {
  std::string bytes;
  for (const InputFile& file : files) {
    put_text(bytes, file.path.native());
    put_number(bytes, static_cast<std::uint64_t>(file.format));
    put_number(bytes, static_cast<std::uint64_t>(file.compression));
    put_number(bytes, file.bytes);
  }
  return bytes;
}

std::vector<InputFile> unpack_files(std::string_view bytes) {
  std::vector<InputFile> files;
  for (MessageReader message(bytes); !message.at_end();) {
    InputFile& file = files.emplace_back();
    file.path = message.text();
    file.format = static_cast<TextFormat>(message.number());
    file.compression = static_cast<Compression>(message.number());
    file.bytes = message.number();
  }
  return files;
}

std::vector<int> share_files(const std::vector<InputFile>& files, int world_size) {
  std::vector<std::size_t> order(files.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](auto i) { return work(files[i]); });
  using Load = std::pair<std::uint64_t, int>;  // work so far, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int rank = 0; rank < world_size; ++rank) loads.emplace(0, rank);
  std::vector<int> owners(files.size());
  for (const std::size_t file : order) {
    auto [load, rank] = loads.top();
    loads.pop();
    owners[file] = rank;
    loads.emplace(load + work(files[file]), rank);
  }
  return owners;
}

}  // namespace bertha
