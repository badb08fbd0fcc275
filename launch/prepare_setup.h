// What `prepare` refuses before it begins.
#pragma once

#include "launch/run_config.h"

namespace bertha {

// Error{usage}: something is missing, or was given that means nothing for this input. Foreign
// shards say nothing of documents that a seed could choose or that could be compared, and are
// converted by one thread a rank.
void check_prepare(const RunConfig& config);

}  // namespace bertha
