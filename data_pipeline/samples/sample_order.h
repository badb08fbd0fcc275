// The order in which an epoch's samples are trained: a keyed permutation of [0, size), computed
// point by point (Feistel network with cycle walking), so nothing is stored and any place is
// reached at once. Pure.
#pragma once

#include <cstdint>

#include "parallel/base/philox.h"

namespace bertha {

class SampleOrder {
 public:
  // Another `purpose` is another order of the same seed and epoch.
  SampleOrder(std::uint64_t size, std::uint64_t seed, std::uint32_t epoch,
              RandomPurpose purpose = RandomPurpose::sample_order);
  std::uint64_t size() const { return size_; }
  std::uint64_t at(std::uint64_t place) const;  // place < size()

 private:
  std::uint64_t permute(std::uint64_t value) const;  // of [0, 4^half_bits)

  std::uint64_t size_, seed_;
  std::uint32_t epoch_;
  RandomPurpose purpose_;
  int half_bits_;
};

}  // namespace bertha
