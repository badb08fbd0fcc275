// Sums over rows in two stages of fixed order: warps leave a line of partial sums each in scratch,
// then warps add the lines up. No atomics, so the same bits every time.
#pragma once

#include "parallel/base/error.h"
#include "trainer/kernels/cuda/warp.h"

namespace bertha::twin {

inline constexpr std::int64_t kMostParts = 1024, kFewestRows = 4;
inline constexpr std::int64_t kTile = kLanes * kOctet;  // columns of a warp that keeps to them
// 16 warps on each of 132 multiprocessors: all run at once, and none waits for a second round.
inline constexpr std::int64_t kTiledWarps = 2112;

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
template <int kHomes, bool kWhole>
struct AddPartsWork {
  const float* partials;
  std::int64_t parts, columns;
  float* homes[kHomes];

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t groups = (columns + kOctet - 1) / kOctet;
    const std::int64_t number = index / groups, column = index % groups * kOctet;
    const int count = octet_count<kWhole>(columns - column);
    float* home = homes[number];
    if (!home) return;
    typename W::template PerLane<Octet> sums(filled(0.0F));
    warp.each_lane([&](int lane) {
      const float* from = partials + number * columns + column;
      for (std::int64_t part = lane; part < parts; part += kLanes) {
        add(sums[lane], load<kWhole>(from + part * kHomes * columns, count));
      }
    });
    Octet sum = warp.combine(sums, [](Octet a, const Octet& b) {
      add(a, b);
      return a;
    });
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      add(sum, load<kWhole>(home + column, count));
      store<kWhole>(home + column, sum, count);
    });
  }
};
template <int kHomes, class Runner>
void add_parts(const float* partials, std::int64_t parts, std::int64_t columns,
               float* const (&homes)[kHomes], const Runner& runner) {
  bool whole = whole_rows(columns, partials);
  for (const auto* home : homes) whole = whole && vector_aligned(home);
  const auto run = [&](auto work) {
    work.partials = partials, work.parts = parts, work.columns = columns;
    for (int i = 0; i < kHomes; ++i) work.homes[i] = homes[i];
    runner.run(work, kHomes * ((columns + kOctet - 1) / kOctet), 0);
  };
  if (whole) return run(AddPartsWork<kHomes, true>{});
  run(AddPartsWork<kHomes, false>{});
}

// Column sums of what a step makes of each row: a warp keeps to 256 columns and goes down the rows
// of a part, sums in registers. A Step has
//   Column column(column, count)              what is the same for all rows
//   Row fetch(row, column, count)             loads only, kAhead rows before they are needed
//   Octet finish(Column, Row, row, column, count)
// each a template on kAligned; kTail says whether aligned rows may end inside an octet.
template <class Step, bool kAligned>
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
      const int count = octet_count < kAligned && !Step::kTail > (columns - column);
      const Octet sum = down(part * part_rows, end, column, count);
      store(partials + part * columns + column, sum, count);
    });
  }

  BERTHA_TWIN Octet down(std::int64_t begin, std::int64_t end, std::int64_t column,
                         int count) const {
    Octet sum = filled(0.0F);
    const auto same = step.template column<kAligned>(column, count);
    typename Step::Row ahead[Step::kAhead] = {};
    BERTHA_UNROLL
    for (int i = 0; i < Step::kAhead; ++i) {
      if (begin + i < end) ahead[i] = step.template fetch<kAligned>(begin + i, column, count);
    }
    for (std::int64_t first = begin; first < end; first += Step::kAhead) {
      BERTHA_UNROLL
      for (int i = 0; i < Step::kAhead; ++i) {
        const std::int64_t row = first + i;
        if (row >= end) continue;
        const auto now = ahead[i];
        if (row + Step::kAhead < end) {
          ahead[i] = step.template fetch<kAligned>(row + Step::kAhead, column, count);
        }
        add(sum, step.template finish<kAligned>(same, now, row, column, count));
      }
    }
    return sum;
  }
};
template <class Step, class Runner>
void sum_columns(const Step& step, std::int64_t rows, std::int64_t columns, float* home,
                 const KernelPlace& place, const Runner& runner) {
  const RowParts parts = tiled_parts(rows, columns);
  require_scratch(place, parts.count * columns);
  const std::int64_t count = parts.count * ((columns + kTile - 1) / kTile);
  if (step.aligned(columns)) {
    runner.run(ColumnSumWork<Step, true>{step, rows, columns, parts.rows, place.scratch}, count, 0);
  } else {
    runner.run(ColumnSumWork<Step, false>{step, rows, columns, parts.rows, place.scratch}, count,
               0);
  }
  add_parts(place.scratch, parts.count, columns, {home}, runner);
}

}  // namespace bertha::twin
