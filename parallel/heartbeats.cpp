// Rank 0 listens and answers; the others send to all of rank 0's addresses until one answers.
#include "parallel/heartbeats.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/error_line.h"
#include "parallel/base/log.h"
#include "parallel/gone_ranks.h"
#include "parallel/heartbeat_messages.h"
#include "parallel/mpi_environment.h"

namespace bertha {
namespace {

using Clock = HeartbeatTable::Clock;
using std::chrono::milliseconds;

constexpr int kMissedBeats = 4;
constexpr milliseconds kLook{50};    // between two looks at what else there is to do
constexpr milliseconds kProbe{300};  // a launcher kills a second after it asked to end

std::uint64_t fresh_token() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

struct Heartbeats::State {
  RankInfo ranks;
  std::function<RankActivity()> activity;
  HeartbeatSettings settings;
  std::optional<UdpSocket> socket;  // empty: this machine gives none
  Meeting meeting;

  mutable std::mutex mutex;  // guards what follows
  HeartbeatTable table{1};   // rank 0's
  std::vector<Peer> peers;   // whom it heard of: rank 0 all others, these rank 0
  std::string answer;        // the others': what rank 0 said last
  Clock::time_point answered{};

  bool warned = false, heeded = false;      // the thread's
  std::optional<BeforeAbort> before_abort;  // ends before what it uses, as the thread does
  std::jthread thread;

  Clock::duration silence() const { return settings.interval * kMissedBeats; }
  void beat();
  std::string farewell() const;
  std::vector<UdpAddress> known_addresses() const;
  void send_to_all(const std::string& bytes) const;
  void hear(const UdpMessage& message);
  void hear_beat(const UdpMessage& message);
  void hear_answer(const UdpMessage& message);
  void warn_of_stall(const RankActivity& mine);
  void heed_request();
  void name_the_gone();
  void run(const std::stop_token& stop);
};

// Every interval: rank 0 looks at what it knows, the others tell it what they do.
void Heartbeats::State::beat() {
  const auto mine = activity();
  if (!ranks.is_root()) {
    const Beat beat{meeting.token, ranks.rank, mine, this_host()};
    return send_to_all(pack(beat));
  }
  {
    const std::scoped_lock lock(mutex);
    table.heard(0, mine, Clock::now());
  }
  warn_of_stall(mine);
}

std::string Heartbeats::State::farewell() const {
  if (ranks.is_root()) return pack(Answer{.leaves = true}, meeting.token);
  return pack(Beat{meeting.token, ranks.rank, activity(), this_host(), true});
}

std::vector<UdpAddress> Heartbeats::State::known_addresses() const {
  std::vector<UdpAddress> addresses;
  const std::scoped_lock lock(mutex);
  for (const auto& peer : peers) addresses.push_back(peer.address);
  return addresses;
}

void Heartbeats::State::send_to_all(const std::string& bytes) const {
  const auto known = known_addresses();
  const bool looks_for_root = known.empty() && !ranks.is_root();
  for (const auto& to : looks_for_root ? meeting.addresses : known) socket->send(to, bytes);
}

void Heartbeats::State::hear(const UdpMessage& message) {
  ranks.is_root() ? hear_beat(message) : hear_answer(message);
}

void Heartbeats::State::hear_beat(const UdpMessage& message) {
  const auto beat = unpack_beat(message.bytes, meeting.token);
  if (!beat || beat->rank < 1 || beat->rank >= ranks.world_size) return;
  const auto rank = static_cast<int>(beat->rank);
  std::string text;
  {
    const std::scoped_lock lock(mutex);
    heard_of(peers, {rank, message.from, beat->host.data(), beat->leaves});
    table.heard(rank, beat->activity, Clock::now());
    text = table.held_up_by(Clock::now(), silence());
  }
  socket->send(message.from, pack(Answer{.held_up_by = text}, meeting.token));
}

void Heartbeats::State::hear_answer(const UdpMessage& message) {
  auto heard = unpack_answer(message.bytes, meeting.token);
  if (!heard) return;
  const std::scoped_lock lock(mutex);
  heard_of(peers, {0, message.from, meeting.host.data(), heard->leaves});
  if (heard->leaves) return;
  answer = std::move(heard->held_up_by);
  answered = Clock::now();
}

void Heartbeats::State::warn_of_stall(const RankActivity& mine) {
  if (mine.idle_seconds < static_cast<double>(settings.patience.count())) {
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

// Once: tells the others that this rank ends, if it does, because it was asked to, and looks for
// those that were not asked.
void Heartbeats::State::heed_request() {
  if (heeded || !settings.asked_to_end || !settings.asked_to_end()) return;
  heeded = true;
  send_to_all(farewell());
  if (ranks.rank <= 1) name_the_gone();  // one line: of rank 0, or of rank 1 if that is gone
}

void Heartbeats::State::name_the_gone() {
  const auto refused = socket->refused(known_addresses(), farewell(), kProbe);
  // The last words of those who left in good order are here by now.
  while (const auto message = socket->receive(milliseconds(0))) hear(*message);
  std::string text;
  {
    const std::scoped_lock lock(mutex);
    text = gone_ranks(peers, refused);
  }
  if (text.empty()) return;
  const Error error(ErrorKind::communication, text,
                    "the launcher names the signal; the same command goes on from what was saved");
  settings.tell(error_line(error, {}));
}

void Heartbeats::State::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    beat();
    const auto until = Clock::now() + settings.interval;
    while (!stop.stop_requested() && Clock::now() < until) {
      heed_request();
      if (const auto message = socket->receive(kLook)) hear(*message);
    }
  }
  heed_request();  // what was asked just before the end
}

Heartbeats::Heartbeats(Communicator& communicator, std::function<RankActivity()> activity,
                       HeartbeatSettings settings)
    : state_(std::make_unique<State>()) {
  auto& state = *state_;
  state.ranks = communicator.rank_info();
  state.activity = std::move(activity);
  state.settings = std::move(settings);
  if (!state.settings.tell) state.settings.tell = print_line;
  state.table = HeartbeatTable(state.ranks.world_size);
  try {
    state.socket.emplace();
  } catch (const Error& error) {
    log_warning(std::string("no heartbeats between ranks: ") + error.message());
  }
  std::string mine;
  if (state.ranks.is_root() && state.socket) {
    Meeting meeting{.token = fresh_token(), .host = this_host()};
    for (const auto host : local_hosts()) {
      meeting.addresses.push_back({host, state.socket->port()});
    }
    mine = pack(meeting);
  }
  state.meeting = unpack_meeting(communicator.gather_bytes(mine).front());
  if (!state.socket || state.meeting.addresses.empty()) return;
  state.answered = Clock::now();
  state.before_abort.emplace([&state] { state.send_to_all(state.farewell()); });
  state.thread = std::jthread([&state](const std::stop_token& stop) { state.run(stop); });
}

Heartbeats::~Heartbeats() {
  auto& state = *state_;
  if (!state.thread.joinable()) return;
  state.thread.request_stop();
  state.thread.join();
  for (int i = 0; i < 2; ++i) state.send_to_all(state.farewell());  // one may get lost
}

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
