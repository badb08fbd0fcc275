// `bertha verify`: checks a corpus, shard or checkpoint and names every fault.
#include <cerrno>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/shards/corpus_verifier.h"
#include "data_pipeline/shards/foreign_corpus.h"
#include "data_pipeline/shards/foreign_verifier.h"
#include "launch/commands/commands.h"
#include "parallel/base/error.h"
#include "parallel/base/progress.h"
#include "trainer/checkpoint/checkpoint_folders.h"
#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

VerifyReport verify_path(const fs::path& path, const RunConfig& config) {
  if (!fs::exists(path)) throw_io_error("open", path.string(), ENOENT);
  if (fs::exists(path / "trainer_state.json") || fs::exists(path / "model.safetensors")) {
    return {checkpoint_faults(path), {}};
  }
  if (fs::is_directory(path / "checkpoints")) {
    VerifyReport all;
    for (const auto& entry : fs::directory_iterator(path / "checkpoints")) {
      // What a killed run was writing is no checkpoint yet; the next save removes it.
      if (!step_of_name(entry.path().filename().string())) continue;
      const auto faults = checkpoint_faults(entry.path());
      all.faults.insert(all.faults.end(), faults.begin(), faults.end());
    }
    return all;
  }
  ProgressBar bar("verify", 0, "B", config.trainer.metrics.progress);
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    bar.set_total(total);
    bar.update(done);
  };
  if (is_foreign(path)) return verify_foreign(path, config.vocabulary, progress);
  return verify_corpus(path, progress, config.vocabulary);
}

}  // namespace

int run_verify(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.arguments.size() != 1) {
    throw Error(ErrorKind::usage, "verify takes one path", "bertha verify corpus");
  }
  if (!mpi.rank_info().is_root()) return 0;
  const auto report = verify_path(config.arguments.front(), config);
  if (config.json) {
    const nlohmann::ordered_json json{
        {"path", config.arguments.front()}, {"faults", report.faults}, {"notices", report.notices}};
    std::cout << json.dump(2) << std::endl;
  } else {
    for (const auto& notice : report.notices) std::cout << "notice: " << notice << "\n";
    for (const auto& fault : report.faults) std::cout << "fault: " << fault << "\n";
    if (report.faults.empty()) std::cout << config.arguments.front() << ": no faults\n";
    std::cout << std::flush;
  }
  if (report.faults.empty()) return 0;
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: {} fault(s); first: {}", config.arguments.front(),
                          report.faults.size(), report.faults.front()),
              "make it anew, or restore it from a good copy");
}

}  // namespace bertha
