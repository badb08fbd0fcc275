// A communicator that tells the watchdog of every collective: its name, number and size, and how
// long this rank was blocked in it.
#pragma once

#include <memory>

#include "parallel/communicator.h"
#include "parallel/watchdog.h"

namespace bertha {

// Both must outlive the result.
std::unique_ptr<Communicator> watch_communicator(Communicator& inner, Watchdog& watchdog);

}  // namespace bertha
