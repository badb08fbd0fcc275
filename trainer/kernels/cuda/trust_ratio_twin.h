// LAMB's trust ratio, for both sides.
#pragma once

#include "trainer/kernels/cuda/twin.h"

namespace bertha::twin {

BERTHA_TWIN double bounded(double value, double least, double most) {
  const double raised = value < least ? least : value;
  return most > 0 && raised > most ? most : raised;
}

// phi(||weights||) / ||update||, and 1 where either is zero.
BERTHA_TWIN double trust_ratio(const LambSums& sums, const TrustBounds& bounds) {
  const double norm = bounded(sqrt(sums.weights), bounds.norm_min, bounds.norm_max);
  if (!(norm > 0 && sums.update > 0)) return 1.0;
  return bounded(norm / sqrt(sums.update), bounds.ratio_min, bounds.ratio_max);
}

}  // namespace bertha::twin
