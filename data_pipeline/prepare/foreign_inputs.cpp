// Each file once, whatever path led to it.
#include "data_pipeline/prepare/foreign_inputs.h"

#include <set>
#include <system_error>

#include "data_pipeline/shards/foreign_corpus.h"
#include "data_pipeline/shards/nested_data.h"
#include "parallel/base/error.h"

namespace bertha {
namespace fs = std::filesystem;

std::vector<fs::path> foreign_input_files(const InputOptions& input) {
  std::vector<fs::path> files;
  std::set<fs::path> known;  // by where they lie: a folder and a file of it may both be named
  const auto add = [&](const fs::path& file) {
    std::error_code error;
    auto place = fs::weakly_canonical(file, error);
    if (known.insert(error ? file : place).second) files.push_back(file);
  };
  for (const fs::path path : expand_globs(input.paths)) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      add(path);
      continue;
    }
    const auto within = foreign_files(path);
    if (within.empty()) {
      throw Error(ErrorKind::bad_data,
                  path.string() + " has no HDF5 files (*.hdf5, *.h5, or without an extension)" +
                      nested_data_text(path),
                  "name the folder that holds them, or the files by a glob");
    }
    for (const auto& file : within) add(file);
  }
  return files;
}

}  // namespace bertha
