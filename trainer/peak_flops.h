// How fast this process can multiply matrices: the yardstick of model FLOPs utilization.
#pragma once

#include <ATen/core/Tensor.h>

#include "parallel/communicator.h"
#include "trainer/model/precision.h"

namespace bertha {

// FLOP/s of the best of a few square matrix products in this precision on this device with the
// current number of threads. Takes a fraction of a second.
double measure_peak_flops(Precision precision, at::Device device);
// That of all ranks together. Collective.
double agreed_peak_flops(Precision precision, at::Device device, Communicator& communicator);

}  // namespace bertha
