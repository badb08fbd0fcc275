// Which of the job's processes this is.
#pragma once

namespace bertha {

struct RankInfo {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;  // among the ranks on this node
  int local_size = 1;

  bool is_root() const { return rank == 0; }
  bool operator==(const RankInfo&) const = default;
};

}  // namespace bertha
