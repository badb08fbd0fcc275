// Who is gone without a word, of ranks written by hand; and what ranks tell each other, as bytes.
#include "parallel/gone_ranks.h"

#include <gtest/gtest.h>

#include "parallel/heartbeat_messages.h"

namespace bertha {
namespace {

constexpr const char* kWhy =
    " gone without a word: killed (by signal 9, as when memory runs out) or crashed";

UdpAddress address(int rank) {
  return {7, static_cast<std::uint16_t>(rank)};
}

TEST(GoneRanks, AreThoseThatRefuseAndHaveNotLeft) {
  std::vector<Peer> peers;
  for (const int rank : {3, 1, 2}) heard_of(peers, {rank, address(rank), "node"});
  EXPECT_EQ(gone_ranks(peers, {}), "");
  EXPECT_EQ(gone_ranks(peers, {address(9)}), "") << "nobody's address";
  EXPECT_EQ(gone_ranks(peers, {address(2)}), std::string("rank 2 on node is") + kWhy);
  EXPECT_EQ(gone_ranks(peers, {address(3), address(1)}),
            std::string("rank 1 on node, rank 3 on node are") + kWhy);
  heard_of(peers, {1, address(1), "node", true});
  heard_of(peers, {1, address(1), "node", false});  // a beat that was overtaken
  EXPECT_EQ(gone_ranks(peers, {address(1)}), "");
  heard_of(peers, {2, address(12), ""});  // at another address now
  EXPECT_EQ(gone_ranks(peers, {address(2)}), "");
  EXPECT_EQ(gone_ranks(peers, {address(12)}), std::string("rank 2 is") + kWhy);
}

TEST(GoneRanks, AWholeJobIsCounted) {
  std::vector<Peer> peers;
  std::vector<UdpAddress> refused;
  for (int rank = 1; rank <= 20; ++rank) {
    heard_of(peers, {rank, address(rank), ""});
    refused.push_back(address(rank));
  }
  const auto text = gone_ranks(peers, refused);
  EXPECT_EQ(text.find("rank 9"), std::string::npos) << text;
  EXPECT_NE(text.find("rank 8 and 12 more are gone"), std::string::npos) << text;
}

TEST(HeartbeatMessages, ArriveAsTheyWereSent) {
  const Meeting meeting{77, this_host(), {address(1), address(2)}};
  const auto met = unpack_meeting(pack(meeting));
  EXPECT_EQ(met.token, 77U);
  EXPECT_EQ(met.host, meeting.host);
  EXPECT_NE(met.host.front(), '\0');
  EXPECT_EQ(met.addresses, meeting.addresses);
  const auto beat = unpack_beat(pack(Beat{77, 3, {.sequence = 5}, this_host(), true}), 77);
  ASSERT_TRUE(beat);
  EXPECT_EQ(beat->rank, 3);
  EXPECT_EQ(beat->activity.sequence, 5U);
  EXPECT_EQ(beat->host, this_host());
  EXPECT_TRUE(beat->leaves);
  for (const bool leaves : {false, true}) {
    const auto answer = unpack_answer(pack(Answer{leaves, "rank 2"}, 77), 77);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->leaves, leaves);
    EXPECT_EQ(answer->held_up_by, "rank 2");
  }
  EXPECT_EQ(unpack_answer(pack(Answer{false, std::string(5000, 'x')}, 77), 77)->held_up_by.size(),
            1200U);
}

TEST(HeartbeatMessages, OfStrangersAreRefused) {
  const auto beat = pack(Beat{.token = 77});
  EXPECT_TRUE(unpack_beat(beat, 77));
  EXPECT_FALSE(unpack_beat(beat, 78));
  EXPECT_FALSE(unpack_beat(beat + "x", 77));
  EXPECT_FALSE(unpack_beat("", 77));
  const auto answer = pack(Answer{}, 77);
  EXPECT_TRUE(unpack_answer(answer, 77));
  EXPECT_FALSE(unpack_answer(answer, 78));
  EXPECT_FALSE(unpack_answer(answer.substr(0, 8), 77));
  EXPECT_TRUE(unpack_meeting("").addresses.empty());
}

}  // namespace
}  // namespace bertha
