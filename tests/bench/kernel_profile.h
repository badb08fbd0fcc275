// Which kernels a stretch of work spends its time in: LibTorch's own profiler (Kineto), which sees
// every kernel of the process on a GPU and ATen's operators on the CPU.
#pragma once

#include <functional>
#include <string>

#include <c10/core/Device.h>

namespace bertha {

// Runs `work`, which does `steps` steps and waits for the device, and returns a table: per kernel
// launches and milliseconds a step, share of the whole. Its last line is of all: on a GPU the time
// in which at least one ran, so that what is missing from 100 % is what the device stood idle.
// Writes the trace (chrome://tracing, Perfetto) to `trace_file` unless that is empty.
std::string profile_kernels(c10::Device device, int steps, const std::function<void()>& work,
                            const std::string& trace_file);

}  // namespace bertha
