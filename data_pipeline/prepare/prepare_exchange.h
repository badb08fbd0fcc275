// Steps that all ranks take together: each hands its result to all, or all fail with one error.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data_pipeline/prepare/prepare.h"
#include "parallel/base/error.h"
#include "parallel/base/rank_info.h"

namespace bertha {

class RankExchange {
 public:
  RankExchange(const RankInfo& rank, const GatherBytes& gather) : rank_(rank), gather_(gather) {}

  // Does `step` here and gives the results of all ranks. When it throws on any rank, every rank
  // runs `clean_up`, waits until all have, and throws the error of the lowest such rank: so nothing
  // is left behind even if the caller then ends the whole job.
  std::vector<std::string> run(const std::function<std::string()>& step,
                               const std::function<void(const Error&)>& clean_up) const;

 private:
  const RankInfo& rank_;
  const GatherBytes& gather_;
};

// Thrown by a step that gives up because another rank failed, and will say why.
class OtherRankFailed {};

}  // namespace bertha
