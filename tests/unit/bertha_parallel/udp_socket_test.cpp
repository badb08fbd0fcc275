// Ports that nobody has refuse what is sent to them, and the socket goes on as before.
#include "parallel/udp_socket.h"

#include <arpa/inet.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

UdpAddress at(const UdpSocket& socket) {
  return {htonl(INADDR_LOOPBACK), socket.port()};
}

UdpAddress port_that_nobody_has() {
  return at(UdpSocket());
}

TEST(UdpSocket, PortsThatNobodyHasRefuse) {
  const UdpSocket asking, alive, other;
  // Those that refuse stand between those that do not: a refusal must not hide what follows.
  std::vector<UdpAddress> gone, all{at(alive)};
  for (int i = 0; i < 20; ++i) {
    gone.push_back(port_that_nobody_has());
    all.push_back(gone.back());
  }
  all.push_back(at(other));
  EXPECT_THAT(asking.refused(all, "there?", milliseconds(200)), ElementsAreArray(gone));
  for (const auto* one : {&alive, &other}) {
    const auto heard = one->receive(milliseconds(0));
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->bytes, "there?");
    EXPECT_EQ(heard->from.port, asking.port());
  }
}

TEST(UdpSocket, IsAsBeforeWhenItHasAsked) {
  const UdpSocket asking, alive;
  alive.send(at(asking), "before");
  const auto gone = port_that_nobody_has();
  ASSERT_THAT(asking.refused({{gone, at(alive)}}, "there?", milliseconds(60)),
              ElementsAreArray({gone}));
  // What came meanwhile is still there, and refusals are of no interest any more.
  const auto heard = asking.receive(milliseconds(0));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->bytes, "before");
  asking.send(gone, "again");
  const auto began = Clock::now();
  EXPECT_FALSE(asking.receive(milliseconds(50)));
  EXPECT_GE(Clock::now() - began, milliseconds(45)) << "it spins";
}

TEST(UdpSocket, AsksNoLongerThanAllowedAndNoLongerThanItMust) {
  const UdpSocket asking, alive;
  auto began = Clock::now();
  EXPECT_THAT(asking.refused({{at(alive)}}, "there?", milliseconds(100)), IsEmpty());
  EXPECT_GE(Clock::now() - began, milliseconds(95));
  began = Clock::now();
  EXPECT_EQ(asking.refused({{port_that_nobody_has()}}, "there?", std::chrono::seconds(60)).size(),
            1U);
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(30));
  EXPECT_THAT(asking.refused({}, "there?", std::chrono::seconds(60)), IsEmpty());
}

}  // namespace
}  // namespace bertha
