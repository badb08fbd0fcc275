// Rows of a head, 64 numbers of bf16, in shared and in far memory; copies between them, and loads
// into the registers of a warp.
#pragma once

#include "trainer/kernels/cuda/copies.h"
#include "trainer/kernels/cuda/tiles.h"

namespace bertha::twin {

inline constexpr int kHeadSize = FlashAttentionJob::kHeadSize;
inline constexpr int kPieces = kHeadSize / kOctet;  // of 16 bytes, in a row

// Rows of 64 numbers in shared memory. The pieces of a row stand in an order that depends on the
// row, so that eight rows' pieces of one number lie in different banks.
struct SharedRows {
  Bf16* memory;

  BERTHA_TWIN Bf16* piece(int row, int number) const {
    return memory + row * kHeadSize + (number ^ (row % kPieces)) * kOctet;
  }
  BERTHA_TWIN SharedRows from(int row) const {  // a multiple of eight
    return {memory + row * kHeadSize};
  }
};
// Rows of a head in far memory, so many bytes apart.
template <class T>
struct FarRows {
  T* memory;
  int row_bytes;

  BERTHA_TWIN T* piece(int number, int piece) const {
    const auto offset = static_cast<std::int64_t>(number) * row_bytes;  // one instruction
    return const_cast<T*>(
               reinterpret_cast<const T*>(reinterpret_cast<const char*>(memory) + offset)) +
           piece * kOctet;
  }
};

// Rows of `heads * 64` numbers, from `begin` on, at the head's columns.
template <class T>
BERTHA_TWIN FarRows<T> rows_of_head(T* matrix, std::int64_t begin, std::int64_t row,
                                    std::int64_t head) {
  return {matrix + begin * row + head * kHeadSize, static_cast<int>(row * sizeof(T))};
}

// Queues the copy of rows first ... first + kCount; rows from `end` on become zeros, first is
// before it.
template <int kCount, class B>
BERTHA_TWIN void copy_rows(const B& block, SharedRows to, FarRows<const Bf16> from, int first,
                           int end) {
  constexpr int at_once = kBlockThreads / kPieces;
  static_assert(at_once % kPieces == 0 && kCount % at_once == 0);
  block.each_thread([&](int thread) {
    const int row = thread / kPieces, piece = thread % kPieces;
    Bf16* place = to.piece(row, piece);  // the others lie in the same order
    BERTHA_UNROLL
    for (int i = 0; i < kCount; i += at_once) {
      const int number = first + row + i;
      copy_piece(place + i * kHeadSize, from.piece(number < end ? number : end - 1, piece),
                 number < end);
    }
  });
}

// Sixteen rows and columns as the left matrix of a product.
template <class L>
BERTHA_TWIN void load_left(typename L::template Each<Words>& to, SharedRows rows, int first,
                           int depth) {
  load_matrices<L, false>(
      to, [&](int lane) { return rows.piece(first + lane % 16, 2 * depth + lane / 16); });
}
// Sixteen rows, each a column of the right matrix: words 0, 1 are its first eight columns, 2, 3 the
// others.
template <class L>
BERTHA_TWIN void load_right(typename L::template Each<Words>& to, SharedRows rows, int first,
                            int depth) {
  load_matrices<L, false>(to, [&](int lane) {
    return rows.piece(first + lane % 8 + lane / 16 * 8, 2 * depth + lane / 8 % 2);
  });
}
// Sixteen rows, each a row of the right matrix, and sixteen of its columns.
template <class L>
BERTHA_TWIN void load_right_as_it_lies(typename L::template Each<Words>& to, SharedRows rows,
                                       int first, int column_step) {
  load_matrices<L, true>(
      to, [&](int lane) { return rows.piece(first + lane % 16, 2 * column_step + lane / 16); });
}

}  // namespace bertha::twin
