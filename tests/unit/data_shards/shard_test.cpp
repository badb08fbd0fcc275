// Shards written and read back; shards that are damaged.
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_reader.h"
#include "parallel/base/sha256.h"
#include "sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Documents kThree = {{{5, 6, 7}, {8}}, {{9, 10}}, {{5}, {6, 1}, {11, 11, 11}}};

std::string little_endian(const std::vector<std::uint64_t>& values, std::size_t bytes) {
  std::string out;
  for (const auto value : values) {
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  }
  return out;
}

TEST(Shard, RoundTrip) {
  TemporaryFolder folder;
  const auto vocabulary = numbered_vocabulary(12);
  const auto summary = write_shard(folder / "train-00000-of-00001.h5", kThree, vocabulary);
  EXPECT_EQ(summary.file, "train-00000-of-00001.h5");
  EXPECT_EQ(summary.documents, 3u);
  EXPECT_EQ(summary.sentences, 6u);
  EXPECT_EQ(summary.tokens, 12u);
  EXPECT_EQ(summary.bytes, std::filesystem::file_size(folder / summary.file));

  const ShardReader shard(folder / summary.file);
  EXPECT_EQ(shard.documents(), 3u);
  EXPECT_EQ(shard.sentences(), 6u);
  EXPECT_EQ(shard.tokens(), 12u);
  EXPECT_EQ(shard.vocabulary_sha256(), vocabulary.sha256());
  std::vector<std::int32_t> tokens = {-1};
  shard.copy_tokens(0, 12, tokens);
  EXPECT_THAT(tokens, ElementsAre(-1, 5, 6, 7, 8, 9, 10, 5, 6, 1, 11, 11, 11));
  std::vector<std::uint64_t> sentences, documents;
  for (std::uint64_t i = 0; i <= 6; ++i) sentences.push_back(shard.sentence_begin(i));
  for (std::uint64_t i = 0; i <= 3; ++i) documents.push_back(shard.document_begin(i));
  EXPECT_THAT(sentences, ElementsAre(0, 3, 4, 6, 7, 9, 12));
  EXPECT_THAT(documents, ElementsAre(0, 2, 3, 6));
}

TEST(Shard, ChecksumCoversTheThreeDatasetsAsStored) {
  TemporaryFolder folder;
  const auto summary = write_shard(folder / "a.h5", kThree, numbered_vocabulary(12));
  const std::string stored = little_endian({5, 6, 7, 8, 9, 10, 5, 6, 1, 11, 11, 11}, 2) +
                             little_endian({0, 3, 4, 6, 7, 9, 12}, 8) +
                             little_endian({0, 2, 3, 6}, 8);
  EXPECT_EQ(summary.checksum, sha256_hex(stored));
  const ShardReader shard(folder / "a.h5");
  EXPECT_EQ(shard.checksum(), summary.checksum);
  EXPECT_EQ(shard.compute_checksum(), summary.checksum);
  // Contiguous: each dataset's bytes stand in the file as they are.
  const std::string bytes = read_bytes(folder / "a.h5");
  EXPECT_THAT(bytes, HasSubstr(little_endian({5, 6, 7, 8, 9, 10, 5, 6, 1, 11, 11, 11}, 2)));
  EXPECT_THAT(bytes, HasSubstr(little_endian({0, 3, 4, 6, 7, 9, 12}, 8)));
}

// Another process that holds a file under an exclusive lock, until it is killed.
class LockHolder {
 public:
  explicit LockHolder(const std::filesystem::path& path) {
    int locked[2];
    if (::pipe(locked) != 0) return;
    ::fflush(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      const int file = ::open(path.c_str(), O_RDONLY);
      const char holds = ::flock(file, LOCK_EX | LOCK_NB) == 0;
      if (::write(locked[1], &holds, 1) == 1) ::pause();
      ::_exit(1);
    }
    if (::read(locked[0], &holds_, 1) != 1) holds_ = 0;
    ::close(locked[0]);
    ::close(locked[1]);
  }
  ~LockHolder() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  bool holds() const { return holds_ != 0; }

