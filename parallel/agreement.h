// Ranks never disagree silently: small collectives on the host that make everyone decide alike.
#pragma once

#include <exception>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "parallel/communicator.h"

namespace bertha {

// Everyone's doubles, by rank; lengths may differ.
std::vector<std::vector<double>> gather_doubles(Communicator& communicator,
                                                std::span<const double> mine);

// Sum of rows of `width` doubles, any number of them with each rank: one after the other, the rows
// of rank 0 first, so that only their order counts, and not where one rank's end.
std::vector<double> sum_rows(const std::vector<std::vector<double>>& rows_by_rank,
                             std::size_t width);

// Sums over ranks of a few doubles; the same on every rank, in rank order.
std::vector<double> agree_sum(Communicator& communicator, std::span<const double> mine);

// Runs `work` on every rank; if it threw on any, the error of the lowest failing rank is thrown on
// all of them (its message says which rank). Collective.
void agree_or_throw(Communicator& communicator, const std::function<void()>& work);

// Error{usage} on every rank unless all pass the same text (a configuration digest, say).
void require_equal(Communicator& communicator, std::string_view what, std::string_view mine);

}  // namespace bertha
