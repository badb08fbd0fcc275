// Forward passes without gradients, summed over ranks.
#include "trainer/evaluator.h"

#include <chrono>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "parallel/agreement.h"
#include "parallel/base/fault.h"

namespace bertha {

Evaluation evaluate(Communicator& communicator, Task& task, std::span<const Batch> batches,
                    Watchdog& watchdog, const std::function<void(std::size_t)>& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const at::NoGradGuard no_gradient;
  // Sums are divided by their own counts afterwards, so the divisor of the loss does not matter.
  const BatchTotals unit{1, 1, 1, 1};
  std::vector<double> rows;  // a micro-batch each
  for (const auto& batch : batches) {
    watchdog.report("validation");
    inject_fault("evaluate");
    const auto sums = task.forward(batch, unit, {}).sums.to(at::kCPU);
    rows.insert(rows.end(), sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel());
    const auto counts = count_batches({&batch, 1});
    rows.insert(rows.end(), {counts.predictions, counts.sequences, counts.tokens});
    if (progress) progress(static_cast<std::size_t>(&batch - batches.data()) + 1);
  }
  const auto count = static_cast<std::size_t>(task.sum_count());
  const auto agreed = sum_rows(gather_doubles(communicator, rows), count + 3);

  Evaluation evaluation;
  evaluation.scores = task.scores(std::span(agreed).first(count));
  evaluation.totals = {agreed[count], agreed[count + 1], agreed[count + 2], 0};
  evaluation.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return evaluation;
}

}  // namespace bertha
