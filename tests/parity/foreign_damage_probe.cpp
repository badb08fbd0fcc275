// Damages a foreign shard again and again and reads it: an error in words or rows, never a crash.
// Arguments: shard, vocabulary, how many, folder for the damaged file, first number. Prints counts.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "data_pipeline/shards/foreign_shard.h"
#include "parallel/base/error.h"
#include "parallel/base/philox.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

std::string damaged(std::string bytes, std::uint64_t number) {
  Philox random(29, RandomPurpose::sample_order, number);
  const auto below = [&](std::size_t limit) {
    return static_cast<std::size_t>(random.next_below(std::max<std::size_t>(1, limit)));
  };
  // Metadata lies at the beginning, and is a small part of the file.
  const auto reach =
      random.next_below(2) == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 8192);
  switch (random.next_below(4)) {
    case 0:
      bytes.resize(below(bytes.size()));
      break;
    case 1: {
      constexpr std::uint64_t kWild[] = {0,          1,          0xFFFF,    UINT32_MAX,
                                         UINT64_MAX, 1ULL << 63, 1ULL << 40};
      const auto value = kWild[below(std::size(kWild))];
      const auto at = below(reach - 8);
      for (std::size_t i = 0; i < 8; ++i)
        bytes[at + i] = static_cast<char>(value >> (8 * i) & 255U);
      break;
    }
    default:
      for (auto flips = 1 + random.next_below(8); flips > 0; --flips) {
        auto& byte = bytes[below(reach)];
        byte = static_cast<char>(byte ^ static_cast<char>(1 + random.next_below(255)));
      }
  }
  return bytes;
}

void run(char** arguments) {
  const auto good = read_file(arguments[1]);
  const auto vocabulary = Vocabulary::from_file(arguments[2]);
  const auto count = std::strtoull(arguments[3], nullptr, 10);
  const auto first = std::strtoull(arguments[5], nullptr, 10);
  const auto path = std::filesystem::path(arguments[4]) / "damaged.hdf5";
  std::uint64_t refused = 0, read = 0;
  for (auto i = first; i < first + count; ++i) {
    std::cerr << "damage " << i << "\n";  // the last line names what crashed
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << damaged(good, i);
    try {
      const ForeignShard shard(path);
      shard.read(0, shard.rows(), &vocabulary);
      ++read;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_data && error.kind() != ErrorKind::io) throw;
      if (error.message().find("damaged.hdf5") == std::string::npos) throw;
      ++refused;
    }
  }
  std::cout << refused << " " << read << "\n";
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  if (count != 6) return 64;
  bertha::run(arguments);
}
