// What ranks tell each other of a long piece of work that some of them do on a thread of its own,
// while all wait for its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parallel/communicator.h"

namespace bertha {

class RanksAtWork {
 public:
  // Collective: everyone tells whether his part is done, and how far it is, by any number that
  // grows. True: all are done.
  bool ask(Communicator& communicator, bool done, std::uint64_t progress);
  bool got_on() const { return got_on_; }  // anybody, since the question before
  // Everybody who is not done, since this was last true: then nobody waits for a rank that stands.
  bool all_got_on() const { return all_got_on_; }
  // "rank 1 is not done", "ranks 0, 2 are not done"; empty when all are, or there is but one rank.
  std::string behind() const;
  // "rank 1 gets no further": who is not done, and stands since all_got_on() was last true.
  std::string standing() const;

 private:
  std::vector<std::string> told_;  // by rank: "+" or "-", then the number
  std::vector<bool> stands_;       // by rank
  bool got_on_ = false, all_got_on_ = false;
};

}  // namespace bertha
