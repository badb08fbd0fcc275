// The program's form of an error.
#include "parallel/base/error_line.h"

#include <cstdio>

#include <fmt/format.h>

namespace bertha {

std::string error_line(const Error& error, const RankInfo& rank) {
  std::string text = "bertha: error: ";
  if (rank.world_size > 1) text += fmt::format("rank {}: ", rank.rank);
  text += fmt::format("{} ({})", error.message(), error.where());
  if (!error.remedy().empty()) text += "; " + error.remedy();
  for (auto& character : text) {
    if (character == '\n' || character == '\r') character = ' ';
  }
  return text + '\n';
}

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

}  // namespace bertha
