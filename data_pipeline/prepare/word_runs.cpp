// A run is the words in byte order, each a text and a number (prepare_message.h).
#include "data_pipeline/prepare/word_runs.h"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <queue>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_message.h"

namespace bertha {
namespace {

// A word has at most 100 characters of 4 bytes; its length and its count are numbers of up to 10.
constexpr std::size_t kLongestEntry = 512;
constexpr std::uint64_t kBlock = 1 << 14;  // of every run at once: hundreds of runs are normal

}  // namespace

class WordRuns::RunReader {
 public:
  RunReader(const WordRuns& runs, const Range& range)
      : runs_(runs), at_(range.begin), end_(range.end) {}

  // False at the end.
  bool next() {
    if (left_.size() < kLongestEntry && at_ < end_) refill();
    if (left_.empty()) return false;
    MessageReader reader(left_);
    word_ = reader.text();
    count_ = reader.number();
    left_ = reader.rest();
    return true;
  }
  const std::string& word() const { return word_; }
  std::uint64_t count() const { return count_; }

 private:
  void refill() {
    std::string block(left_);
    const std::uint64_t more = std::min(kBlock, end_ - at_);
    block.resize(left_.size() + more);
    read_at(runs_.file_.get(), runs_.name_, at_, block.data() + left_.size(), more);
    at_ += more;
    block_ = std::move(block);
    left_ = block_;
  }

  const WordRuns& runs_;
  std::uint64_t at_, end_;
  std::string block_;
  std::string_view left_;  // of the block
  std::string word_;
  std::uint64_t count_ = 0;
};

WordRuns::WordRuns(const std::filesystem::path& folder) {
  const auto path = folder / fmt::format(".words-{}-{}", ::getpid(), static_cast<void*>(this));
  name_ = path.string();
  file_ = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  ::unlink(path.c_str());
}

void WordRuns::add(const WordCounts::Map& words) {
  std::vector<const WordCounts::Map::value_type*> sorted;
  sorted.reserve(words.size());
  for (const auto& entry : words) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const auto* entry) { return std::string_view(entry->first); });
  const std::uint64_t begin = runs_.empty() ? 0 : runs_.back().end;
  BufferedWriter writer(file_.get(), name_, begin);
  std::string bytes;
  for (const auto* entry : sorted) {
    bytes.clear();
    put_text(bytes, entry->first);
    put_number(bytes, entry->second);
    writer.append(bytes.data(), bytes.size());
  }
  writer.flush();
  runs_.push_back({begin, writer.end()});
}

void WordRuns::for_each(const Use& use) const {
  std::vector<std::unique_ptr<RunReader>> readers;
  const auto later = [&](std::size_t left, std::size_t right) {
    return readers[left]->word() > readers[right]->word();
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> next(later);
  for (const Range& range : runs_) {
    readers.push_back(std::make_unique<RunReader>(*this, range));
    if (readers.back()->next()) next.push(readers.size() - 1);
  }
  std::string word;
  std::uint64_t count = 0;  // 0: no word yet
  while (!next.empty()) {
    const std::size_t reader = next.top();
    next.pop();
    if (count > 0 && readers[reader]->word() != word) {
      use(word, count);
      count = 0;
    }
    if (count == 0) word = readers[reader]->word();
    count += readers[reader]->count();
    if (readers[reader]->next()) next.push(reader);
  }
  if (count > 0) use(word, count);
}

}  // namespace bertha
