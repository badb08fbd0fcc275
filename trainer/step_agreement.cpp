// Rows of doubles by rank, judged in the same way everywhere.
#include "trainer/step_agreement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

enum Field { kStep, kPlan, kMicroBatches, kPredictions, kSequences, kTokens, kLabels, kFields };
enum OutcomeField { kFlops, kStop, kNorm, kWork, kOutcomeFields };

void require_same(const std::vector<std::vector<double>>& fields, Field field, const char* what) {
  for (std::size_t rank = 1; rank < fields.size(); ++rank) {
    const double first = fields[0][field], other = fields[rank][field];
    if (first == other) continue;
    throw Error(
        ErrorKind::communication,
        fmt::format("the ranks are out of step: {} is {:.0f} on rank 0 and {:.0f} on rank {}", what,
                    first, other, rank),
        "resume from the last checkpoint; if this comes again, compare programs and "
        "options of the ranks");
  }
}

}  // namespace

GlobalBatch agree_on_batch(Communicator& communicator, const LocalBatch& local,
                           const StepIdentity& identity) {
  const auto& counts = local.counts;
  std::vector<double> mine(kFields);
  mine[kStep] = static_cast<double>(identity.step);
  mine[kPlan] = identity.plan_digest;
  mine[kMicroBatches] = static_cast<double>(local.micro_batches);
  mine[kPredictions] = counts.predictions;
  mine[kSequences] = counts.sequences;
  mine[kTokens] = counts.tokens;
  mine[kLabels] = counts.labels;
  const auto fields = gather_doubles(communicator, mine);
  GlobalBatch batch;
  for (std::size_t rank = 0; rank < fields.size(); ++rank) {
    if (fields[rank].size() == kFields) continue;
    throw Error(ErrorKind::communication,
                fmt::format("the ranks are out of step: rank {} is not at the start of step {}",
                            rank, identity.step + 1));
  }
  require_same(fields, kStep, "the number of finished steps");
  require_same(fields, kPlan, "the digest of the gradient's buckets");
  for (const auto& of_rank : fields) {
    batch.micro_batches_by_rank.push_back(std::llround(of_rank[kMicroBatches]));
    batch.totals.predictions += of_rank[kPredictions];
    batch.totals.sequences += of_rank[kSequences];
    batch.totals.tokens += of_rank[kTokens];
    batch.totals.labels += of_rank[kLabels];
  }
  return batch;
}

StepOutcome agree_on_outcome(Communicator& communicator, const StepOutcome& mine,
                             std::size_t width) {
  std::vector<double> values(kOutcomeFields);
  values[kFlops] = mine.flops;
  values[kStop] = mine.stop_wanted ? 1 : 0;
  values[kNorm] = mine.gradient_norm;
  values[kWork] = mine.work_seconds.empty() ? 0 : mine.work_seconds.front();
  values.insert(values.end(), mine.sums.begin(), mine.sums.end());
  auto rows = gather_doubles(communicator, values);
  StepOutcome outcome;
  outcome.gradient_norm = rows.front()[kNorm];
  for (auto& row : rows) {
    outcome.flops += row[kFlops];
    outcome.stop_wanted |= row[kStop] > 0;
    outcome.work_seconds.push_back(row[kWork]);
    row.erase(row.begin(), row.begin() + kOutcomeFields);
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
