// Gradients of embeddings: through the norm, then to the tables' rows in the order of sorted ids,
// so that additions come in a fixed order. A warp goes down one stretch of the sorted rows, 256
// columns wide; a run of equal ids that crosses stretches is put together afterwards.
#pragma once

#include "trainer/kernels/cuda/row_norm_twin.h"

namespace bertha::twin {

inline constexpr std::int64_t kFewestStretchRows = 64;

template <class T>
struct ScatterJob {
  SortedIds sorted;
  std::int64_t rows, columns, skipped;  // skipped: an id that gets no gradient; -1: none
  const T* gradient;
  float* table;          // [ids, columns], added to
  std::int64_t stretch;  // rows of one
  float *heads, *tails;  // [stretches, columns]: parts of runs that cross a border
};

template <class T>
struct ScatterWork {
  ScatterJob<T> job;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t tiles = (job.columns + kTile - 1) / kTile, stretch = index / tiles;
    warp.each_lane([&](int lane) {
      const std::int64_t column = index % tiles * kTile + lane * kOctet;
      if (column >= job.columns) return;
      walk(stretch, column, static_cast<int>(smaller(kOctet, job.columns - column)));
    });
  }

  BERTHA_TWIN void walk(std::int64_t stretch, std::int64_t column, int count) const {
    const std::int64_t* ids = job.sorted.ids;
    const std::int64_t begin = stretch * job.stretch;
    const std::int64_t end = smaller(job.rows, begin + job.stretch);
    bool open = begin > 0 && ids[begin - 1] == ids[begin];  // the run began before
    Octet sum = filled(0.0F);
    for (std::int64_t i = begin; i < end; ++i) {
      add(sum, load(job.gradient + job.sorted.rows[i] * job.columns + column, count));
      const bool goes_on = i + 1 < job.rows && ids[i + 1] == ids[i];
      if (goes_on && i + 1 < end) continue;
      if (open) {
        store(job.heads + stretch * job.columns + column, sum, count);
      } else if (goes_on) {
        store(job.tails + stretch * job.columns + column, sum, count);
      } else {
        add_to_table(ids[i], column, sum, count);
      }
      open = false;
      sum = filled(0.0F);
    }
  }

  BERTHA_TWIN void add_to_table(std::int64_t id, std::int64_t column, Octet sum, int count) const {
    if (id == job.skipped) return;
    float* home = job.table + id * job.columns + column;
    add(sum, load(home, count));
    store(home, sum, count);
  }
};

// Runs that begin in a stretch and end in a later one.
template <class T>
struct JoinWork {
  ScatterJob<T> job;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t tiles = (job.columns + kTile - 1) / kTile, stretch = index / tiles;
    const std::int64_t* ids = job.sorted.ids;
    const std::int64_t begin = stretch * job.stretch, end = begin + job.stretch;
    if (end >= job.rows || ids[end] != ids[end - 1]) return;
    if (begin > 0 && ids[begin - 1] == ids[end - 1]) return;  // it began before this stretch
    warp.each_lane([&](int lane) {
      const std::int64_t column = index % tiles * kTile + lane * kOctet;
      if (column >= job.columns) return;
      const int count = static_cast<int>(smaller(kOctet, job.columns - column));
      Octet sum = load(job.tails + stretch * job.columns + column, count);
      for (std::int64_t s = stretch + 1; s * job.stretch < job.rows; ++s) {
        if (ids[s * job.stretch] != ids[end - 1]) break;
        add(sum, load(job.heads + s * job.columns + column, count));
      }
      ScatterWork<T>{job}.add_to_table(ids[end - 1], column, sum, count);
    });
  }
};

template <class T, class Runner>
void scatter(ScatterJob<T> job, const KernelPlace& place, const Runner& runner) {
  const std::int64_t each = (job.rows + kMostParts - 1) / kMostParts;
  job.stretch = each < kFewestStretchRows ? kFewestStretchRows : each;
  const std::int64_t stretches = (job.rows + job.stretch - 1) / job.stretch;
  require_scratch(place, 2 * stretches * job.columns);
  job.heads = place.scratch;
  job.tails = place.scratch + stretches * job.columns;
  const std::int64_t tiles = (job.columns + kTile - 1) / kTile;
  runner.run(ScatterWork<T>{job}, stretches * tiles, 0);
  runner.run(JoinWork<T>{job}, stretches * tiles, 0);
}

template <class T, class Runner>
void embedding_backward(const EmbeddingGradientJob<T>& job, const KernelPlace& place,
                        const Runner& runner) {
  norm_gradient(
      NormGradientJob<T>{job.rows, job.rows.row_count, job.columns, job.gradient, job.more_gradient,
                         job.normalised, job.scale, job.inverse_deviation, job.gradient, nullptr,
                         twin_dropout(job.dropout), true},
      {job.scale_gradient, job.shift_gradient, nullptr}, place, runner);
  float* const tables[3] = {job.words, job.segment_table, job.position_table};
  for (int i = 0; i < 3; ++i) {
    scatter(ScatterJob<T>{job.sorted[i], job.rows.row_count, job.columns, i == 0 ? job.padding : -1,
                          job.gradient, tables[i], 0, nullptr, nullptr},
            place, runner);
  }
}

}  // namespace bertha::twin
