// Which files an input means, and what is in them: expands files, folders and globs, recognises
// format and compression by extension and first bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace bertha {

// nvidia: no text, but shards of samples; for `prepare` only (shards/foreign_shard.h).
enum class TextFormat { automatic, text, sentences, jsonl, mediawiki, nvidia };
enum class Compression { none, gzip, bzip2, zstd };

TextFormat parse_text_format(const std::string& name);  // Error{usage} names the known ones
std::string text_format_name(TextFormat format);

struct InputOptions {
  std::vector<std::string> paths;  // files, folders (recursive), globs
  TextFormat format = TextFormat::automatic;
  std::string text_field = "text";  // of a JSON line
};

struct InputFile {
  std::filesystem::path path;
  TextFormat format = TextFormat::text;  // never automatic
  Compression compression = Compression::none;
  std::uint64_t bytes = 0;       // on disk, of the part that is read
  std::int64_t modified_ns = 0;  // the file's modification time
  // The part of the file that is read: all, or between two document_cuts.
  std::uint64_t begin = 0, end = UINT64_MAX;
  bool is_part() const { return begin != 0 || end != UINT64_MAX; }
};

// The paths as they are, and in place of each glob what it matches. Error{io}: it matches nothing.
std::vector<std::string> expand_globs(const std::vector<std::string>& paths);

// Sorted by path, so the order is the same on every machine. Hidden files are passed over in
// folders. Error{io} for a missing path, Error{bad_data} when nothing is left. `got_on` is called
// for every file that is looked into, unless it is empty.
std::vector<InputFile> find_input_files(const InputOptions& options,
                                        const std::function<void()>& got_on = {});

}  // namespace bertha
