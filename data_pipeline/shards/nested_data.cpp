// Goes through the folders level by level, in the order of their names.
#include "data_pipeline/shards/nested_data.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/foreign_corpus.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostFolders = 1000;  // a home folder named by mistake has many more

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); entry != fs::directory_iterator();
       entry.increment(error)) {
    const bool hidden = entry->path().filename().native().starts_with('.');
    if (!hidden && entry->is_directory(error) && !entry->is_symlink(error)) {
      found.push_back(entry->path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string nested_data_text(const fs::path& folder) {
  std::string text;
  std::size_t others = 0;
  auto folders = folders_in(folder);
  for (std::size_t i = 0; i < std::min(folders.size(), kMostFolders); ++i) {
    const auto here = folders[i];  // the list grows
    const auto deeper = folders_in(here);
    folders.insert(folders.end(), deeper.begin(), deeper.end());
    const bool corpus = is_corpus_folder(here);
    const auto files = corpus ? 0 : foreign_files(here).size();
    if (!corpus && files == 0) continue;
    if (!text.empty()) {
      ++others;
    } else if (corpus) {
      text = fmt::format("; its folder {} is a corpus", here.string());
    } else {
      text = fmt::format("; its folder {} holds {} HDF5 file{}", here.string(), files,
                         files == 1 ? "" : "s");
    }
  }
  if (others > 0) text += fmt::format(" (and {} other folder(s) hold data, too)", others);
  return text;
}

}  // namespace bertha
