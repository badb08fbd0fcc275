// Nothing that was asked for is left undone without a word.
#include "launch/prepare_setup.h"

#include <string>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void refuse_for_nvidia(bool asked, const std::string& option, const std::string& why,
                       const std::string& remedy) {
  if (!asked) return;
  throw Error(ErrorKind::usage, option + " does nothing for input.format = nvidia: " + why, remedy);
}

}  // namespace

void check_prepare(const RunConfig& config) {
  const auto& options = config.prepare;
  if (options.vocabulary.empty() || options.output.empty() || options.input.paths.empty()) {
    throw Error(ErrorKind::usage, "input.paths, tokenizer.vocab and prepare.output are all needed",
                "bertha prepare --input.paths text/ --tokenizer.vocab vocab.txt --prepare.output "
                "corpus");
  }
  if (options.input.format != TextFormat::nvidia) return;
  refuse_for_nvidia(options.drop_duplicates, "prepare.drop_duplicates",
                    "its samples are cut out of documents that they do not name",
                    "leave it out; duplicates can be dropped from the text itself");
  refuse_for_nvidia(config.was_given("prepare.seed"), "prepare.seed",
                    "the last rows of every file are held out, or the files named for it",
                    "leave it out");
  refuse_for_nvidia(
      options.workers > 1, "prepare.workers", "a rank converts in one thread",
      "start several ranks: mpirun -n " + std::to_string(options.workers) + " bertha prepare ...");
}

}  // namespace bertha