 private:
  pid_t child_ = -1;
  char holds_ = 0;
};

// As on file systems whose locks fail or stay behind: no lock is asked for.
TEST(Shard, IsReadAndWrittenWhateverLockOthersHold) {
  TemporaryFolder folder;
  const auto path = folder / "a.h5";
  write_shard(path, kThree, numbered_vocabulary(12));
  const LockHolder other(path);
  ASSERT_TRUE(other.holds());
  const int file = ::open(path.c_str(), O_RDONLY);
  EXPECT_NE(::flock(file, LOCK_SH | LOCK_NB), 0) << "the lock is none";
  ::close(file);
  const ShardReader shard(path);
  EXPECT_EQ(shard.compute_checksum(), shard.checksum());
  write_shard(path, {{{5, 6}}}, numbered_vocabulary(12));
  EXPECT_EQ(ShardReader(path).tokens(), 2u);
}

TEST(Shard, TheSameBytesEachTime) {
  TemporaryFolder folder;
  const auto vocabulary = numbered_vocabulary(12);
  write_shard(folder / "a.h5", kThree, vocabulary);
  const std::string once = read_bytes(folder / "a.h5");
  write_bytes(folder / "b.h5", std::string(100000, 'x'));  // replaced
  ::sleep(1);                                              // HDF5 would store seconds
  write_shard(folder / "b.h5", kThree, vocabulary);
  EXPECT_TRUE(once == read_bytes(folder / "b.h5"));
}

TEST(Shard, LargeVocabulariesTakeFourBytes) {
  TemporaryFolder folder;
  write_shard(folder / "narrow.h5", {{{65535, 5}}}, numbered_vocabulary(65536));
  write_shard(folder / "wide.h5", {{{65536, 5, 69999}}}, numbered_vocabulary(70000));
  EXPECT_EQ(Hdf5File::open(folder / "narrow.h5").dataset("tokens").type, "uint16");
  EXPECT_EQ(Hdf5File::open(folder / "wide.h5").dataset("tokens").type, "uint32");
  std::vector<std::int32_t> tokens;
  ShardReader(folder / "narrow.h5").copy_tokens(0, 2, tokens);
  ShardReader(folder / "wide.h5").copy_tokens(0, 3, tokens);
  EXPECT_THAT(tokens, ElementsAre(65535, 5, 65536, 5, 69999));
}

TEST(Shard, MoreThanOneBuffer) {
  TemporaryFolder folder;
  const auto vocabulary = numbered_vocabulary(60000);
  std::mt19937 random(1);
  Documents documents;
  std::vector<std::int32_t> all;
  for (int d = 0; d < 3000; ++d) {
    auto& document = documents.emplace_back();
    for (unsigned s = 0; s <= random() % 20; ++s) {
      auto& sentence = document.emplace_back();
      for (unsigned t = 0; t <= random() % 30; ++t) {
        sentence.push_back(static_cast<std::int32_t>(random() % 60000));
        all.push_back(sentence.back());
      }
    }
  }
  documents.push_back({std::vector<std::int32_t>(400000, 77)});
  all.insert(all.end(), 400000, 77);
  write_shard(folder / "a.h5", documents, vocabulary);
  const ShardReader shard(folder / "a.h5");
  ASSERT_EQ(shard.tokens(), all.size());
  std::vector<std::int32_t> tokens;
  shard.copy_tokens(0, shard.tokens(), tokens);
  EXPECT_TRUE(tokens == all);
  EXPECT_EQ(shard.document_begin(3000), shard.sentences() - 1);
  EXPECT_EQ(shard.compute_checksum(), shard.checksum());
}

