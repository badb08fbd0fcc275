// Moments kept in bf16, a piece at a time: widened for the fp32 kernels and rounded back at random.
#pragma once

#include <algorithm>
#include <cstdint>

#include "trainer/kernels/kernels.h"

namespace bertha {

inline constexpr std::int64_t kMomentPiece = 2048;  // elements: stays in the first cache
struct MomentPiece {
  alignas(64) float first[kMomentPiece];
  alignas(64) float second[kMomentPiece];
};

// Elements [begin, begin + count) of `moments`.
void widen_moments(const RoundedMoments& moments, std::int64_t begin, std::int64_t count,
                   MomentPiece& piece);
void round_moments(const MomentPiece& piece, std::int64_t step, const RoundedMoments& moments,
                   std::int64_t begin, std::int64_t count);

// Calls work(part) for jobs with fp32 moments that together are [begin, end) of `job`. `changed`:
// they are written back.
template <class Job, class Work>
void over_moment_pieces(const Job& job, std::int64_t begin, std::int64_t end, bool changed,
                        Work work) {
  MomentPiece piece;
  for (std::int64_t at = begin; at < end; at += kMomentPiece) {
    Job part = job;
    part.count = std::min(kMomentPiece, end - at);
    part.weights += at;
    part.gradient += at;
    part.first_moment = piece.first;
    part.second_moment = piece.second;
    widen_moments(job.rounded, at, part.count, piece);
    work(part);
    if (changed) round_moments(piece, job.step, job.rounded, at, part.count);
  }
}

}  // namespace bertha
