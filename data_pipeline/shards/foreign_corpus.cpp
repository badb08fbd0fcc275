// Finds the files, tells training from validation, and cuts shards into blocks.
#include "data_pipeline/shards/foreign_corpus.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "data_pipeline/shards/foreign_rates.h"
#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_schema.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kFirstRows = 512;  // of each shard: what the quick check reads
constexpr std::size_t kMostTold = 10;      // lines about rates: there may be thousands of files
constexpr std::size_t kMostPlaceBytes = std::size_t{256} << 20;  // for chunks of all shards

// MLPerf's packed shards are named part_00000 and so on: told by HDF5's signature.
bool is_shard_file(const fs::path& file) {
  const auto extension = file.extension();
  if (extension == ".hdf5" || extension == ".h5") return true;
  if (!extension.empty()) return false;
  char first[8] = {};
  std::ifstream(file, std::ios::binary).read(first, sizeof first);
  return std::string_view(first, sizeof first) == "\x89HDF\r\n\x1a\n";
}

bool any_for_validation(const std::vector<fs::path>& files) {
  return std::ranges::any_of(
      files, [](const fs::path& file) { return foreign_split_of(file) == "validation"; });
}

// Rows of a shard that the split has: [begin, end).
std::pair<std::uint64_t, std::uint64_t> rows_of_split(std::uint64_t rows, double held_out,
                                                      const std::string& split) {
  const auto validation =
      std::min(rows, static_cast<std::uint64_t>(std::ceil(static_cast<double>(rows) * held_out)));
  if (split == "validation") return {rows - validation, rows};
  return {0, rows - validation};
}

// Faults first. Warnings come from every rank, so these are told as messages of rank 0.
void tell(std::vector<ForeignOddity> oddities) {
  std::ranges::stable_partition(oddities, [](const auto& oddity) { return oddity.is_fault; });
  for (std::size_t i = 0; i < std::min(oddities.size(), kMostTold); ++i) {
    const auto& [text, is_fault] = oddities[i];
    log_info(fmt::format("warning: {}{}", text,
                         is_fault ? ": make this file anew, or leave it out" : ""));
  }
  if (oddities.size() <= kMostTold) return;
  log_info(fmt::format("warning: and {} more such lines, which `bertha verify` tells",
                       oddities.size() - kMostTold));
}

}  // namespace

std::vector<fs::path> foreign_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool hidden = entry.path().filename().string().starts_with('.');
    if (!hidden && !entry.is_directory(error) && is_shard_file(entry.path())) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_foreign_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error) || fs::exists(folder / "manifest.json", error)) return false;
  const auto files = foreign_files(folder);
  if (files.empty()) return false;
  try {
    return !Hdf5File::open(files.front()).has(kSentencesDataset);  // ours, without its manifest
  } catch (const Error&) {
    return true;  // whoever reads it will say what is wrong
  }
}

bool is_foreign(const fs::path& folder_or_shard) {
  std::error_code error;
  if (!fs::is_regular_file(folder_or_shard, error)) return is_foreign_folder(folder_or_shard);
  try {
    return is_foreign_shard(folder_or_shard);
  } catch (const Error&) {
    return false;
  }
}

std::string foreign_split_of(const fs::path& file) {
  std::string word;
  for (const char c : file.stem().string() + ".") {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    for (const char* known : {"validation", "valid", "val", "test", "eval", "evaluation", "dev"}) {
      if (word == known) return "validation";
    }
    word.clear();
  }
  return "train";
}

Vocabulary foreign_vocabulary(const fs::path& folder, const fs::path& given) {
  if (!given.empty()) return Vocabulary::from_file(given);
  if (fs::exists(folder / "vocab.txt")) return Vocabulary::from_file(folder / "vocab.txt");
  throw Error(ErrorKind::usage,
              folder.string() +
                  ": these shards do not say their vocabulary, and no vocab.txt is "
                  "beside them",
              "name the one they were made with: --tokenizer.vocab vocab.txt");
}

