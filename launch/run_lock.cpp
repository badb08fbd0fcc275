// flock, because it is per open file, works between the nodes of an NFS, and dies with its process.
#include "launch/run_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr std::size_t kLongestText = 200;

std::string who_i_am() {
  std::array<char, 80> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  ::gmtime_r(&now, &time);
  std::array<char, 40> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%d %H:%M:%S UTC", &time);
  return fmt::format("host {}, process {}, since {}", host.data(), ::getpid(), since.data());
}

// What the holder wrote.
std::string text_of(int file) {
  std::string text(kLongestText, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  text.resize(std::min(text.find_first_of(std::string_view("\n\0", 2)), text.size()));
  return text.empty() ? "another process" : text;
}

// 0, or the errno of the last attempt.
int lock(int file, std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  for (;;) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return 0;
    const int error = errno;
    if (error == EINTR) continue;
    if (error != EWOULDBLOCK || Clock::now() >= until) return error;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

RunLock::RunLock(const fs::path& run_folder, std::chrono::milliseconds patience) {
  std::error_code ignored;
  fs::create_directories(run_folder, ignored);
  const auto path = run_folder / "run.lock";
  file_ = UniqueHandle<int, ::close, -1>(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!file_) return;
  const int error = lock(file_.get(), patience);
  if (error == EWOULDBLOCK) {
    throw Error(ErrorKind::usage,
                fmt::format("another run holds {}: {}", run_folder.string(), text_of(file_.get())),
                "wait for its end, or end it, or choose another train.output");
  }
  if (error != 0) {
    log_warning(fmt::format("{} cannot be locked ({}): nothing keeps a second run out of it",
                            run_folder.string(), errno_text(error)));
    file_.reset();
    return;
  }
  const auto text = who_i_am() + "\n";
  const bool told =
      ::ftruncate(file_.get(), 0) == 0 && ::pwrite(file_.get(), text.data(), text.size(), 0) >= 0;
  if (!told) log_warning(fmt::format("cannot write {}: {}", path.string(), errno_text(errno)));
}

RunLock lock_run(const fs::path& run_folder, Communicator& communicator) {
  RunLock lock;
  agree_or_throw(communicator, [&] {
    if (communicator.rank_info().is_root()) lock = RunLock(run_folder);
  });
  return lock;
}

}  // namespace bertha
