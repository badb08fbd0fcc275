// Memory that this process holds, for metrics.
#pragma once

#include <c10/core/Device.h>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// Of the host, now and the most since the program began; 0 where the system does not say.
double resident_bytes();
double peak_resident_bytes();

// memory_bytes and peak_memory_bytes of the host, and on an accelerator device_memory_bytes: the
// most that LibTorch's allocator has held of it.
void add_memory(MetricsEvent& event, c10::Device device);

}  // namespace bertha
