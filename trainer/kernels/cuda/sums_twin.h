// Sums over rows in two stages of fixed order: warps leave a line of partial sums each in scratch,
// then warps add the lines up. No atomics, so the same bits every time.
#pragma once

#include "parallel/base/error.h"
#include "trainer/kernels/cuda/warp.h"

namespace bertha::twin {

inline constexpr std::int64_t kMostParts = 1024, kFewestRows = 4;
inline constexpr std::int64_t kTile = kLanes * kOctet;  // columns of a warp that keeps to them
inline constexpr std::int64_t kTiledWarps = 4096;       // about as many as fill a GPU

struct RowParts {
  std::int64_t count, rows;  // parts, rows of each but the last
};
inline RowParts row_parts(std::int64_t rows, std::int64_t most) {
  const std::int64_t each = (rows + most - 1) / most;
  const RowParts parts{0, each < kFewestRows ? kFewestRows : each};
  return {(rows + parts.rows - 1) / parts.rows, parts.rows};
}
inline RowParts tiled_parts(std::int64_t rows, std::int64_t columns) {
  const std::int64_t tiles = (columns + kTile - 1) / kTile;
  const std::int64_t wanted = kTiledWarps / (tiles < 1 ? 1 : tiles);
  return row_parts(rows, wanted < 1 ? 1 : smaller(wanted, kMostParts));
}

inline void require_scratch(const KernelPlace& place, std::int64_t floats) {
  if (floats <= place.scratch_floats) return;
  throw Error(ErrorKind::internal, "a kernel wants more scratch memory than it was given");
}

// partials [parts][homes][columns] -> added to the homes; null homes want nothing.
template <int kHomes>
struct AddPartsWork {
  const float* partials;
  std::int64_t parts, columns;
  float* homes[kHomes];

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t groups = (columns + kOctet - 1) / kOctet;
    const std::int64_t number = index / groups, column = index % groups * kOctet;
    const int count = static_cast<int>(smaller(kOctet, columns - column));
    float* home = homes[number];
    if (!home) return;
    typename W::template PerLane<Octet> sums(filled(0.0F));
    warp.each_lane([&](int lane) {
      for (std::int64_t part = lane; part < parts; part += kLanes) {
        add(sums[lane], load(partials + (part * kHomes + number) * columns + column, count));
      }
    });
    Octet sum = warp.combine(sums, [](Octet a, const Octet& b) {
      add(a, b);
      return a;
    });
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      add(sum, load(home + column, count));
      store(home + column, sum, count);
    });
  }
};
template <int kHomes, class Runner>
void add_parts(const AddPartsWork<kHomes>& work, const Runner& runner) {
  runner.run(work, kHomes * ((work.columns + kOctet - 1) / kOctet), 0);
}

// Column sums of what step(row, column, count) gives: a warp keeps to 256 columns and goes down the
// rows of a part, sums in registers.
template <class Step>
struct ColumnSumWork {
  Step step;
  std::int64_t rows, columns, part_rows;
  float* partials;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t tiles = (columns + kTile - 1) / kTile;
    const std::int64_t part = index / tiles;
    const std::int64_t end = smaller(rows, (part + 1) * part_rows);
    warp.each_lane([&](int lane) {
      const std::int64_t column = index % tiles * kTile + lane * kOctet;
      if (column >= columns) return;
      const int count = static_cast<int>(smaller(kOctet, columns - column));
      Octet sum = filled(0.0F);
      for (std::int64_t row = part * part_rows; row < end; ++row)
        add(sum, step(row, column, count));
      store(partials + part * columns + column, sum, count);
    });
  }
};
template <class Step, class Runner>
void sum_columns(const Step& step, std::int64_t rows, std::int64_t columns, float* home,
                 const KernelPlace& place, const Runner& runner) {
  const RowParts parts = tiled_parts(rows, columns);
  require_scratch(place, parts.count * columns);
  runner.run(ColumnSumWork<Step>{step, rows, columns, parts.rows, place.scratch},
             parts.count * ((columns + kTile - 1) / kTile), 0);
  add_parts(AddPartsWork<1>{place.scratch, parts.count, columns, {home}}, runner);
}

}  // namespace bertha::twin