TEST(ShardWriter, BreaksNoPromiseSilently) {
  TemporaryFolder folder;
  const auto path = folder / "a.h5";
  const ShardWriter::Shape shape{2, 2, 3, 12, "digest"};
  const std::vector<std::int32_t> two = {5, 6}, wild = {5, 12};
  const std::vector<std::uint32_t> one_sentence = {2}, with_empty = {2, 0}, short_sum = {1};
  {
    ShardWriter writer(path, shape);
    EXPECT_EQ(error_of([&] { writer.add_document(two, short_sum); }).kind(), ErrorKind::internal);
    EXPECT_EQ(error_of([&] { writer.add_document(two, with_empty); }).kind(), ErrorKind::internal);
    EXPECT_EQ(error_of([&] { writer.add_document(two, {}); }).kind(), ErrorKind::internal);
    EXPECT_THAT(error_of([&] { writer.add_document(wild, one_sentence); }).message(),
                HasSubstr("token id 12 in a vocabulary of 12"));
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "an unfinished shard was left behind";
  {
    ShardWriter writer(path, shape);
    writer.add_document(two, one_sentence);
    EXPECT_THAT(error_of([&] { writer.finish(); }).message(), HasSubstr("fewer documents"));
    EXPECT_EQ(error_of([&] { writer.add_document(two, one_sentence); }).kind(),
              ErrorKind::internal);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(error_of([&] { ShardWriter(folder / "no" / "a.h5", shape); }).kind(), ErrorKind::io);
}

// Where the disk ends, wherever that is: every limit below the file's size gives an io error that
// says so, in a process that ends normally. (A file size limit fails like a full disk.)
TEST(ShardWriter, AFullDiskIsAnErrorWhereverItStrikes) {
  TemporaryFolder folder;
  const auto vocabulary = numbered_vocabulary(12);
  const Documents documents(4000, {{5, 6, 7}, {8}});
  const auto full = write_shard(folder / "full.h5", documents, vocabulary).bytes;
  ASSERT_GT(full, 90000u);
  ::fflush(nullptr);
  for (std::uint64_t limit = 0; limit < full + 1000; limit += 3001) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit ends{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &ends);
      try {
        write_shard(folder / "a.h5", documents, vocabulary);
      } catch (const Error& error) {
        const bool clear = error.kind() == ErrorKind::io &&
                           error.message().find("File too large") != std::string::npos &&
                           !std::filesystem::exists(folder / "a.h5");
        std::exit(clear ? 0 : 1);  // with the library's exit handlers
      }
      std::exit(2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "limit " << limit << ": " << status;
  }
}

class DamagedShard : public ::testing::Test {
 protected:
  void SetUp() override { write_shard(path, kThree, numbered_vocabulary(12)); }
  Error open_error() {
    return error_of([&] { ShardReader shard(path); });
  }
  TemporaryFolder folder;
  std::filesystem::path path = folder / "shard.h5";
};

TEST_F(DamagedShard, MissingIsIo) {
  path = folder / "no-such.h5";
  const auto error = open_error();
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_THAT(error.message(), HasSubstr("no-such.h5"));
  path = folder.path();
  EXPECT_EQ(open_error().kind(), ErrorKind::io);
}

TEST_F(DamagedShard, TruncatedAnywhere) {
  const std::string bytes = read_bytes(path);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
    write_bytes(path, std::string_view(bytes).substr(0, size));
    const auto error = open_error();
    EXPECT_EQ(error.kind(), ErrorKind::bad_data) << size;
    EXPECT_THAT(error.message(), HasSubstr("shard.h5")) << size;
  }
}

TEST_F(DamagedShard, NoHdf5File) {
  for (const std::string& bytes : {std::string("text"), std::string(5000, '\0'),
                                   "\x89HDF\r\n\x1a\n" + std::string(4000, '\xff')}) {
    write_bytes(path, bytes);
    const auto error = open_error();
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), HasSubstr("shard.h5"));
  }
}

