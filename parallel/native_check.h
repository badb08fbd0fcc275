// Turns results of MPI (and NCCL) calls into Error{communication} with the caller's place.
#pragma once

#include <source_location>
#include <string_view>

namespace bertha {

// Throws unless `result` is MPI_SUCCESS. `call` is the name of the MPI function.
void check_mpi(int result, std::string_view call,
               std::source_location where = std::source_location::current());

// "<call> failed: <reason>", with what a user can do about a failed communication.
[[noreturn]] void throw_communication_error(
    std::string_view call, std::string_view reason,
    std::source_location where = std::source_location::current());

}  // namespace bertha
