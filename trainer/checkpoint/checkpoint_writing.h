// What one rank does on disk for a checkpoint: its files, flushed and read back; and the commit.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <vector>

#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_manifest.h"
#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {

// A rank's place among those that have moments to write: files are numbered without holes.
struct MomentWriter {
  int number = 0, count = 0;
};

struct WritingShare {
  std::filesystem::path folder;  // the staging folder
  const CheckpointContents& contents;
  bool root = false;  // writes the weights and everything that is there once
  MomentWriter moments;
};

// Bytes that this rank is about to write, but for a few headers.
std::uint64_t bytes_to_write(const CheckpointContents& contents, bool root);

// Error{io} that names needed and free bytes, when the file system of `folder` has too few.
void require_space(const std::filesystem::path& folder, std::uint64_t bytes,
                   const std::filesystem::path& checkpoint);

// Every file is flushed to disk and read back before it counts; `bytes_done` grows by what is
// written and read. A stop is honoured within a few megabytes, as an Error{internal}; only a flush,
// of 64 MB at most, cannot be interrupted.
std::vector<WrittenFile> write_share(const WritingShare& share,
                                     std::atomic<std::uint64_t>& bytes_done,
                                     const std::stop_token& stop);

// Adds the manifest and renames the folder.
void commit(StagedFolder& staged, const CheckpointManifest& manifest);

}  // namespace bertha
