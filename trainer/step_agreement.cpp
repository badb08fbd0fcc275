// Rows of doubles by rank, judged in the same way everywhere. Each says where in the program its
// rank is, so that one gathering finds out whoever is elsewhere.
#include "trainer/step_agreement.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using Rows = std::vector<std::vector<double>>;

enum Place { kStart = 1, kEnd };  // of a step; the first number of a row
enum RowField { kPlace, kStep, kRowFields };
enum StartField {
  kBuckets = kRowFields,
  kBucketDigest,
  kMicroBatches,
  kPredictions,
  kSequences,
  kTokens,
  kLabels,
  kStartFields
};
enum EndField { kFlops = kRowFields, kStop, kSquares, kWork, kEndFields };

std::vector<double> row_at(Place place, std::int64_t step, std::size_t fields) {
  std::vector<double> row(fields);
  row[kPlace] = place;
  row[kStep] = static_cast<double>(step);
  return row;
}

// Rows of the start are of one length, those of the end hold sums, too.
bool is_at(const std::vector<double>& row, Place place) {
  if (row.size() <= kStep || row[kPlace] != static_cast<double>(place)) return false;
  return place == kStart ? row.size() == kStartFields : row.size() >= kEndFields;
}

std::string place_of(const std::vector<double>& row) {
  if (is_at(row, kStart)) return fmt::format("at the start of step {:.0f}", row[kStep] + 1);
  if (is_at(row, kEnd)) return fmt::format("at the end of step {:.0f}", row[kStep] + 1);
  return fmt::format("elsewhere in the program ({} numbers came from it)", row.size());
}

Rows gather_rows(Communicator& communicator, const std::vector<double>& mine) {
  auto rows = gather_doubles(communicator, mine);
  const auto place = static_cast<Place>(mine[kPlace]);
  const bool together = std::all_of(rows.begin(), rows.end(), [&](const auto& row) {
    return is_at(row, place) && row[kStep] == mine[kStep];
  });
  if (together) return rows;
  const auto first = place_of(rows.front());
  std::size_t rank = 1;
  while (place_of(rows[rank]) == first) ++rank;  // one differs, or all were where this rank is
  throw Error(ErrorKind::communication,
              fmt::format("the ranks are out of step: rank 0 is {}, rank {} {}", first, rank,
                          place_of(rows[rank])),
              "resume from the last checkpoint; if this comes again, compare programs and "
              "options of the ranks");
}

// The same buckets, the same number; exact as a double.
double digest_of(std::span<const std::int64_t> bucket_ends) {
  std::uint64_t digest = 1469598103934665603U;
  for (const auto end : bucket_ends) {
    digest = (digest ^ static_cast<std::uint64_t>(end)) * 1099511628211U;
  }
  return static_cast<double>(digest >> 12);
}

// All ranks know from the same rows that buckets differ, so all can be asked for theirs.
[[noreturn]] void throw_different_buckets(Communicator& communicator, std::size_t rank,
                                          std::span<const std::int64_t> bucket_ends) {
  const auto ends =
      gather_doubles(communicator, std::vector<double>(bucket_ends.begin(), bucket_ends.end()));
  const auto &first = ends.front(), &other = ends[rank];
  std::size_t bucket = 0;
  while (bucket < first.size() && bucket < other.size() && first[bucket] == other[bucket]) ++bucket;
  const auto end_in = [&](const std::vector<double>& buckets) {
    return bucket < buckets.size() ? fmt::format("ends at element {:.0f}", buckets[bucket])
                                   : std::string("does not exist");
  };
  throw Error(
      ErrorKind::communication,
      fmt::format("the ranks cut the gradient differently: into {} buckets on rank 0, into "
                  "{} on rank {}; bucket {} {} on rank 0 and {} on rank {}",
                  first.size(), other.size(), rank, bucket + 1, end_in(first), end_in(other), rank),
      "give all ranks the same program, model and parallel.bucket_bytes");
}

void require_same_buckets(Communicator& communicator, const Rows& rows,
                          std::span<const std::int64_t> bucket_ends) {
  for (std::size_t rank = 1; rank < rows.size(); ++rank) {
    if (rows[rank][kBuckets] != rows[0][kBuckets] ||
        rows[rank][kBucketDigest] != rows[0][kBucketDigest]) {
      throw_different_buckets(communicator, rank, bucket_ends);
    }
  }
}

}  // namespace

GlobalBatch agree_on_batch(Communicator& communicator, const LocalBatch& local,
                           const StepIdentity& identity) {
  const auto& counts = local.counts;
  auto mine = row_at(kStart, identity.step, kStartFields);
  mine[kBuckets] = static_cast<double>(identity.bucket_ends.size());
  mine[kBucketDigest] = digest_of(identity.bucket_ends);
  mine[kMicroBatches] = static_cast<double>(local.micro_batches);
  mine[kPredictions] = counts.predictions;
  mine[kSequences] = counts.sequences;
  mine[kTokens] = counts.tokens;
  mine[kLabels] = counts.labels;
  const auto rows = gather_rows(communicator, mine);
  require_same_buckets(communicator, rows, identity.bucket_ends);
  GlobalBatch batch;
  for (const auto& row : rows) {
    batch.micro_batches_by_rank.push_back(std::llround(row[kMicroBatches]));
    batch.totals.predictions += row[kPredictions];
    batch.totals.sequences += row[kSequences];
    batch.totals.tokens += row[kTokens];
    batch.totals.labels += row[kLabels];
  }
  return batch;
}

StepOutcome agree_on_outcome(Communicator& communicator, const StepOutcome& mine, std::int64_t step,
                             std::size_t width) {
  auto values = row_at(kEnd, step, kEndFields);
  values[kFlops] = mine.flops;
  values[kStop] = mine.stop_wanted ? 1 : 0;
  values[kSquares] = mine.gradient_squares;
  values[kWork] = mine.work_seconds.empty() ? 0 : mine.work_seconds.front();
  values.insert(values.end(), mine.sums.begin(), mine.sums.end());
  auto rows = gather_rows(communicator, values);
  StepOutcome outcome;
  for (auto& row : rows) {
    outcome.flops += row[kFlops];
    outcome.gradient_squares += row[kSquares];
    outcome.stop_wanted |= row[kStop] > 0;
    outcome.work_seconds.push_back(row[kWork]);
    row.erase(row.begin(), row.begin() + kEndFields);
    const bool finite =
        std::all_of(row.begin(), row.end(), [](double value) { return std::isfinite(value); });
    if (!finite && outcome.broken_rank < 0) {
      outcome.broken_rank = static_cast<int>(outcome.work_seconds.size()) - 1;
    }
  }
  outcome.sums = sum_rows(rows, width);
  return outcome;
}

}  // namespace bertha