TEST_F(DamagedShard, OtherHdf5Files) {
  const auto make = [&](const std::function<void(Hdf5File&)>& fill) {
    auto file = Hdf5File::create(path);
    fill(file);
    file.close();
    const auto error = open_error();
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.message();
  };
  const auto say_format = [](Hdf5File& file, std::uint64_t version) {
    file.add_attribute("format", std::string_view("bertha-shard"));
    file.add_attribute("version", version);
  };
  EXPECT_THAT(make([](Hdf5File&) {}), HasSubstr("attribute format is missing"));
  EXPECT_THAT(make([](Hdf5File& file) { file.add_attribute("format", std::string_view("other")); }),
              HasSubstr("format is 'other'"));
  EXPECT_THAT(make([](Hdf5File& file) { file.add_attribute("format", std::uint64_t{1}); }),
              HasSubstr("attribute format is not text"));
  EXPECT_THAT(make([&](Hdf5File& file) { say_format(file, 99); }), HasSubstr("version 99"));
  EXPECT_THAT(make([&](Hdf5File& file) { say_format(file, 1); }),
              HasSubstr("dataset tokens is missing"));
  EXPECT_THAT(make([&](Hdf5File& file) {
                say_format(file, 1);
                file.add_dataset("tokens", 8, 10);
              }),
              HasSubstr("dataset tokens holds uint64, not uint16 or uint32"));
  EXPECT_THAT(make([&](Hdf5File& file) {
                say_format(file, 1);
                file.add_dataset("tokens", 2, 10);
                file.add_dataset("sentence_offsets", 8, 2);
                file.add_dataset("document_offsets", 8, 2);
                file.add_attribute("documents", std::uint64_t{2});
              }),
              HasSubstr("attribute documents = 2, but the datasets hold 1"));
}

TEST_F(DamagedShard, WildOffsetsAreErrorsNotReads) {
  const std::string sentences = little_endian({0, 3, 4, 6, 7, 9, 12}, 8);
  replace_in_file(path, sentences, little_endian({0, 3, std::uint64_t{1} << 60, 6, 7, 9, 12}, 8));
  const ShardReader shard(path);
  EXPECT_EQ(shard.sentence_begin(1), 3u);
  EXPECT_THAT(error_of([&] { shard.sentence_begin(2); }).message(),
              HasSubstr("sentence_offsets[2] = 1152921504606846976 is beyond the end, 12"));
  std::vector<std::int32_t> tokens;
  EXPECT_EQ(error_of([&] { shard.copy_tokens(5, 13, tokens); }).kind(), ErrorKind::bad_data);
  EXPECT_EQ(error_of([&] { shard.copy_tokens(5, 4, tokens); }).kind(), ErrorKind::bad_data);
  EXPECT_NE(shard.compute_checksum(), shard.checksum());
}

TEST_F(DamagedShard, OffsetsMustSpanTheData) {
  replace_in_file(path, little_endian({0, 2, 3, 6}, 8), little_endian({0, 2, 3, 5}, 8));
  EXPECT_THAT(open_error().message(), HasSubstr("document_offsets[3] = 5 instead of 6"));
  write_shard(path, kThree, numbered_vocabulary(12));
  replace_in_file(path, little_endian({0, 3, 4}, 8), little_endian({1, 3, 4}, 8));
  EXPECT_THAT(open_error().message(), HasSubstr("sentence_offsets[0] = 1 instead of 0"));
}

// Whatever a flipped byte does, it ends in an error or in a shard that can be read.
TEST_F(DamagedShard, FlippedBytesDoNotCrash) {
  const std::string bytes = read_bytes(path);
  std::mt19937 random(7);
  for (int i = 0; i < 400; ++i) {
    std::string damaged = bytes;
    for (unsigned n = 0; n <= random() % 3; ++n) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    write_bytes(path, damaged);
    try {
      const ShardReader shard(path);
      std::vector<std::int32_t> tokens;
      shard.copy_tokens(0, shard.tokens(), tokens);
      for (std::uint64_t s = 0; s <= shard.sentences(); ++s) shard.sentence_begin(s);
      shard.compute_checksum();
    } catch (const Error& error) {
      EXPECT_THAT(error.kind(), AnyOf(ErrorKind::bad_data, ErrorKind::io)) << error.message();
      EXPECT_THAT(error.message(), HasSubstr("shard.h5"));
    }
  }
}

}  // namespace
}  // namespace bertha
