// The threads behind the ranks, and readers of what they make.
#include "prepare_samples.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "data_pipeline/shards/corpus.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

// Gathers like Communicator::gather_bytes, and gives up when a rank stays away.
class Room {
 public:
  explicit Room(int ranks) : parts_(static_cast<std::size_t>(ranks)) {}

  std::vector<std::string> gather(int rank, std::string_view bytes) {
    std::unique_lock lock(mutex_);
    parts_[static_cast<std::size_t>(rank)] = bytes;
    const std::uint64_t round = round_;
    if (++arrived_ == parts_.size()) {
      arrived_ = 0;
      ++round_;
      all_ = parts_;
      changed_.notify_all();
    } else if (!changed_.wait_for(lock, std::chrono::seconds(30),
                                  [&] { return round_ != round; })) {
      throw Error(ErrorKind::communication, "a rank stayed away");
    }
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> parts_, all_;
  std::size_t arrived_ = 0;
  std::uint64_t round_ = 0;
};

}  // namespace

PrepareFolder::PrepareFolder() {
  std::string name = (fs::temp_directory_path() / "bertha_prepare_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

PrepareFolder::~PrepareFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path PrepareFolder::write(const std::string& name, std::string_view bytes) const {
  const auto file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::vector<std::string> PrepareFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string vocabulary_text(const std::vector<std::string>& words) {
  std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const auto& word : words) text += word + "\n";
  for (const char c : std::string("abcdefghijklmnopqrstuvwxyz0123456789")) {
    text += std::string(1, c) + "\n##" + c + "\n";
  }
  return text + ".\n,\n";
}

std::vector<RankOutcome> prepare_on(int ranks, const PrepareOptions& options,
                                    const std::function<void(int, PrepareOptions&)>& change) {
  Room room(ranks);
  std::vector<RankOutcome> outcomes(static_cast<std::size_t>(ranks));
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      PrepareOptions own = options;
      if (change) change(rank, own);
      auto& outcome = outcomes[static_cast<std::size_t>(rank)];
      const RankInfo info{
          .rank = rank, .world_size = ranks, .local_rank = rank, .local_size = ranks};
      try {
        outcome.report = prepare_corpus(
            own, info,
            {.gather = [&](std::string_view bytes) { return room.gather(rank, bytes); },
             .progress = {},
             .stop_requested = {}});
      } catch (const Error& error) {
        outcome.error = error;
      }
    });
  }
  threads.clear();
  return outcomes;
}

PrepareReport prepare_alone(const PrepareOptions& options) {
  auto outcome = prepare_on(1, options)[0];
  if (!outcome.report) {
    ADD_FAILURE() << outcome.error->message();
    return {};
  }
  return *outcome.report;
}

Error agreed_error(const std::vector<RankOutcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    if (!outcome.error) {
      ADD_FAILURE() << "a rank without an error";
      return Error(ErrorKind::internal, "no error");
    }
    EXPECT_EQ(outcome.error->message(), outcomes[0].error->message());
    EXPECT_EQ(outcome.error->kind(), outcomes[0].error->kind());
    EXPECT_EQ(outcome.error->remedy(), outcomes[0].error->remedy());
    EXPECT_EQ(outcome.error->where(), outcomes[0].error->where());
  }
  return *outcomes[0].error;
}

std::map<std::string, std::string> folder_bytes(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    all[fs::relative(entry.path(), folder).string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return all;
}

std::vector<SentenceIds> split_documents(const fs::path& corpus_folder, const std::string& split) {
  const Corpus corpus(corpus_folder, split, VerifyLevel::full);
  std::vector<SentenceIds> documents;
  for (std::uint64_t d = 0; d < corpus.documents(); ++d) {
    auto& document = documents.emplace_back();
    for (std::uint64_t s = 0; s < corpus.sentences_in(d); ++s) {
      corpus.copy_sentences(d, s, s + 1, document.emplace_back());
    }
  }
  return documents;
}

}  // namespace bertha
