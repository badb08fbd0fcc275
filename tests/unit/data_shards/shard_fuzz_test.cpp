// Damaged shards, thousands of them: an error in words or a shard that can be read, never a crash.
// BERTHA_FUZZ_COUNT changes how many (2,000).
#include <cstdlib>

#include <gtest/gtest.h>

#include "data_pipeline/shards/shard_checks.h"
#include "data_pipeline/shards/shard_reader.h"
#include "parallel/base/philox.h"
#include "sample_corpus.h"
#include "tests/support/damage.h"

namespace bertha {
namespace {

// True: it could be read.
bool read_everything(const std::filesystem::path& path, const Vocabulary& vocabulary) {
  try {
    const ShardReader shard(path);
    const bool sound = check_content(shard, &vocabulary).faults.empty();
    std::vector<std::int32_t> tokens;
    for (std::uint64_t s = 0; s < shard.sentences(); ++s) {
      shard.copy_tokens(shard.sentence_begin(s), shard.sentence_begin(s + 1), tokens);
    }
    return sound;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::bad_data || error.kind() == ErrorKind::io)
        << error.message();
    EXPECT_NE(error.message().find(path.filename().string()), std::string::npos) << error.message();
    return false;
  }
}

TEST(ShardFuzz, DamageIsAnErrorOrHarmless) {
  const char* wanted = std::getenv("BERTHA_FUZZ_COUNT");
  const std::uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) : 2000;
  const TemporaryFolder folder;
  const auto vocabulary = numbered_vocabulary(300);
  Documents documents;
  Philox random(3, RandomPurpose::sample_order, 1);
  for (int d = 0; d < 40; ++d) {
    auto& document = documents.emplace_back(1 + random.next_below(5));
    for (auto& sentence : document) {
      sentence.resize(1 + random.next_below(20));
      for (auto& id : sentence) id = 5 + static_cast<std::int32_t>(random.next_below(295));
    }
  }
  write_shard(folder / "good.h5", documents, vocabulary);
  const auto good = read_bytes(folder / "good.h5");
  ASSERT_TRUE(read_everything(folder / "good.h5", vocabulary));
  std::uint64_t harmless = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto bytes = Damage(good, i).make();
    write_bytes(folder / "damaged.h5", bytes);
    const bool sound = read_everything(folder / "damaged.h5", vocabulary);
    harmless += sound;
    // Data that the checksum covers cannot have changed.
    if (sound && bytes.size() == good.size()) {
      const ShardReader shard(folder / "damaged.h5");
      ASSERT_EQ(shard.compute_checksum(), ShardReader(folder / "good.h5").compute_checksum()) << i;
    }
  }
  // Most of the file is data, offsets or checksummed metadata.
  EXPECT_LT(harmless * 2, count) << harmless << " of " << count;
}

}  // namespace
}  // namespace bertha
