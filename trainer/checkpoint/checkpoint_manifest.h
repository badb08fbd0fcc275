// manifest.json of a checkpoint: which files belong to it and what they must look like. Its
// presence says that everything else was written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/checkpoint/file_writer.h"

namespace bertha {

inline constexpr const char* kCheckpointFormat = "bertha-checkpoint";
inline constexpr int kCheckpointVersion = 2;  // 1 had no checksum of the manifest itself

struct CheckpointManifest {
  std::int64_t step = 0;
  int world_size = 1;
  std::vector<WrittenFile> files;  // by name

  // With a checksum of the manifest itself: of its text with that checksum's digits all 0.
  std::string to_json() const;
  // Error{io} when the folder or file cannot be read, Error{bad_data} for anything wrong in it: a
  // missing manifest, another format, a newer version, a name that leaves the folder ...
  static CheckpointManifest from_folder(const std::filesystem::path& checkpoint);
  // Whole, as far as its own checksum says, and of a version that this program does not know yet.
  static bool is_newer(const std::filesystem::path& checkpoint);
  bool operator==(const CheckpointManifest&) const = default;
};

// Error{bad_data} naming the file: it is missing, of another size or, with `full`, of another
// checksum. Error{io}: it cannot be read.
void check_file(const std::filesystem::path& folder, const WrittenFile& file, bool full,
                const PieceDone& piece_done = {});

// How one rank tells another what it wrote.
std::string pack_files(const std::vector<WrittenFile>& files);
std::vector<WrittenFile> unpack_files(const std::string& bytes);

}  // namespace bertha
