// The machine that the program runs on, for bug reports.
#pragma once

#include <string>

namespace bertha {

// System, processor with the instructions LibTorch uses, memory: a line each, "name value".
std::string machine_text();

}  // namespace bertha
