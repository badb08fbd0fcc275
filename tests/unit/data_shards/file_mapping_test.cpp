// What is mapped ahead is in the process' page table before anybody touches it.
#include "data_pipeline/shards/file_mapping.h"

#include <cstdint>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "tests/unit/data_shards/sample_corpus.h"

namespace bertha {
namespace {

const auto kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

// Pages in the page table: bit 63 of their entries in pagemap (proc(5)).
std::size_t pages_mapped(const FileMapping& mapping) {
  const auto file = open_file("/proc/self/pagemap", O_RDONLY);
  std::vector<std::uint64_t> entries((mapping.bytes() + kPage - 1) / kPage);
  const auto first = reinterpret_cast<std::uintptr_t>(mapping.data()) / kPage;
  read_at(file.get(), "pagemap", first * sizeof entries[0], entries.data(),
          entries.size() * sizeof entries[0]);
  std::size_t mapped = 0;
  for (const auto entry : entries) mapped += entry >> 63;
  return mapped;
}

std::string content(std::size_t bytes) {
  std::string text(bytes, '\7');
  for (std::size_t at = 0; at < bytes; at += kPage) text[at] = static_cast<char>(at / kPage);
  return text;
}

TEST(FileMapping, MapsAhead) {
  const TemporaryFolder folder;
  const auto path = folder / "pages";
  const std::size_t bytes = (std::size_t{33} << 20) + 100;  // three pieces
  write_bytes(path, content(bytes));
  const FileMapping plain(path), ahead(path), cached(path);
  ASSERT_EQ(ahead.bytes(), bytes);
  ahead.map(false, {});
  cached.map(true, {});
  const auto pages = (bytes + kPage - 1) / kPage;
  EXPECT_EQ(pages_mapped(plain), 0U);
  EXPECT_EQ(pages_mapped(ahead), pages);
  EXPECT_EQ(pages_mapped(cached), pages);
  EXPECT_EQ(std::string(plain.data(), bytes), content(bytes));
}

TEST(FileMapping, StopsWhenAsked) {
  const TemporaryFolder folder;
  const auto path = folder / "pages";
  write_bytes(path, content(10 * kPage));
  const FileMapping mapping(path);
  std::stop_source stopped;
  stopped.request_stop();
  mapping.map(false, stopped.get_token());
  EXPECT_EQ(pages_mapped(mapping), 0U);
}

TEST(FileMapping, AdviceChangesNothing) {
  const TemporaryFolder folder;
  const auto path = folder / "pages";
  const std::size_t bytes = 10 * kPage + 1;
  write_bytes(path, content(bytes));
  const FileMapping mapping(path);
  mapping.read_at_random(mapping.data() + 5, 3 * kPage);
  for (const std::size_t expected : {std::size_t{0}, std::size_t{1}, 3 * kPage, 20 * kPage}) {
    mapping.expect(mapping.data() + kPage - 1, expected);
    mapping.expect(mapping.data() + mapping.bytes(), expected);
  }
  EXPECT_EQ(std::string(mapping.data(), bytes), content(bytes));
}

}  // namespace
}  // namespace bertha
