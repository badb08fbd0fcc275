// Looks over the parts of an HDF5 file that the library trusts blindly: it crashes on a damaged
// "global heap", where texts of variable length lie, and on a damaged "local heap", where files of
// the oldest format have the names of datasets. All else that we let it write has checksums.
#pragma once

#include <string>

namespace bertha {

// Error{bad_data} when a heap near the beginning or end of the file (where small metadata lies) is
// damaged. Error{io}.
void check_text_heaps(const std::string& path);
void check_name_heaps(const std::string& path);

}  // namespace bertha
