// Copies from far into shared memory that run on while their thread does other work; on the host
// they are done at once.
#pragma once

#include "trainer/kernels/cuda/twin.h"

namespace bertha::twin {

inline constexpr int kPieceBytes = 16;  // what one lane moves at once

// Queues the copy of 16 bytes, or of zeros.
BERTHA_TWIN void copy_piece(void* to, const void* from, bool there) {
#ifdef __CUDA_ARCH__
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
               "r"(there ? kPieceBytes : 0)
               : "memory");
#else
  if (there) memcpy(to, from, kPieceBytes);
  if (!there) memset(to, 0, kPieceBytes);
#endif
}
// Of eight numbers on a border of 16 bytes.
template <class T>
BERTHA_TWIN void copy_octet(T* to, const T* from) {
  constexpr int piece = kPieceBytes / static_cast<int>(sizeof(T));
  BERTHA_UNROLL
  for (int i = 0; i < kOctet; i += piece) copy_piece(to + i, from + i, true);
}
BERTHA_TWIN void copy_number(float* to, const float* from, bool there) {
#ifdef __CUDA_ARCH__
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from),
               "r"(there ? 4 : 0)
               : "memory");
#else
  *to = there ? *from : 0.0F;
#endif
}
// For what this thread has queued.
BERTHA_TWIN void wait_for_copies() {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

}  // namespace bertha::twin
