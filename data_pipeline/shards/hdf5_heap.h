// Looks over the part of an HDF5 file that the library trusts blindly: it crashes on a damaged
// "global heap", where texts of variable length lie. All else that we let it write has checksums.
#pragma once

#include <string>

namespace bertha {

// Error{bad_data} when a heap near the beginning or end of the file (where small metadata lies) is
// damaged. Error{io}.
void check_text_heaps(const std::string& path);

}  // namespace bertha
