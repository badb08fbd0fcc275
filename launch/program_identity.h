// Which program this is, to find ranks that were started with another one.
#pragma once

#include <string>

namespace bertha {

// Versions of Bertha and its libraries, a line each, and the linker's build id of this executable
// where there is one.
std::string program_identity();

}  // namespace bertha
