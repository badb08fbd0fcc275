// Inverse transform sampling of a truncated normal from counter-based uniform numbers.
#include "trainer/model/initial_weights.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "parallel/base/philox.h"

namespace bertha {
namespace {

// 64-bit FNV-1a (Fowler, Noll, Vo).
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;
  }
  return hash;
}

// In (0, 1): the middle of one of 2^53 equal steps.
double uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32) | low;
  return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53;
}

}  // namespace

at::Tensor truncated_normal(const std::string& name, std::int64_t elements, double range,
                            std::uint64_t seed) {
  constexpr std::int64_t kPiece = 1 << 18;         // bounds the memory of the double numbers
  constexpr double kBelow = 0.022750131948179207;  // normal distribution function at -2
  constexpr double kBetween = 1.0 - 2.0 * kBelow;  // probability between -2 and 2
  const Philox random(seed, RandomPurpose::initial_weights, hash_of(name));
  auto weights = at::empty({elements}, at::kFloat);
  for (std::int64_t begin = 0; begin < elements; begin += kPiece) {
    const auto count = std::min(kPiece, elements - begin);
    auto probabilities = at::empty({count}, at::kDouble);
    auto* out = probabilities.data_ptr<double>();
    for (std::int64_t i = 0; i < count; i += 2) {
      const auto words = random.block(static_cast<std::uint32_t>((begin + i) / 2));
      out[i] = kBelow + kBetween * uniform(words[0], words[1]);
      if (i + 1 < count) out[i + 1] = kBelow + kBetween * uniform(words[2], words[3]);
    }
    weights.narrow(0, begin, count).copy_(at::special_ndtri(probabilities).mul_(range));
  }
  return weights;
}

}  // namespace bertha
