// The last line of the program: one line whatever the message holds.
#include "parallel/base/error_line.h"

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(ErrorLine, NamesRankPlaceAndRemedyWhereThereAreAny) {
  const Error plain(ErrorKind::io, "no file", "", std::string("a.cpp:7"));
  EXPECT_EQ(error_line(plain, {}), "bertha: error: no file (a.cpp:7)\n");
  const Error more(ErrorKind::io, "two\nlines\r", "look\nthere", std::string("a.cpp:7"));
  EXPECT_EQ(error_line(more, {.rank = 2, .world_size = 3}),
            "bertha: error: rank 2: two lines  (a.cpp:7); look there\n");
  EXPECT_EQ(error_line(plain, {.rank = 0, .world_size = 3}),
            "bertha: error: rank 0: no file (a.cpp:7)\n");
}

}  // namespace
}  // namespace bertha
