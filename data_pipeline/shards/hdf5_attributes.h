// Looks over the attributes of the root group in files of HDF5's oldest format, which has no
// checksums there: versions of the library up to 1.10 take lengths in them on trust and read behind
// the end of what they have. Newer formats, `prepare`'s too, have checksums that the library
// checks.
#pragma once

#include <string>

namespace bertha {

// Error{bad_data} when an attribute says more than its message holds, or is of a kind that shards
// do not have. Error{io}.
void check_attributes(const std::string& path);

}  // namespace bertha
