// Wording of failed communication calls.
#include "parallel/native_check.h"

#include <array>

#include <fmt/format.h>
#include <mpi.h>

#include "parallel/base/error.h"

namespace bertha {

void throw_communication_error(std::string_view call, std::string_view reason,
                               std::source_location where) {
  throw Error(ErrorKind::communication, fmt::format("{} failed: {}", call, reason),
              "look for the first error of another rank or node; a run resumes from its last "
              "checkpoint",
              where);
}

void check_mpi(int result, std::string_view call, std::source_location where) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(result, text.data(), &length) != MPI_SUCCESS || length <= 0) {
    throw_communication_error(call, fmt::format("MPI error {}", result), where);
  }
  throw_communication_error(call, {text.data(), static_cast<std::size_t>(length)}, where);
}

}  // namespace bertha
