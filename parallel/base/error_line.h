// An error as users see it: one line, the last that the program says.
#pragma once

#include <string>

#include "parallel/base/error.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// "bertha: error: rank 1: WHAT (WHERE); REMEDY" and a line feed, whatever these hold. The rank is
// named where it is one of several.
std::string error_line(const Error& error, const RankInfo& rank);
// Straight to standard error: works also while another thread is stuck with the log's lock.
void print_line(const std::string& line);

}  // namespace bertha
