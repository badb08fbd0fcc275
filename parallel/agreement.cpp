// Agreement by gathering everyone's few bytes and judging them in the same way everywhere.
#include "parallel/agreement.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

// How an error travels: kind, then message, remedy and place, each after its length.
std::string pack(const Error& error) {
  std::string bytes(1, static_cast<char>(error.exit_code()));
  for (const auto* text : {&error.message(), &error.remedy(), &error.where()}) {
    const std::uint64_t length = text->size();
    bytes.append(reinterpret_cast<const char*>(&length), sizeof length).append(*text);
  }
  return bytes;
}

Error unpack(std::string_view bytes) {
  const auto kind = static_cast<ErrorKind>(static_cast<unsigned char>(bytes.front()));
  bytes.remove_prefix(1);
  std::string texts[3];
  for (auto& text : texts) {
    std::uint64_t length = 0;
    if (bytes.size() < sizeof length) break;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes.remove_prefix(sizeof length);
    text = bytes.substr(0, length);
    bytes.remove_prefix(text.size());
  }
  return {kind, std::move(texts[0]), std::move(texts[1]), std::move(texts[2])};
}

std::optional<Error> failure_of(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::internal, "out of memory");
  } catch (const std::exception& error) {
    return Error(ErrorKind::internal, error.what());
  }
}

// Where two texts part: the first line that is not the same, shortened.
std::string differing_line(std::string_view mine, std::string_view other) {
  std::size_t start = 0, i = 0;
  while (i < mine.size() && i < other.size() && mine[i] == other[i]) {
    if (mine[i++] == '\n') start = i;
  }
  constexpr std::size_t kLongest = 80;
  const auto line = mine.substr(start, mine.find('\n', start) - start);
  return line.size() <= kLongest ? std::string(line) : std::string(line.substr(0, kLongest)) + "…";
}

}  // namespace

std::vector<std::vector<double>> gather_doubles(Communicator& communicator,
                                                std::span<const double> mine) {
  const auto texts =
      communicator.gather_bytes({reinterpret_cast<const char*>(mine.data()), mine.size_bytes()});
  std::vector<std::vector<double>> values;
  for (const auto& text : texts) {
    auto& row = values.emplace_back(text.size() / sizeof(double));
    if (!row.empty()) std::memcpy(row.data(), text.data(), row.size() * sizeof(double));
  }
  return values;
}

std::vector<double> sum_rows(const std::vector<std::vector<double>>& rows_by_rank,
                             std::size_t width) {
  std::vector<double> sum(width, 0.0);
  for (const auto& rows : rows_by_rank) {
    if (rows.size() % width != 0) {
      throw Error(ErrorKind::internal,
                  fmt::format("{} numbers are no rows of {}", rows.size(), width));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) sum[i % width] += rows[i];
  }
  return sum;
}

std::vector<double> agree_sum(Communicator& communicator, std::span<const double> mine) {
  const auto values = gather_doubles(communicator, mine);
  auto sum = values.front();
  for (std::size_t rank = 1; rank < values.size(); ++rank) {
    if (values[rank].size() != sum.size()) {
      throw Error(ErrorKind::communication,
                  fmt::format("agreement: rank {} gave {} numbers, rank 0 {}", rank,
                              values[rank].size(), sum.size()));
    }
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[rank][i];
  }
  return sum;
}

void agree_or_throw(Communicator& communicator, const std::function<void()>& work) {
  const auto failure = failure_of(work);
  const auto failures = communicator.gather_bytes(failure ? pack(*failure) : std::string());
  for (std::size_t rank = 0; rank < failures.size(); ++rank) {
    if (failures[rank].empty()) continue;
    const auto error = unpack(failures[rank]);
    // What fails everywhere alike is nobody's own failure.
    const bool everywhere = std::all_of(failures.begin(), failures.end(), [&](const auto& other) {
      return other == failures.front();
    });
    if (everywhere) throw error;
    throw Error(error.kind(), fmt::format("rank {}: {}", rank, error.message()), error.remedy(),
                error.where());
  }
}

void require_equal(Communicator& communicator, std::string_view what, std::string_view mine) {
  const auto texts = communicator.gather_bytes(mine);
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] == texts[0]) continue;
    throw Error(ErrorKind::usage,
                fmt::format("the ranks differ in {}: rank 0 has \"{}\", rank {} has \"{}\"", what,
                            differing_line(texts[0], texts[rank]), rank,
                            differing_line(texts[rank], texts[0])),
                "start all ranks with the same program, options, environment and files");
  }
}

}  // namespace bertha
