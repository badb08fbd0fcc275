// The manifest as JSON, and back with every field checked.
#include "trainer/checkpoint/checkpoint_manifest.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kLargestManifest = 64 << 20;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw Error(ErrorKind::bad_data, file.string() + ": " + what,
              "the checkpoint is damaged: use another one");
}

std::string read_manifest(const fs::path& checkpoint) {
  std::error_code error;
  const auto status = fs::status(checkpoint, error);
  if (!fs::exists(status))
    throw_io_error("open", checkpoint.string(), error ? error.value() : ENOENT);
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::bad_data, checkpoint.string() + " is no folder",
                "give the folder of a checkpoint: run/checkpoints/step-00000100");
  }
  const auto path = checkpoint / "manifest.json";
  if (!fs::exists(path, error)) {
    throw Error(ErrorKind::bad_data,
                checkpoint.string() + " has no manifest.json: it is no complete checkpoint",
                "use another checkpoint");
  }
  if (fs::file_size(path, error) > kLargestManifest && !error) {
    fail(path, fmt::format("is larger than {} bytes", kLargestManifest));
  }
  return read_file(path);
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

WrittenFile parse_file(const std::string& name, const Json& json, const fs::path& path) {
  if (!is_plain_name(name)) fail(path, "'" + shown(name) + "' is no name of a file");
  if (!json.is_object() || !json.contains("bytes") || !json.contains("sha256") ||
      !json["bytes"].is_number_unsigned() || !json["sha256"].is_string() ||
      !is_sha256(json["sha256"])) {
    fail(path, "bytes and sha256 of " + shown(name) + " are missing or malformed");
  }
  return {name, json["bytes"], json["sha256"]};
}

template <class Integer>
Integer whole_number(const Json& json, const char* name, const fs::path& path) {
  if (!json.contains(name) || !json[name].is_number_unsigned() ||
      json[name].get<std::uint64_t>() > std::numeric_limits<Integer>::max()) {
    fail(path, std::string(name) + " is missing or no whole number");
  }
  return json[name].get<Integer>();
}

void check_version(const Json& json, const fs::path& path) {
  if (!json.is_object() || !json.contains("format") || json["format"] != kCheckpointFormat) {
    fail(path, fmt::format("is not the manifest of a checkpoint (format {})", kCheckpointFormat));
  }
  if (!json.contains("version") || !json["version"].is_number_unsigned()) {
    fail(path, "version is missing or no number");
  }
  const auto version = json["version"].get<std::uint64_t>();
  if (version != kCheckpointVersion) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: version {} is not {}, the one this program knows", path.string(),
                            version, kCheckpointVersion),
                "use the version of Bertha that wrote it");
  }
}

}  // namespace

std::string CheckpointManifest::to_json() const {
  nlohmann::ordered_json json{{"format", kCheckpointFormat},
                              {"version", kCheckpointVersion},
                              {"step", step},
                              {"world_size", world_size}};
  json["files"] = nlohmann::ordered_json::object();
  for (const auto& file : files) {
    json["files"][file.name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  }
  return json.dump(2) + "\n";
}

CheckpointManifest CheckpointManifest::from_folder(const fs::path& checkpoint) {
  const auto path = checkpoint / "manifest.json";
  const auto json = Json::parse(read_manifest(checkpoint), nullptr, false);
  if (json.is_discarded()) fail(path, "is not JSON");
  check_version(json, path);
  CheckpointManifest manifest;
  manifest.step = whole_number<std::int64_t>(json, "step", path);
  manifest.world_size = whole_number<int>(json, "world_size", path);
  if (!json.contains("files") || !json["files"].is_object()) fail(path, "files are missing");
  for (const auto& [name, file] : json["files"].items()) {
    manifest.files.push_back(parse_file(name, file, path));
  }
  return manifest;
}

std::string pack_files(const std::vector<WrittenFile>& files) {
  Json list = Json::array();
  for (const auto& file : files) list.push_back({file.name, file.bytes, file.sha256});
  return list.dump();
}

std::vector<WrittenFile> unpack_files(const std::string& bytes) {
  std::vector<WrittenFile> files;
  for (const auto& file : Json::parse(bytes)) files.push_back({file[0], file[1], file[2]});
  return files;
}

}  // namespace bertha
