// Files for the tests of this folder: a temporary folder, and compressors independent of ours.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"

namespace bertha {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bertha_text_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

 private:
  std::filesystem::path path_;
};

// By the libraries' one-call compressors.
std::string gzip(std::string_view text);
std::string bzip2(std::string_view text);
std::string zstd(std::string_view text);
// A frame of up to 128 KiB of text as it is, that asks for a window of 2^window_log bytes.
std::string zstd_with_window(std::string_view text, int window_log);

// All documents of one file, their parts together, opened through find_input_files as users do.
struct ReadResult {
  std::vector<Document> documents;
  ReadStatistics statistics;
};
ReadResult read_documents(const std::filesystem::path& path,
                          TextFormat format = TextFormat::automatic,
                          const std::string& text_field = "text");

}  // namespace bertha
