// optimizer-*.safetensors: moments cut in slices named "<moment>/<parameter>/<begin>-<end>", each
// float32 or bfloat16 [end - begin]. Any partition can be read back into any other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainer/checkpoint/checkpoint_manifest.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// "optimizer-00001-of-00004.safetensors": file `number` of `count`.
std::string moment_file_name(int number, int count);
bool is_moment_file(std::string_view name);
WrittenFile write_moments(const std::filesystem::path& path,
                          const std::vector<MomentSlice>& moments,
                          const PieceDone& piece_done = {});

class MomentFiles {
 public:
  // Opens the files that the manifest lists. Error{bad_data}, Error{io}.
  MomentFiles(const std::filesystem::path& checkpoint, const CheckpointManifest& manifest);

  bool empty() const { return slices_.empty(); }
  std::set<std::string> moment_names() const;
  // What is missing of elements [begin, end), the first gap; nothing: all there.
  std::optional<std::string> gap(const MomentSlice& wanted) const;
  // Fills wanted.values, in their type. Error{bad_data} names what is missing.
  void read(MomentSlice& wanted) const;

 private:
  struct Slice {
    std::int64_t begin, end;
    std::size_t file;
    std::string entry;
  };
  using Key = std::pair<std::string, std::string>;  // moment, parameter
  struct Piece {
    const Slice* slice;
    std::int64_t begin, end;
  };
  void index(std::size_t number, const std::string& path);
  std::vector<Piece> pieces(const MomentSlice& wanted, std::optional<std::string>& gap) const;

  std::filesystem::path checkpoint_;
  std::vector<SafetensorsFile> files_;
  std::map<Key, std::vector<Slice>> slices_;  // ascending
};

}  // namespace bertha
