// Files of a checkpoint out to disk, each verified.
#include "trainer/checkpoint/checkpoint_writing.h"

#include <system_error>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/progress.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/moment_files.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHeaderBytes = 1 << 16;  // headers, manifest: a guess on the safe side

WrittenFile write_text(const fs::path& path, const std::string& text,
                       const PieceDone& piece_done = {}) {
  FileWriter writer(path, piece_done);
  writer.write(text);
  return writer.finish();
}

}  // namespace

std::uint64_t bytes_to_write(const CheckpointContents& contents, bool root) {
  std::uint64_t bytes = kHeaderBytes;
  for (const auto& slice : contents.moments) bytes += slice.values.nbytes();
  if (!root) return bytes;
  for (const auto& weight : contents.weights) bytes += weight.tensor.nbytes();
  for (const auto& [name, text] : contents.files) bytes += text.size();
  return bytes;
}

void require_space(const fs::path& folder, std::uint64_t bytes, const fs::path& checkpoint) {
  std::error_code error;
  const auto space = fs::space(folder, error);
  if (error || space.available >= bytes) return;  // unknown: writing will tell
  throw Error(ErrorKind::io,
              fmt::format("No space left for {}: it takes {} bytes ({}), {} ({}) are free",
                          checkpoint.string(), bytes, human_bytes(static_cast<double>(bytes)),
                          space.available, human_bytes(static_cast<double>(space.available))),
              "free some space, or keep fewer checkpoints: train.keep_last");
}

std::vector<WrittenFile> write_share(const WritingShare& share,
                                     std::atomic<std::uint64_t>& bytes_done,
                                     const std::stop_token& stop) {
  std::vector<WrittenFile> files;
  const PieceDone piece_done = [&](std::uint64_t bytes) {
    bytes_done += bytes;
    if (stop.stop_requested()) throw Error(ErrorKind::internal, "the save was given up");
  };
  const auto add = [&](const WrittenFile& file) {
    const auto path = share.folder / file.name;
    // A disk that does not keep what it was given: as many bytes, but others.
    if (inject_fault("written")) write_text(path, std::string(file.bytes, '\0'));
    drop_from_cache(path);
    check_file(share.folder, file, true, piece_done);
    files.push_back(file);
  };
  const auto& contents = share.contents;
  if (!contents.moments.empty()) {
    const auto name = moment_file_name(share.moments.number, share.moments.count);
    add(write_moments(share.folder / name, contents.moments, piece_done));
  }
  if (!share.root) return files;
  add(write_safetensors(share.folder / "model.safetensors", contents.weights, model_metadata(),
                        piece_done));
  const auto add_text = [&](const std::string& name, const std::string& text) {
    add(write_text(share.folder / name, text, piece_done));
  };
  for (const auto& [name, text] : contents.files) add_text(name, text);
  add_text("trainer_state.json", trainer_state_to_json(contents.state));
  return files;
}

void commit(StagedFolder& staged, const CheckpointManifest& manifest) {
  write_text(staged.path() / "manifest.json", manifest.to_json());
  if (CheckpointManifest::from_folder(staged.path()) != manifest) {
    throw Error(ErrorKind::io, (staged.path() / "manifest.json").string() +
                                   " was not kept by the "
                                   "file system");
  }
  staged.publish();
}

}  // namespace bertha
