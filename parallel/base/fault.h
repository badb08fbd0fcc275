// Faults on purpose, for tests: BERTHA_FAULT=rank:place:step:kind makes one rank go wrong at a
// place of the program. Without that variable nothing here does anything.
#pragma once

#include <cstdint>

namespace bertha {

// Reads BERTHA_FAULT for this rank. Error{usage} when it cannot be read.
void arm_fault(int rank);

// How many updates are done; a fault waits for its step.
void set_fault_step(std::int64_t step);

// Any thread: the program is at `place` ("data", "forward", "reduction", "optimizer"; "save",
// before a file is flushed; "written", before it is read back; "check", at a piece of a checkpoint
// that is compared with its manifest; "tokenize", "shard", "count", in the stages of `prepare` and
// `vocab`; "evaluate", "predict", before a micro-batch is judged or predicted; "end", when a
// command is done). The fault that is meant happens here, once: it throws, or ends or stops the
// process, or sleeps (every time). True: the caller shall spoil what it has (kind nan).
bool inject_fault(const char* place);

}  // namespace bertha
