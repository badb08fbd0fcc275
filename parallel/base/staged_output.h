// Output that appears under its final name only when it is complete: files and folders are written
// beside their destination, flushed to disk, then renamed. The rename is the commit.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bertha {

// Reads a whole file. Error{io} when it cannot be read.
std::string read_file(const std::filesystem::path& path);

// Writes `bytes` to `path` by way of a temporary file in the same folder; creates parent folders.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Writes `bytes` to `path` directly and flushes to disk: for files inside a staging folder.
void write_file(const std::filesystem::path& path, std::string_view bytes);

// Flushes a file's or folder's content to disk.
void flush_to_disk(const std::filesystem::path& path);

// What a killed StagedFolder::publish left beside the folder: the old one, moved aside, is put back
// where nothing took its place; else it is removed, as is what was being removed.
void finish_killed_publish(const std::filesystem::path& final_path);

// A folder under construction: `<final>.staging`, removed by the destructor unless published.
// Several ranks may write into it: one constructs with create = true, and publishes after all
// agreed; the others use create = false after a barrier, and never remove it.
class StagedFolder {
 public:
  // `keep_leftovers`: what a killed run left in the staging folder stays there, to be gone on with.
  // Calls finish_killed_publish when it creates.
  StagedFolder(std::filesystem::path final_path, bool create, bool keep_leftovers = false);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& path() const { return staging_; }
  const std::filesystem::path& final_path() const { return final_; }
  // Flushes every file, then renames. An existing folder of that name changes places with the new
  // one, and is renamed to `<final>.deleted` and removed: between the two, after a kill, `.staging`
  // is the old folder, so whoever keeps leftovers must not trust them from before publish() on.
  // Where names cannot be exchanged, the old folder is moved aside to `<final>.replaced` first, and
  // back when the second rename fails.
  void publish();
  // The destructor leaves the staging folder where it is: a later run goes on with it.
  void keep() { owner_ = false; }

 private:
  std::filesystem::path final_, staging_;
  bool owner_;
};

}  // namespace bertha
