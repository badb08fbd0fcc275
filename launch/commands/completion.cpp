// `bertha completion bash|zsh`: a script for the shell.
#include "launch/completion.h"

#include <iostream>

#include "launch/commands/commands.h"
#include "parallel/base/error.h"

namespace bertha {

int run_completion(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto& words = config.arguments;
  const auto script = completion_script(words.size() == 1 ? words.front() : "");
  if (!script) {
    throw Error(ErrorKind::usage, "completion takes the name of a shell: bash or zsh",
                "source <(bertha completion bash)");
  }
  if (mpi.rank_info().is_root()) std::cout << *script << std::flush;
  return 0;
}

}  // namespace bertha