bool ForeignCorpus::has_split(const Options& options, const std::string& split) {
  const auto files = foreign_files(options.folder);
  const bool validation = any_for_validation(files);
  if (split == "validation") return validation || options.validation_fraction > 0;
  return std::ranges::any_of(files,
                             [&](const fs::path& file) { return foreign_split_of(file) == split; });
}

ForeignCorpus::ForeignCorpus(const Options& options, const std::string& split)
    : vocabulary_(foreign_vocabulary(options.folder, options.vocabulary)) {
  const auto files = foreign_files(options.folder);
  const double held_out = any_for_validation(files) ? 0 : options.validation_fraction;
  if (!(held_out >= 0 && held_out < 1)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("data.validation_fraction is {}; it must be from 0 to below 1", held_out));
  }
  Sha256 hash;
  hash.update("foreign 2 " + vocabulary_.sha256() + "\n");
  for (const auto& file : files) {
    ForeignShard shard(file,
                       std::min(kMostPlaceBytes / files.size(), ForeignShard::kMostPlaceBytes));
    hash.update(fmt::format("{} {} {} {}\n", file.filename().string(), shard.bytes(),
                            foreign_layout_name(shard.layout()), shard.rows()));
    if (held_out == 0 && foreign_split_of(file) != split) continue;
    const auto [begin, end] = held_out > 0 ? rows_of_split(shard.rows(), held_out, split)
                                           : std::pair(std::uint64_t{0}, shard.rows());
    shards_.push_back(std::move(shard));
    add_blocks(shards_.size() - 1, begin, end);
  }
  digest_ = hash.hex();
  if (rows_ == 0) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: no rows for the split '{}'", options.folder.string(), split),
                "see data.validation_fraction; files named like test_1.hdf5 are for validation");
  }
  if (options.verify != VerifyLevel::off) check_rows(options);
}

void ForeignCorpus::add_blocks(std::size_t shard, std::uint64_t begin, std::uint64_t end) {
  const auto step = shards_[shard].rows_at_once();
  rows_ += end - begin;
  for (auto row = begin; row < end;) {
    const auto next = std::min(end, row / step * step + step);
    blocks_.push_back({shard, row, next});
    row = next;
  }
}

ForeignRows ForeignCorpus::read(std::size_t block) const {
  const auto& place = blocks_[block];
  return shards_[place.shard].read(place.begin, place.end, &vocabulary_);
}

ForeignBlock ForeignCorpus::load(std::size_t block) const {
  const auto& place = blocks_[block];
  return shards_[place.shard].load(place.begin, place.end, &vocabulary_);
}

void ForeignCorpus::check_rows(const Options& options) const {
  const bool all = options.verify == VerifyLevel::full;
  ForeignFileRates by_file(options.folder.string(), &vocabulary_);
  std::map<std::string, std::string> seen;
  std::size_t block = 0;
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    const auto& shard = shards_[s];
    ForeignRates rates(&vocabulary_);
    Sha256 hash;
    hash.update(fmt::format("{} {}\n", shard.rows(), foreign_layout_name(shard.layout())));
    const auto first = block;
    for (; block < blocks_.size() && blocks_[block].shard == s; ++block) {
      if (block > first && !all) continue;
      const auto begin = blocks_[block].begin, end = blocks_[block].end;
      const auto rows =
          shard.read(begin, all ? end : std::min(end, begin + kFirstRows), &vocabulary_);
      hash_rows(rows, hash);
      rates.add(rows);
    }
    if (block == first) continue;  // no row of it is of this split
    const auto path = shard.path().string();
    by_file.add(path, rates);
    const auto [other, is_new] = seen.try_emplace(hash.hex(), path);
    if (is_new) continue;
    throw Error(ErrorKind::bad_data,
                all ? fmt::format("{}: the same content as {}", path, other->second)
                    : fmt::format("{}: as many rows as {}, and the first of them the same", path,
                                  other->second),
                "a script that shuffled the shards may have gone wrong");
  }
  tell(by_file.oddities());
}

}  // namespace bertha
