// Bipartite matching by augmenting paths: ranks on one side, GPUs on the other.
#include "launch/gpu_matching.h"

#include <algorithm>
#include <map>
#include <set>

namespace bertha {
namespace {

class Matching {
 public:
  explicit Matching(const std::vector<std::vector<std::string>>& seen)
      : seen_(seen), gpus_(seen.size(), -1) {}

  bool find_for(std::size_t rank) {
    std::set<std::string> tried;
    return move(rank, tried);
  }

  const std::vector<int>& gpus() const { return gpus_; }
  std::size_t owner(const std::string& gpu) const { return owners_.at(gpu); }

 private:
  // Every GPU is tried once for one rank that seeks: the path is no longer than there are GPUs on
  // its machine.
  bool move(std::size_t rank, std::set<std::string>& tried) {
    const auto& ids = seen_[rank];
    const auto free = std::ranges::find_if_not(ids, [&](const auto& id) { return taken(id); });
    if (free != ids.end()) return take(rank, *free);
    for (const auto& id : ids) {
      if (tried.insert(id).second && move(owners_.at(id), tried)) return take(rank, id);
    }
    return false;
  }

  bool taken(const std::string& gpu) const { return owners_.contains(gpu); }

  bool take(std::size_t rank, const std::string& gpu) {
    const auto& ids = seen_[rank];
    gpus_[rank] = static_cast<int>(std::ranges::find(ids, gpu) - ids.begin());
    owners_[gpu] = rank;
    return true;
  }

  const std::vector<std::vector<std::string>>& seen_;
  std::vector<int> gpus_;
  std::map<std::string, std::size_t> owners_;
};

}  // namespace

GpuMatching match_gpus(const std::vector<std::vector<std::string>>& seen) {
  Matching matching(seen);
  GpuMatching result;
  for (std::size_t rank = 0; rank < seen.size(); ++rank) {
    if (seen[rank].empty() || matching.find_for(rank)) continue;
    result.without = rank;
    result.rival = matching.owner(seen[rank].front());
    break;
  }
  result.gpus = matching.gpus();
  return result;
}

}  // namespace bertha
