// No name before the bytes: what saving asks of the system, in order. Every file is flushed, as it
// then stays, before its folder gets its final name, and the folder that holds the name after it.
#include <cstdio>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_checkpoint/sample_checkpoint.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"

namespace bertha::testing {
namespace {

namespace fs = std::filesystem;

// Bytes, and when they were written last.
struct Content {
  std::int64_t bytes = 0, seconds = 0, nanoseconds = 0;
  bool operator==(const Content&) const = default;
};

struct Event {
  enum Kind { flush, rename } kind = flush;
  fs::path path;  // flushed, or the new name
  Content content;
  bool by_writer = false;  // flushed by who had it open for writing
  fs::path from;           // renamed: the old name, and what stood below it then
  std::map<fs::path, Content> below;
};

Content content_of(const struct ::stat& status) {
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

Content content_of(const fs::path& path) {
  struct ::stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return content_of(status);
}

// The events below a folder, from any thread.
class Recorder {
 public:
  static Recorder& instance() {
    static auto& recorder = *new Recorder;
    return recorder;
  }
  void start(const fs::path& folder) {
    const std::scoped_lock lock(mutex_);
    folder_ = folder.string();
    events_.clear();
  }
  std::vector<Event> stop() {
    const std::scoped_lock lock(mutex_);
    folder_.clear();
    return std::exchange(events_, {});
  }
  void flushed(int file) {
    struct ::stat status {};
    char path[4096] = "";
    const auto link = "/proc/self/fd/" + std::to_string(file);
    if (::readlink(link.c_str(), path, sizeof path - 1) < 0 || ::fstat(file, &status) != 0) return;
    const bool by_writer = (::fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY;
    add({Event::flush, path, content_of(status), by_writer, {}, {}});
  }
  void renames(const fs::path& from, const fs::path& to) {
    Event event{Event::rename, to, {}, false, from, {}};
    if (fs::is_directory(from)) {
      for (const auto& entry : fs::recursive_directory_iterator(from)) {
        event.below[entry.path()] = content_of(entry.path());
      }
    }
    event.content = content_of(from);
    add(std::move(event));
  }

 private:
  void add(Event event) {
    const std::scoped_lock lock(mutex_);
    if (!folder_.empty() && event.path.string().starts_with(folder_)) {
      events_.push_back(std::move(event));
    }
  }
  std::mutex mutex_;
  std::string folder_;
  std::vector<Event> events_;
};

}  // namespace
}  // namespace bertha::testing

// Hide the C library's in this program.
extern "C" {

int fsync(int file) {
  const int result = static_cast<int>(::syscall(SYS_fsync, file));
  if (result == 0) bertha::testing::Recorder::instance().flushed(file);
  return result;
}

int fdatasync(int file) {
  const int result = static_cast<int>(::syscall(SYS_fdatasync, file));
  if (result == 0) bertha::testing::Recorder::instance().flushed(file);
  return result;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  if (::access(from, F_OK) == 0) bertha::testing::Recorder::instance().renames(from, to);
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int rename(const char* from, const char* to) noexcept {
  return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

}  // extern "C"

namespace bertha::testing {
namespace {

bool flushed_between(const std::vector<Event>& events, std::size_t begin, std::size_t end,
                     const fs::path& path, const Content* as, bool by_writer) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto& event = events[i];
    if (event.kind == Event::flush && event.path == path && (!as || event.content == *as) &&
        (!by_writer || event.by_writer)) {
      return true;
    }
  }
  return false;
}

// Checks the renames to `path`; returns how many there were.
int expect_flushed_renames(const std::vector<Event>& events, const fs::path& path) {
  int renames = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i];
    if (event.kind != Event::rename || event.path != path) continue;
    ++renames;
    EXPECT_TRUE(flushed_between(events, 0, i, event.from, &event.content, false))
        << event.from << " was not flushed before it became " << path;
    for (const auto& [name, content] : event.below) {
      EXPECT_TRUE(flushed_between(events, 0, i, name, &content, true))
          << name << " was not flushed by who wrote it before it became part of " << path;
    }
    EXPECT_TRUE(flushed_between(events, i + 1, events.size(), path.parent_path(), nullptr, false))
        << "the folder of " << path << " was not flushed after it";
  }
  return renames;
}

TEST(FlushOrder, OfACheckpoint) {
  const ScratchFolder run;
  const auto folder = run / "checkpoints", checkpoint = folder / "step-00000500";
  for (const bool in_background : {false, true}) {
    Recorder::instance().start(run.path());
    run_thread_ranks(3, [&](Communicator& communicator) {
      CheckpointStore store(folder, communicator, {0, 0});
      const auto contents = sample_contents(communicator.rank_info(), 500);
      if (!in_background) {
        store.save(contents);
        return;
      }
      store.begin(contents);  // in the place of the first
      EXPECT_FALSE(store.finish().failure);
    });
    const auto events = Recorder::instance().stop();
    EXPECT_EQ(expect_flushed_renames(events, checkpoint), 1);
    std::size_t files = 0;
    for (const auto& event : events) {
      if (event.kind == Event::rename && event.path == checkpoint) files = event.below.size();
    }
    // Moments of three ranks, weights, two files, the trainer's state and the manifest.
    EXPECT_EQ(files, 8U);
    EXPECT_EQ(names_in(checkpoint).size(), 8U);
  }
}

TEST(FlushOrder, OfASingleFile) {
  const ScratchFolder run;
  Recorder::instance().start(run.path());
  write_file_atomically(run / "vocab.txt", "[PAD]\n");
  EXPECT_EQ(expect_flushed_renames(Recorder::instance().stop(), run / "vocab.txt"), 1);
}

}  // namespace
}  // namespace bertha::testing
