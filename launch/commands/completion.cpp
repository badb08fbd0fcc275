// `bertha completion bash`: a script for the shell.
#include "launch/completion.h"

#include <iostream>

#include "launch/commands/commands.h"
#include "parallel/base/error.h"

namespace bertha {

int run_completion(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.arguments != std::vector<std::string>{"bash"}) {
    throw Error(ErrorKind::usage, "completion takes the name of a shell, and bash is the only one",
                "source <(bertha completion bash)");
  }
  if (mpi.rank_info().is_root()) std::cout << bash_completion() << std::flush;
  return 0;
}

}  // namespace bertha
