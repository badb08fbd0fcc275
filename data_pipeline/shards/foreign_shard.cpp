// Which datasets there are, that they fit each other, and their rows.
#include "data_pipeline/shards/foreign_shard.h"

#include <algorithm>
#include <fcntl.h>
#include <map>

#include <fmt/format.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/shards/chunk_places.h"
#include "data_pipeline/shards/foreign_schema.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::uint64_t kTokensAtOnce = 1 << 20;  // padding included
constexpr std::uint64_t kVariableRow = 512;       // tokens of a row of variable length, at most, as
                                                  // MLPerf has them

ForeignLayout layout_of(const Hdf5File& file) {
  if (file.has(kForeignPackedLengths)) return ForeignLayout::packed;
  return file.has(kForeignMask) ? ForeignLayout::padded : ForeignLayout::variable;
}

std::vector<std::string> datasets_of(ForeignLayout layout) {
  std::vector<std::string> names{kForeignTokens, kForeignSegments, kForeignPositions,
                                 kForeignLabels, kForeignNextSentence};
  if (layout == ForeignLayout::padded) names.emplace_back(kForeignMask);
  if (layout == ForeignLayout::packed) {
    names.emplace_back(kForeignPackedLengths);
    names.emplace_back(kForeignPackedCounts);
  }
  return names;
}

}  // namespace

std::string foreign_layout_name(ForeignLayout layout) {
  return layout == ForeignLayout::padded     ? "padded"
         : layout == ForeignLayout::variable ? "variable length"
                                             : "packed";
}

std::uint64_t best_rows_at_once(std::uint64_t chunk_rows, std::uint64_t row_tokens) {
  const auto most = std::max<std::uint64_t>(1, kTokensAtOnce / row_tokens);
  return chunk_rows < most ? most / chunk_rows * chunk_rows : most;
}

struct ForeignShard::State {
  State(const std::filesystem::path& file_path, std::size_t most_place_bytes)
      : path(file_path),
        bytes(std::filesystem::file_size(path)),
        chunk_places(path, most_place_bytes) {}
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, path.string() + ": " + what,
                "make the shards anew; data_pipeline/README.md says what they must hold");
  }
  void check_shapes() const;
  const NumberDataset& at(const char* name) const { return datasets.at(name); }

  std::filesystem::path path;
  std::uint64_t bytes;
  ForeignLayout layout = ForeignLayout::padded;
  std::map<std::string, NumberDataset> datasets;
  ChunkPlaces chunk_places;
};

void ForeignShard::State::check_shapes() const {
  const auto rows = at(kForeignTokens).rows();
  for (const auto& [name, dataset] : datasets) {
    if (dataset.rows() != rows) {
      fail(fmt::format("dataset {} has {} rows, {} has {}", name, dataset.rows(), kForeignTokens,
                       rows));
    }
    const bool one_number = name == kForeignNextSentence && layout != ForeignLayout::packed;
    const bool lists = layout != ForeignLayout::padded && !one_number;
    if (dataset.variable_length() != lists) {
      fail(fmt::format("dataset {} has rows of {} length in a {} shard", name,
                       lists ? "fixed" : "variable", foreign_layout_name(layout)));
    }
    if (one_number && dataset.width() != 1) {
      fail(fmt::format("dataset {} has {} numbers in a row, not one", name, dataset.width()));
    }
  }
  if (layout != ForeignLayout::padded) return;
  const auto same_width = [&](const char* name, const char* other) {
    if (at(name).width() == at(other).width()) return;
    fail(fmt::format("dataset {} has rows of {}, {} of {}", name, at(name).width(), other,
                     at(other).width()));
  };
  same_width(kForeignMask, kForeignTokens);
  same_width(kForeignSegments, kForeignTokens);
  same_width(kForeignLabels, kForeignPositions);
}

ForeignShard::ForeignShard(const std::filesystem::path& path, std::size_t most_place_bytes) {
  const auto file = Hdf5File::open(path);
  state_ = std::make_unique<State>(path, most_place_bytes);
  if (!file.has(kForeignTokens)) {
    state_->fail(
        fmt::format("dataset {} is missing: no shard of training samples", kForeignTokens));
  }
  state_->layout = layout_of(file);
  for (const auto& name : datasets_of(state_->layout)) {
    state_->datasets.emplace(name, NumberDataset(file, path, name));
  }
  state_->check_shapes();
}

ForeignShard::~ForeignShard() = default;
ForeignShard::ForeignShard(ForeignShard&&) noexcept = default;

const std::filesystem::path& ForeignShard::path() const {
  return state_->path;
}
ForeignLayout ForeignShard::layout() const {
  return state_->layout;
}
std::uint64_t ForeignShard::rows() const {
  return state_->at(kForeignTokens).rows();
}
std::uint64_t ForeignShard::width() const {
  return state_->layout == ForeignLayout::padded ? state_->at(kForeignTokens).width() : 0;
}
std::uint64_t ForeignShard::most_predictions() const {
  return state_->layout == ForeignLayout::padded ? state_->at(kForeignPositions).width() : 0;
}
std::uint64_t ForeignShard::bytes() const {
  return state_->bytes;
}

// The ids are what is large: h5py puts thousands of rows of one-byte labels in a chunk.
std::uint64_t ForeignShard::rows_at_once() const {
  const auto& tokens = state_->at(kForeignTokens);
  return best_rows_at_once(std::min(tokens.chunk_rows(), rows()),
                           width() > 0 ? width() : kVariableRow);
}

ForeignBlock ForeignShard::load(std::uint64_t begin, std::uint64_t end,
                                const Vocabulary* vocabulary) const {
  const auto chunks = state_->chunk_places.find(state_->datasets, begin, end);
  const auto opened = open_file(state_->path, O_RDONLY);
  const auto read = [&](const char* name) {
    const auto dataset = state_->datasets.find(name);
    return dataset == state_->datasets.end()
               ? NumberRows()
               : dataset->second.read(chunks.at(name), opened.get(), begin, end);
  };
  return {ForeignRowDecoder(state_->layout, state_->path.string(), vocabulary), begin,
          ForeignColumns{read(kForeignTokens), read(kForeignMask), read(kForeignSegments),
                         read(kForeignPositions), read(kForeignLabels), read(kForeignNextSentence),
                         read(kForeignPackedLengths), read(kForeignPackedCounts)}};
}

ForeignRows ForeignShard::read(std::uint64_t begin, std::uint64_t end,
                               const Vocabulary* vocabulary) const {
  const auto block = load(begin, end, vocabulary);
  ForeignRows rows;
  std::size_t tokens = 0;
  for (std::size_t row = 0; row < block.rows(); ++row) tokens += block.tokens(row);
  rows.tokens.reserve(tokens);
  rows.segments.reserve(tokens);
  for (std::size_t row = 0; row < block.rows(); ++row) block.append(row, rows);
  return rows;
}

std::uint64_t ForeignShard::times_looked_up() const {
  return state_->chunk_places.times_opened();
}

bool is_foreign_shard(const std::filesystem::path& path) {
  return Hdf5File::open(path).has(kForeignTokens);
}

}  // namespace bertha
