// Threads that count a unit of the input at a time; runs of words on disk; a merge that keeps the
// frequent ones.
#include "data_pipeline/prepare/word_counting.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/prepare/word_runs.h"
#include "data_pipeline/tokenizer/utf8_decoder.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"

namespace bertha {
namespace {

constexpr int kMostWorkers = 8;  // more would only make the runs shorter

class Counting {
 public:
  explicit Counting(const WordCountingOptions& options)
      : options_(options),
        units_(plan_units(find_input_files(options.input, options.got_on), kLeastUnitBytes,
                          options.got_on)),
        read_(units_.size()),
        workers_(std::clamp(options.workers, 1, kMostWorkers)),
        errors_(static_cast<std::size_t>(workers_)),
        runs_(options.scratch) {
    for (const InputUnit& unit : units_) total_bytes_ += unit.bytes();
  }

  CountedInput run() {
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < workers_; ++i) threads.emplace_back([this, i] { work(i); });
    }
    for (const auto& error : errors_) {
      if (error) std::rethrow_exception(error);
    }
    CountedInput result;
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      result.files += units_[unit].files.size();
      result.read.add(read_[unit]);
    }
    require_records(units_, read_, options_.input.text_field);
    result.total_words = total_words_;
    keep_frequent(result);
    return result;
  }

 private:
  void work(int worker);
  void count_unit(std::size_t unit, WordCounts& counts);
  void spill(WordCounts& counts);
  void tell(std::uint64_t bytes);
  std::uint64_t least_kept_count(CountedInput& result) const;
  void keep_frequent(CountedInput& result) const;

  const WordCountingOptions& options_;
  const std::vector<InputUnit> units_;
  std::vector<ReadStatistics> read_;  // by unit
  const int workers_;
  std::vector<std::exception_ptr> errors_;  // by worker
  std::uint64_t total_bytes_ = 0;
  std::atomic<std::size_t> next_unit_{0};
  std::atomic<bool> failed_{false};
  LargeRecords large_records_;
  std::mutex mutex_;  // guards what follows
  WordRuns runs_;
  std::uint64_t total_words_ = 0, done_bytes_ = 0;
};

void Counting::work(int worker) {
  WordCounts counts(options_.tokenizer);
  try {
    for (std::size_t unit; (unit = next_unit_++) < units_.size() && !failed_;) {
      count_unit(unit, counts);
    }
    spill(counts);
  } catch (...) {
    failed_ = true;
    errors_[static_cast<std::size_t>(worker)] = std::current_exception();
  }
}

void Counting::count_unit(std::size_t unit, WordCounts& counts) {
  const std::size_t limit = options_.most_memory_bytes / static_cast<std::size_t>(workers_);
  for (const InputFile& file : units_[unit].files) {
    const auto reader = open_documents(file, options_.input.text_field, &large_records_);
    std::uint64_t told = 0;
    for (Document document; reader->next(document) && !failed_;) {
      for (const auto& paragraph : document.paragraphs) {
        counts.add_text(paragraph);
        if (counts.memory_bytes() > limit) spill(counts);
      }
      const std::uint64_t read = std::max(told, reader->compressed_bytes_read());
      tell(read - std::exchange(told, read));
    }
    tell(std::max(told, file.bytes) - told);
    read_[unit].add(reader->statistics());
  }
}

void Counting::spill(WordCounts& counts) {
  {
    const std::scoped_lock lock(mutex_);
    total_words_ += counts.total_words();
    if (!counts.counts().empty()) runs_.add(counts.counts());
  }
  counts = WordCounts(options_.tokenizer);
}

void Counting::tell(std::uint64_t bytes) {
  if (bytes == 0) return;
  if (options_.got_on) options_.got_on();
  if (!options_.progress) return;
  const std::scoped_lock lock(mutex_);
  done_bytes_ += bytes;
  options_.progress(done_bytes_, total_bytes_);
}

// The smallest count of which all words fit.
std::uint64_t Counting::least_kept_count(CountedInput& result) const {
  struct WithCount {
    std::uint64_t words = 0, characters = 0;
  };
  std::map<std::uint64_t, WithCount, std::greater<>> by_count;
  runs_.for_each([&](std::string_view word, std::uint64_t count) {
    auto& with_it = by_count[count];
    ++with_it.words;
    with_it.characters += count_code_points(word.data(), word.size());
    ++result.different_words;
  });
  std::uint64_t words = 0, characters = 0, least = UINT64_MAX;
  for (const auto& [count, with_it] : by_count) {
    words += with_it.words;
    characters += with_it.characters;
    if (words > options_.most_kept || characters > options_.most_kept_characters) break;
    least = count;
  }
  return least;
}

void Counting::keep_frequent(CountedInput& result) const {
  const std::uint64_t least = least_kept_count(result);
  std::vector<std::size_t> ends;
  runs_.for_each([&](std::string_view word, std::uint64_t count) {
    if (count < least) return;
    result.texts.insert(result.texts.end(), word.begin(), word.end());
    ends.push_back(result.texts.size());
    result.words.push_back({{}, count});
  });
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    result.words[i].text = {result.texts.data() + begin, ends[i] - begin};
    begin = ends[i];
  }
}

}  // namespace

CountedInput count_words(const WordCountingOptions& options) {
  return Counting(options).run();
}

}  // namespace bertha
