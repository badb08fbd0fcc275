// Rank 0 listens and answers; the others send to all of rank 0's addresses until one answers.
#include "parallel/heartbeats.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/udp_socket.h"

namespace bertha {
namespace {

using Clock = HeartbeatTable::Clock;

constexpr std::size_t kLongestAnswer = 1200;  // fits any network's packet
constexpr int kMissedBeats = 4;

// To rank 0. Ranks of one job run one program, so memory is the format; the token keeps strangers
// and other jobs out.
struct Beat {
  std::uint64_t token;
  std::int64_t rank;
  RankActivity activity;
};
static_assert(std::is_trivially_copyable_v<Beat>);

// Where rank 0 listens: token, port, then hosts.
struct Meeting {
  std::uint64_t token = 0;
  std::vector<UdpAddress> addresses;
};

std::string pack(const Meeting& meeting) {
  std::string bytes(reinterpret_cast<const char*>(&meeting.token), sizeof meeting.token);
  for (const auto& address : meeting.addresses) {
    bytes.append(reinterpret_cast<const char*>(&address), sizeof address);
  }
  return bytes;
}

Meeting unpack(const std::string& bytes) {
  Meeting meeting;
  if (bytes.size() < sizeof meeting.token) return meeting;
  std::memcpy(&meeting.token, bytes.data(), sizeof meeting.token);
  for (auto at = sizeof meeting.token; at + sizeof(UdpAddress) <= bytes.size();
       at += sizeof(UdpAddress)) {
    std::memcpy(&meeting.addresses.emplace_back(), bytes.data() + at, sizeof(UdpAddress));
  }
  return meeting;
}

std::uint64_t fresh_token() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

struct Heartbeats::State {
  RankInfo ranks;
  std::function<RankActivity()> activity;
  std::chrono::milliseconds interval{};
  std::chrono::seconds patience{};
  std::optional<UdpSocket> socket;  // empty: this machine gives none
  Meeting meeting;

  mutable std::mutex mutex;  // guards what follows
  HeartbeatTable table{1};   // rank 0's
  std::string answer;        // the others': what rank 0 said last
  Clock::time_point answered{};
  bool warned = false;

  std::jthread thread;  // last: ends before what it uses

  Clock::duration silence() const { return interval * kMissedBeats; }
  void listen(const std::stop_token& stop);
  void answer_beat(const UdpMessage& message);
  void warn_of_stall(const RankActivity& mine);
  void send(const std::stop_token& stop);
};

void Heartbeats::State::answer_beat(const UdpMessage& message) {
  Beat beat;
  if (message.bytes.size() != sizeof beat) return;
  std::memcpy(&beat, message.bytes.data(), sizeof beat);
  if (beat.token != meeting.token || beat.rank < 1 || beat.rank >= ranks.world_size) return;
  beat.activity.operation.back() = beat.activity.phase.back() = '\0';
  std::string text;
  {
    const std::scoped_lock lock(mutex);
    table.heard(static_cast<int>(beat.rank), beat.activity, Clock::now());
    text = table.held_up_by(Clock::now(), silence());
  }
  text.resize(std::min(text.size(), kLongestAnswer));
  std::string reply(reinterpret_cast<const char*>(&meeting.token), sizeof meeting.token);
  socket->send(message.from, reply + text);
}

void Heartbeats::State::warn_of_stall(const RankActivity& mine) {
  if (mine.idle_seconds < static_cast<double>(patience.count())) {
    warned = false;
    return;
  }
  if (std::exchange(warned, true)) return;
  std::string text;
  {
    const std::scoped_lock lock(mutex);
    text = table.held_up_by(Clock::now(), silence());
  }
  if (!text.empty())
    log_warning(fmt::format("no progress for {:.0f} s; {}", mine.idle_seconds, text));
}

void Heartbeats::State::listen(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto mine = activity();
    {
      const std::scoped_lock lock(mutex);
      table.heard(0, mine, Clock::now());
    }
    warn_of_stall(mine);
    const auto until = Clock::now() + interval;
    while (!stop.stop_requested() && Clock::now() < until) {
      if (const auto message = socket->receive(std::chrono::milliseconds(50))) {
        answer_beat(*message);
      }
    }
  }
}

void Heartbeats::State::send(const std::stop_token& stop) {
  auto to = meeting.addresses;
  while (!stop.stop_requested()) {
    const Beat beat{meeting.token, ranks.rank, activity()};
    for (const auto& address : to) {
      socket->send(address, {reinterpret_cast<const char*>(&beat), sizeof beat});
    }
    const auto until = Clock::now() + interval;
    while (!stop.stop_requested() && Clock::now() < until) {
      const auto message = socket->receive(std::chrono::milliseconds(50));
      if (!message || message->bytes.size() < sizeof meeting.token ||
          std::memcmp(message->bytes.data(), &meeting.token, sizeof meeting.token) != 0) {
        continue;
      }
      to = {message->from};
      const std::scoped_lock lock(mutex);
      answer = message->bytes.substr(sizeof meeting.token);
      answered = Clock::now();
    }
  }
}

Heartbeats::Heartbeats(Communicator& communicator, std::function<RankActivity()> activity,
                       std::chrono::milliseconds interval, std::chrono::seconds patience)
    : state_(std::make_unique<State>()) {
  auto& state = *state_;
  state.ranks = communicator.rank_info();
  state.activity = std::move(activity);
  state.interval = interval;
  state.patience = patience;
  state.table = HeartbeatTable(state.ranks.world_size);
  try {
    state.socket.emplace();
  } catch (const Error& error) {
    log_warning(std::string("no heartbeats between ranks: ") + error.message());
  }
  std::string mine;
  if (state.ranks.is_root() && state.socket) {
    state.meeting.token = fresh_token();
    for (const auto host : local_hosts()) {
      state.meeting.addresses.push_back({host, state.socket->port()});
    }
    mine = pack(state.meeting);
  }
  state.meeting = unpack(communicator.gather_bytes(mine).front());
  if (!state.socket || state.meeting.addresses.empty()) return;
  state.answered = Clock::now();
  state.thread = std::jthread([&state](const std::stop_token& stop) {
    state.ranks.is_root() ? state.listen(stop) : state.send(stop);
  });
}

Heartbeats::~Heartbeats() = default;

std::string Heartbeats::held_up_by() const {
  const auto& state = *state_;
  if (!state.thread.joinable()) return {};
  const std::scoped_lock lock(state.mutex);
  if (state.ranks.is_root()) return state.table.held_up_by(Clock::now(), state.silence());
  const auto since = Clock::now() - state.answered;
  if (since <= state.silence()) return state.answer;
  return fmt::format("rank 0 silent for {:.0f} s (stopped or dead)",
                     std::chrono::duration<double>(since).count());
}

}  // namespace bertha
