// Digests, the lock, and what may stay of an earlier run.
#include "data_pipeline/prepare/prepare_work.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr int kSpillVersion = 4;  // raised when units or the spill change
constexpr auto kLongestWait = std::chrono::seconds(30);
constexpr char kState[] = "state", kLock[] = "lock", kFailed[] = "failed";

std::string state_text(const PrepareDigests& digests) {
  return digests.input + "\n" + digests.plan + "\n";
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_io_error("create folder", path.string(), error.value());
}

// Whether `path` is still the file that was opened: a run that ends removes it.
bool is_same_file(int file, const fs::path& path) {
  struct stat opened {
  }, there{};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &there) == 0 &&
         opened.st_ino == there.st_ino && opened.st_dev == there.st_dev;
}

}  // namespace

PrepareDigests digest_of(const PrepareOptions& options, const std::vector<InputUnit>& units,
                         const std::string& vocabulary_sha256) {
  Sha256 input;
  input.update(fmt::format("{} {} {}{}{} {} {}\n", kSpillVersion, vocabulary_sha256,
                           options.tokenizer.lower_case, options.tokenizer.strip_accents,
                           options.tokenizer.chinese_characters, options.drop_duplicates,
                           options.input.text_field));
  input.update(pack_units(units));
  PrepareDigests digests{.input = input.hex(), .plan = {}};
  digests.plan = sha256_hex(fmt::format("{} {} {} {}{}", digests.input, options.shard_tokens,
                                        options.validation_fraction, options.seed,
                                        options.word_boundaries ? " words" : ""));
  return digests;
}

PrepareWork::PrepareWork(const fs::path& output) {
  const fs::path name = output.filename().empty() ? output.parent_path() : output;
  folder_ = name.string() + ".preparing";
  corpus_ = name.string() + ".staging";
  output_ = name;
}

void PrepareWork::lock(bool alone) {
  const fs::path path = folder_ / kLock;
  const auto began = std::chrono::steady_clock::now();
  for (bool told = false;;) {
    if (alone) make_folder(folder_);
    if (!lock_) lock_ = open_file(path, alone ? O_RDWR | O_CREAT : O_RDWR);
    if (::flock(lock_.get(), (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) {
      if (!alone || is_same_file(lock_.get(), path)) return;
      lock_.reset();
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return;  // a file system without locks
    if (std::chrono::steady_clock::now() - began > kLongestWait) {
      throw Error(ErrorKind::io, "another `bertha prepare` is at work in " + folder_.string(),
                  "wait until it ends, or name another prepare.output");
    }
    if (!std::exchange(told, true)) {
      log_info("prepare: waiting for another run to leave " + folder_.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Keeps the spill where the input is the same, the shards where the plan is.
void PrepareWork::clean(const PrepareDigests& digests) {
  finish_killed_publish(output_);
  std::error_code error;
  const fs::path state = folder_ / kState;
  const std::string before = fs::exists(state, error) ? read_file(state) : "";
  const bool same_plan = before == state_text(digests);
  const bool same_input = before.starts_with(digests.input + "\n");
  if (!before.empty() && !same_input) {
    log_info("prepare: input or options are not those of the interrupted run in " +
             folder_.string() + "; starting anew");
  }
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    const bool stays = name == kLock || same_plan || (same_input && name.starts_with("spill-"));
    if (!stays || name == kFailed) fs::remove_all(entry.path());
  }
  if (!same_plan) fs::remove_all(corpus_);
  make_folder(corpus_);
  if (!same_plan) write_file_atomically(state, state_text(digests));
  goes_on_ = same_input;
}

PrepareWork PrepareWork::begin(const fs::path& output, const PrepareDigests& digests) {
  PrepareWork work(output);
  work.input_digest_ = digests.input;
  work.lock(true);
  try {
    work.clean(digests);
  } catch (...) {
    work.abandon();  // a full disk, say
    throw;
  }
  ::flock(work.lock_.get(), LOCK_SH);  // the other ranks may come
  return work;
}

PrepareWork PrepareWork::join(const fs::path& output) {
  PrepareWork work(output);
  if (!fs::is_directory(work.folder_)) {
    throw Error(ErrorKind::io, work.folder_.string() + " was made by rank 0, but is not here",
                "prepare.output must be on a file system that all ranks share");
  }
  work.lock(false);
  return work;
}

void PrepareWork::mark_failed() const {
  std::ofstream(folder_ / kFailed);  // if this fails too, the others just go on
}

bool PrepareWork::is_marked_failed() const {
  std::error_code ignored;
  return fs::exists(folder_ / kFailed, ignored);
}

// A plan that no run has: see clean().
void PrepareWork::forget_shards() const {
  write_file_atomically(folder_ / kState, state_text({.input = input_digest_, .plan = {}}));
}

void PrepareWork::remove() const {
  std::error_code error;
  fs::remove_all(folder_, error);
  if (error) log_warning("cannot remove " + folder_.string() + ": " + error.message());
}

void PrepareWork::abandon() const {
  remove();
  std::error_code ignored;
  fs::remove_all(corpus_, ignored);
}

}  // namespace bertha
