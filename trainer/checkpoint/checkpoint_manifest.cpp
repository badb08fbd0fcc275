// The manifest as JSON, and back with every field checked.
#include "trainer/checkpoint/checkpoint_manifest.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/safetensors_header.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kLargestManifest = 64 << 20;
constexpr const char* kOwnChecksum = "manifest_sha256";
const std::string kNoChecksum(64, '0');

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw Error(ErrorKind::bad_data, file.string() + ": " + what,
              "the checkpoint is damaged: use another one");
}

// What is not there is a state, too; only what cannot be told is an error.
fs::file_status status_of(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::none) throw_io_error("read", path.string(), error.value());
  return status;
}

std::string read_manifest(const fs::path& checkpoint) {
  const auto status = status_of(checkpoint);
  if (!fs::exists(status)) throw_io_error("open", checkpoint.string(), ENOENT);
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::bad_data, checkpoint.string() + " is no folder",
                "give the folder of a checkpoint: run/checkpoints/step-00000100");
  }
  const auto path = checkpoint / "manifest.json";
  const auto file = status_of(path);
  if (!fs::exists(file)) {
    throw Error(ErrorKind::bad_data,
                checkpoint.string() + " has no manifest.json: it is no complete checkpoint",
                "use another checkpoint");
  }
  if (!fs::is_regular_file(file)) fail(path, "is not a regular file");
  std::error_code error;
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

std::uint64_t version_of(const Json& json, const fs::path& path) {
  if (!json.is_object() || !json.contains("format") || json["format"] != kCheckpointFormat) {
    fail(path, fmt::format("is not the manifest of a checkpoint (format {})", kCheckpointFormat));
  }
  if (!json.contains("version") || !json["version"].is_number_unsigned()) {
    fail(path, "version is missing or no number");
  }
  return json["version"].get<std::uint64_t>();
}

// Any byte of the manifest that is not as it was written.
void check_own_checksum(const Json& json, std::string text, const fs::path& path) {
  if (!json.contains(kOwnChecksum)) {
    if (json["version"] != kCheckpointVersion) return;  // 1 had none, nobody knows of later ones
    fail(path, std::string(kOwnChecksum) + " is missing");
  }
  const auto& field = json[kOwnChecksum];
  if (!field.is_string() || !is_sha256(field)) fail(path, "its checksum is malformed");
  const auto checksum = field.get<std::string>();
  const auto place = text.find(checksum);
  if (place == std::string::npos) fail(path, "its checksum is malformed");
  text.replace(place, checksum.size(), kNoChecksum);
  if (sha256_hex(text) != checksum) {
    fail(path, "has another checksum than it was written with");
  }
}

// Of a manifest that is as it was written, so that damage is not taken for another version.
std::uint64_t checked_version(const Json& json, const std::string& text, const fs::path& path) {
  if (json.is_discarded()) fail(path, "is not JSON");
  const auto version = version_of(json, path);
  check_own_checksum(json, text, path);
  return version;
}

}  // namespace

std::string CheckpointManifest::to_json() const {
  nlohmann::ordered_json json{{"format", kCheckpointFormat},
                              {"version", kCheckpointVersion},
                              {kOwnChecksum, kNoChecksum},
                              {"step", step},
                              {"world_size", world_size}};
  json["files"] = nlohmann::ordered_json::object();
  for (const auto& file : files) {
    json["files"][file.name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  }
  auto text = json.dump(2) + "\n";
  text.replace(text.find(kNoChecksum), kNoChecksum.size(), sha256_hex(text));
  return text;
}

CheckpointManifest CheckpointManifest::from_folder(const fs::path& checkpoint) {
  const auto path = checkpoint / "manifest.json";
  const auto text = read_manifest(checkpoint);
  const auto json = Json::parse(text, nullptr, false);
  const auto version = checked_version(json, text, path);
  if (version < 1 || version > kCheckpointVersion) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: version {} is not among 1 to {}, those this program knows",
                            path.string(), version, kCheckpointVersion),
                "use the version of Bertha that wrote it");
  }
  CheckpointManifest manifest;
  manifest.step = whole_number<std::int64_t>(json, "step", path);
  manifest.world_size = whole_number<int>(json, "world_size", path);
  if (!json.contains("files") || !json["files"].is_object()) fail(path, "files are missing");
  for (const auto& [name, file] : json["files"].items()) {
    manifest.files.push_back(parse_file(name, file, path));
  }
  return manifest;
}

bool CheckpointManifest::is_newer(const fs::path& checkpoint) {
  try {
    const auto text = read_manifest(checkpoint);
    const auto json = Json::parse(text, nullptr, false);
    return checked_version(json, text, checkpoint / "manifest.json") > kCheckpointVersion;
  } catch (const Error&) {
    return false;
  }
}

void check_file(const fs::path& folder, const WrittenFile& file, bool full,
                const PieceDone& piece_done) {
  const auto path = folder / file.name;
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, path.string() + what,
                "the checkpoint is damaged: use another one");
  };
  const auto status = status_of(path);
  if (!fs::exists(status)) fail(" is missing");
  if (!fs::is_regular_file(status)) fail(" is not a regular file");
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) throw_io_error("read", path.string(), error.value());
  if (bytes != file.bytes) {
    fail(fmt::format(" has {} bytes, the manifest says {}", bytes, file.bytes));
  }
  if (full && sha256_file(path, piece_done) != file.sha256) {
    fail(" has another checksum than the manifest says");
  }
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
