// Expands paths, folders and globs into a sorted list of files with their formats.
#include "data_pipeline/text/input_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <glob.h>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/text/format_detection.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::pair<TextFormat, const char*>, 6> kFormatNames = {{
    {TextFormat::automatic, "auto"},
    {TextFormat::text, "text"},
    {TextFormat::sentences, "sentences"},
    {TextFormat::jsonl, "jsonl"},
    {TextFormat::mediawiki, "mediawiki"},
    {TextFormat::nvidia, "nvidia"},
}};

bool is_hidden(const fs::path& path) {
  return path.filename().native().starts_with('.');
}

// Paths found, each with whether the user named it (or a glob did): what a folder merely holds may
// be passed over when it is no text, what was named may not.
using FoundPaths = std::map<std::string, bool>;

void add_file(const fs::path& path, bool named, FoundPaths& found) {
  bool& known = found[path.lexically_normal().native()];
  known = known || named;
}

void add_folder(const fs::path& folder, FoundPaths& found) {
  try {
    for (auto entry = fs::recursive_directory_iterator(folder);
         entry != fs::recursive_directory_iterator(); ++entry) {
      if (is_hidden(entry->path())) {
        if (entry->is_directory()) entry.disable_recursion_pending();
      } else if (entry->is_regular_file()) {
        add_file(entry->path(), false, found);
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw_io_error("list", folder.string(), error.code().value());
  }
}

std::vector<std::string> expand_glob(const std::string& pattern) {
  glob_t matches{};
  const int result = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &matches);
  std::vector<std::string> paths(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (result == GLOB_NOMATCH) paths.clear();
  if (result == GLOB_ABORTED) {
    throw Error(ErrorKind::io, "cannot list the folders of " + pattern, "check its permissions");
  }
  return paths;
}

void add_path(const std::string& path, FoundPaths& found) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    add_folder(path, found);
  } else if (fs::is_regular_file(status)) {
    add_file(path, true, found);
  } else if (fs::exists(status)) {
    throw Error(ErrorKind::io, path + ": not a regular file or folder",
                "save it to a file first: the input is read more than once");
  } else if (error && error != std::errc::no_such_file_or_directory) {
    throw_io_error("read", path, error.value());
  } else {
    throw Error(ErrorKind::io, "cannot read " + path + ": no such file or folder",
                "check input.paths");
  }
}

// Nothing for a binary file that a folder happens to hold.
std::optional<InputFile> describe(const std::string& path, bool named, TextFormat wanted) {
  InputFile file;
  file.path = path;
  const std::string head = read_head(path);
  file.compression = detect_compression(path, head);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_io_error("read", path, errno);
  file.bytes = static_cast<std::uint64_t>(status.st_size);
  file.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (wanted != TextFormat::automatic) {
    file.format = wanted;
  } else if (const auto detected = detect_text_format(file, head)) {
    file.format = *detected;
  } else if (named) {
    throw Error(ErrorKind::bad_data, path + ": looks like a binary file, not text",
                "name its format with input.format if it is text");
  } else {
    log_warning("input: passed over " + path + ": looks like a binary file");
    return {};
  }
  return file;
}

// "auto" says what it took.
void log_choice(const std::vector<InputFile>& files) {
  if (files.size() == 1) {
    log_info(fmt::format("input: {} taken as {}", files[0].path.string(),
                         text_format_name(files[0].format)));
    return;
  }
  std::map<TextFormat, std::size_t> counts;
  for (const InputFile& file : files) ++counts[file.format];
  std::string list;
  for (const auto& [format, count] : counts) {
    list +=
        fmt::format("{}{} taken as {}", list.empty() ? "" : ", ", count, text_format_name(format));
  }
  log_info(fmt::format("input: {} files: {}", files.size(), list));
}

}  // namespace

TextFormat parse_text_format(const std::string& name) {
  std::string known;
  for (const auto& [format, format_name] : kFormatNames) {
    if (name == format_name) return format;
    known += (known.empty() ? "" : ", ") + std::string(format_name);
  }
  throw Error(ErrorKind::usage, "input.format = " + name + ": unknown format",
              "use one of: " + known);
}

std::string text_format_name(TextFormat format) {
  for (const auto& [known, name] : kFormatNames) {
    if (known == format) return name;
  }
  throw Error(ErrorKind::internal, "a text format without a name");
}

std::vector<std::string> expand_globs(const std::vector<std::string>& paths) {
  std::vector<std::string> expanded;
  for (const std::string& path : paths) {
    std::error_code error;
    // A file whose name merely holds a bracket wins over the pattern.
    if (path.find_first_of("*?[") == std::string::npos || fs::exists(path, error)) {
      expanded.push_back(path);
      continue;
    }
    const std::vector<std::string> matches = expand_glob(path);
    if (matches.empty()) {
      throw Error(ErrorKind::io, "no file matches " + path, "check input.paths");
    }
    expanded.insert(expanded.end(), matches.begin(), matches.end());
  }
  return expanded;
}

std::vector<InputFile> find_input_files(const InputOptions& options,
                                        const std::function<void()>& got_on) {
  if (options.format == TextFormat::nvidia) {
    throw Error(ErrorKind::usage, "input.format = nvidia names shards of samples, not text",
                "`bertha prepare` converts them, `bertha pretrain` trains on them as they are");
  }
  if (options.paths.empty()) {
    throw Error(ErrorKind::usage, "input.paths is empty", "name files, folders or globs");
  }
  FoundPaths found;  // sorted bytewise, each file once
  for (const std::string& path : expand_globs(options.paths)) add_path(path, found);
  std::vector<InputFile> files;
  for (const auto& [path, named] : found) {
    if (got_on) got_on();
    if (auto file = describe(path, named, options.format)) files.push_back(std::move(*file));
  }
  if (files.empty()) {
    throw Error(ErrorKind::bad_data, "no text file in " + options.paths.front(),
                "hidden and binary files are passed over in folders");
  }
  if (options.format == TextFormat::automatic) log_choice(files);
  return files;
}

}  // namespace bertha
