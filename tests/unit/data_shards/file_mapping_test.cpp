// What lies in the page cache is mapped ahead, so that touching it later costs no fault.
#include "data_pipeline/shards/file_mapping.h"

#include <string>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "tests/unit/data_shards/sample_corpus.h"

namespace bertha {
namespace {

constexpr std::size_t kPage = 4096, kPages = 8192;  // two pieces, of 16 MiB

long faults() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_minflt + usage.ru_majflt;
}

// One byte of each page.
long faults_of_touching(const FileMapping& mapping) {
  const auto before = faults();
  std::size_t sum = 0;
  for (std::size_t at = 0; at < mapping.bytes(); at += kPage) {
    sum += static_cast<unsigned char>(mapping.data()[at]);
  }
  EXPECT_EQ(sum, (mapping.bytes() + kPage - 1) / kPage * 7);
  return faults() - before;
}

TEST(FileMapping, MapsAhead) {
  const TemporaryFolder folder;
  const auto path = folder / "pages";
  write_bytes(path, std::string(kPages * kPage + 100, '\7'));
  const FileMapping plain(path), ahead(path), cached(path);
  EXPECT_EQ(ahead.bytes(), kPages * kPage + 100);
  ahead.map(false, {});
  cached.map(true, {});
  // One a huge page, or one for sixteen small ones or more; besides what sanitizers add.
  const auto most = faults_of_touching(plain) - 5;
  EXPECT_LT(faults_of_touching(ahead), most);
  EXPECT_LT(faults_of_touching(cached), most);
}

TEST(FileMapping, AdviceChangesNothing) {
  const TemporaryFolder folder;
  const auto path = folder / "pages";
  write_bytes(path, std::string(10 * kPage + 1, '\7'));
  const FileMapping mapping(path);
  mapping.read_at_random(mapping.data() + 5, 3 * kPage);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, 3 * kPage, 20 * kPage}) {
    mapping.expect(mapping.data() + kPage - 1, bytes);
    mapping.expect(mapping.data() + mapping.bytes(), bytes);
  }
  faults_of_touching(mapping);
  std::stop_source stopped;
  stopped.request_stop();
  mapping.map(false, stopped.get_token());
}

}  // namespace
}  // namespace bertha
