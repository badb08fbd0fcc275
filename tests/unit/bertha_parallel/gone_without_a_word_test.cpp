// Heartbeats when ranks are gone: who is named, by whom, and who is not. A rank that dies is played
// by hand: it takes part, sends what a rank sends, and closes its socket.
#include <atomic>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/heartbeat_messages.h"
#include "parallel/heartbeats.h"
#include "tests/support/thread_communicator.h"

namespace bertha::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr milliseconds kBeat{20};

// A job of three whose ranks are all asked to end at once. Lines as "RANK> LINE".
class Job {
 public:
  HeartbeatSettings settings(int rank) {
    return {.interval = kBeat,
            .asked_to_end = [this] { return asked.load(); },
            .tell =
                [this, rank](const std::string& line) {
                  const std::scoped_lock lock(mutex_);
                  lines_.push_back(std::to_string(rank) + "> " + line);
                }};
  }
  std::vector<std::string> lines() {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }
  std::atomic<bool> asked = false;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

RankActivity idle() {
  return {};
}

HostName host(const char* name) {
  HostName chars{};
  std::string(name).copy(chars.data(), chars.size() - 1);
  return chars;
}

// Until an answer of rank 0 came: then it has heard of this rank.
void beat_until_answered(const UdpSocket& socket, const Meeting& meeting, const Beat& beat) {
  for (int i = 0; i < 500; ++i) {
    for (const auto& to : meeting.addresses) socket.send(to, pack(beat));
    if (const auto got = socket.receive(kBeat); got && unpack_answer(got->bytes, meeting.token)) {
      return;
    }
  }
  FAIL() << "rank 0 does not answer";
}

void live_until_asked(Communicator& communicator, Job& job) {
  const Heartbeats heartbeats(communicator, idle, job.settings(communicator.rank_info().rank));
  communicator.gather_bytes("");  // the dying one is dead
  std::this_thread::sleep_for(5 * kBeat);
  job.asked = true;
  std::this_thread::sleep_for(milliseconds(600));
}

void die_as_rank_1(Communicator& communicator, bool with_a_word) {
  const auto meeting = unpack_meeting(communicator.gather_bytes("").front());
  {
    const UdpSocket socket;
    beat_until_answered(socket, meeting,
                        {.token = meeting.token, .rank = 1, .host = host("far-node")});
    if (with_a_word) {
      beat_until_answered(
          socket, meeting,
          {.token = meeting.token, .rank = 1, .host = host("far-node"), .leaves = true});
    }
  }
  communicator.gather_bytes("");
}

TEST(GoneWithoutAWord, RankZeroNamesAnotherRankAndItsHost) {
  Job job;
  run_thread_ranks(3, [&](Communicator& communicator) {
    communicator.rank_info().rank == 1 ? die_as_rank_1(communicator, false)
                                       : live_until_asked(communicator, job);
  });
  EXPECT_THAT(
      job.lines(),
      ElementsAre(AllOf(StartsWith("0> bertha: error: rank 1 on far-node is gone without a word: "),
                        HasSubstr("heartbeats.cpp:"), EndsWith("goes on from what was saved\n"))));
}

TEST(GoneWithoutAWord, WhoSaysGoodbyeIsNotNamed) {
  Job job;
  run_thread_ranks(3, [&](Communicator& communicator) {
    communicator.rank_info().rank == 1 ? die_as_rank_1(communicator, true)
                                       : live_until_asked(communicator, job);
  });
  EXPECT_THAT(job.lines(), IsEmpty());
}

// Answers until ranks 1 and 2 were heard, if at all, and closes its socket.
void die_as_rank_0(Communicator& communicator, bool answers, bool with_a_word) {
  {
    const UdpSocket socket;
    Meeting meeting{.token = 5, .host = host("head-node")};
    for (const auto address : local_hosts()) meeting.addresses.push_back({address, socket.port()});
    communicator.gather_bytes(pack(meeting));
    bool heard[3] = {true, false, false};
    for (int i = 0; answers && i < 500 && !(heard[1] && heard[2]); ++i) {
      const auto message = socket.receive(kBeat);
      const auto beat = message ? unpack_beat(message->bytes, 5) : std::nullopt;
      if (!beat || beat->rank < 1 || beat->rank > 2) continue;
      heard[beat->rank] = true;
      socket.send(message->from, pack(Answer{.leaves = with_a_word}, 5));
    }
    EXPECT_TRUE(!answers || (heard[1] && heard[2]));
    std::this_thread::sleep_for(3 * kBeat);
  }
  communicator.gather_bytes("");
}

TEST(GoneWithoutAWord, RankOneAloneNamesRankZero) {
  Job job;
  run_thread_ranks(3, [&](Communicator& communicator) {
    communicator.rank_info().is_root() ? die_as_rank_0(communicator, true, false)
                                       : live_until_asked(communicator, job);
  });
  EXPECT_THAT(job.lines(),
              ElementsAre(StartsWith("1> bertha: error: rank 0 on head-node is gone")));
}

TEST(GoneWithoutAWord, RankZeroThatSaidGoodbyeOrNeverAnsweredIsNotNamed) {
  for (const bool answers : {true, false}) {
    Job job;
    run_thread_ranks(3, [&](Communicator& communicator) {
      communicator.rank_info().is_root() ? die_as_rank_0(communicator, answers, true)
                                         : live_until_asked(communicator, job);
    });
    EXPECT_THAT(job.lines(), IsEmpty()) << answers;
  }
}

// An ordinary stop: ranks end one after the other, in any order, also before they noticed that they
// were asked.
TEST(GoneWithoutAWord, RanksThatStopInOrderAreNotNamed) {
  for (int last = 0; last < 3; ++last) {
    Job job;
    run_thread_ranks(3, [&](Communicator& communicator) {
      const int rank = communicator.rank_info().rank;
      const Heartbeats heartbeats(communicator, idle, job.settings(rank));
      std::this_thread::sleep_for(5 * kBeat);
      communicator.gather_bytes("");
      if (rank == 0) job.asked = true;
      std::this_thread::sleep_for(milliseconds(120) * ((rank - last + 2) % 3));
    });
    EXPECT_THAT(job.lines(), IsEmpty()) << last;
  }
}

}  // namespace
}  // namespace bertha::testing
