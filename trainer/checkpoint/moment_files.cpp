// Slices of moments out to files, and back through an index of all of them.
#include "trainer/checkpoint/moment_files.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

constexpr const char* kFormat = "bertha-moments";
constexpr const char* kVersion = "1";

struct SliceName {
  std::string moment, parameter;
  std::int64_t begin = 0, end = 0;
};

std::string slice_name(const MomentSlice& slice) {
  return fmt::format("{}/{}/{}-{}", slice.moment, slice.parameter, slice.begin, slice.end);
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<SliceName> parse_slice_name(std::string_view name) {
  const auto first = name.find('/'), last = name.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto range = name.substr(last + 1);
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto begin = number(range.substr(0, dash)), end = number(range.substr(dash + 1));
  if (!begin || !end || *begin >= *end) return std::nullopt;
  return SliceName{std::string(name.substr(0, first)),
                   std::string(name.substr(first + 1, last - first - 1)), *begin, *end};
}

void check_format(const SafetensorsFile& file, const std::filesystem::path& path) {
  const auto field = [&](const char* name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? std::string("nothing") : shown(found->second);
  };
  if (field("format") == kFormat && field("version") == kVersion) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: format {}, version {}; this program knows {}, version {}",
                          path.string(), field("format"), field("version"), kFormat, kVersion),
              "use the version of Bertha that wrote it");
}

}  // namespace

std::string moment_file_name(int number, int count) {
  return fmt::format("optimizer-{:05}-of-{:05}.safetensors", number, count);
}

bool is_moment_file(std::string_view name) {
  return name.starts_with("optimizer-") && name.ends_with(".safetensors");
}

WrittenFile write_moments(const std::filesystem::path& path,
                          const std::vector<MomentSlice>& moments, const PieceDone& piece_done) {
  std::vector<NamedTensor> tensors;
  for (const auto& slice : moments) {
    const auto type = slice.values.scalar_type();
    if (slice.values.numel() != slice.end - slice.begin ||
        (type != at::kFloat && type != at::kBFloat16)) {
      throw Error(ErrorKind::internal, "the values of " + slice_name(slice) + " do not fit it");
    }
    tensors.push_back({slice_name(slice), slice.values.view({-1})});
  }
  return write_safetensors(path, tensors, {{"format", kFormat}, {"version", kVersion}}, piece_done);
}

MomentFiles::MomentFiles(const std::filesystem::path& checkpoint,
                         const CheckpointManifest& manifest)
    : checkpoint_(checkpoint) {
  for (const auto& file : manifest.files) {
    if (!is_moment_file(file.name)) continue;
    const auto path = checkpoint / file.name;
    files_.emplace_back(path);
    check_format(files_.back(), path);
    index(files_.size() - 1, path.string());
  }
  for (auto& [key, slices] : slices_) {
    std::sort(slices.begin(), slices.end(),
              [](const Slice& a, const Slice& b) { return a.begin < b.begin; });
  }
}

void MomentFiles::index(std::size_t number, const std::string& path) {
  for (const auto& entry : files_[number].entries()) {
    const auto name = parse_slice_name(entry.name);
    if (!name || (entry.dtype != "F32" && entry.dtype != "BF16") ||
        entry.shape != std::vector<std::int64_t>{name->end - name->begin}) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}: {} is no slice of a moment", path, shown(entry.name)),
                  "use another checkpoint");
    }
    slices_[{name->moment, name->parameter}].push_back(
        {name->begin, name->end, number, entry.name});
  }
}

std::set<std::string> MomentFiles::moment_names() const {
  std::set<std::string> names;
  for (const auto& [key, slices] : slices_) names.insert(key.first);
  return names;
}

std::vector<MomentFiles::Piece> MomentFiles::pieces(const MomentSlice& wanted,
                                                    std::optional<std::string>& gap) const {
  std::vector<Piece> found;
  auto place = wanted.begin;
  if (const auto slices = slices_.find({wanted.moment, wanted.parameter});
      slices != slices_.end()) {
    for (const auto& slice : slices->second) {
      if (place >= wanted.end || slice.begin > place) break;
      if (slice.end <= place) continue;
      const auto end = std::min(slice.end, wanted.end);
      found.push_back({&slice, place, end});
      place = end;
    }
  }
  if (place < wanted.end) {
    gap = fmt::format("{}: the optimizer files lack {} of {} from element {} of [{}, {})",
                      checkpoint_.string(), wanted.moment, wanted.parameter, place, wanted.begin,
                      wanted.end);
  }
  return found;
}

std::optional<std::string> MomentFiles::gap(const MomentSlice& wanted) const {
  std::optional<std::string> gap;
  pieces(wanted, gap);
  return gap;
}

void MomentFiles::read(MomentSlice& wanted) const {
  const at::NoGradGuard no_gradient;
  std::optional<std::string> gap;
  const auto found = pieces(wanted, gap);
  if (gap) throw Error(ErrorKind::bad_data, *gap, "resume from another checkpoint");
  const auto target = wanted.values.view({-1});
  for (const auto& [slice, begin, end] : found) {
    const auto values = files_[slice->file].read(slice->entry);
    target.slice(0, begin - wanted.begin, end - wanted.begin)
        .copy_(values.slice(0, begin - slice->begin, end - slice->begin));
  }
}

void read_moments(const std::filesystem::path& checkpoint, std::vector<MomentSlice>& destination) {
  if (destination.empty()) return;
  const MomentFiles files(checkpoint, CheckpointManifest::from_folder(checkpoint));
  for (auto& slice : destination) files.read(slice);
}

}  // namespace bertha
