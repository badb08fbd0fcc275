// The threads behind `prepare`: a reader, workers, and an ordered list of what is under way.
#include "data_pipeline/prepare_pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "data_pipeline/text/sentence_splitter.h"

namespace bertha {
namespace {

constexpr std::size_t kBatchBytes = 1 << 18;

struct TextBatch {
  struct Part {
    bool already_sentences = false, ends_document = false;
    std::vector<std::string> paragraphs;
  };
  std::size_t unit = 0;
  std::vector<Part> parts;
  std::size_t bytes = 0;
  std::uint64_t input_bytes = 0;
  std::optional<ReadStatistics> unit_read;
};

// One batch on its way from the reader through a worker to the caller.
struct Slot {
  TextBatch text;
  TokenizedBatch result;
  bool done = false;
  std::exception_ptr error;
};

// Ends the reader from within: nobody wants the rest.
class Stopped {};

// The work of one thread; owns what must not be shared.
class BatchTokenizer {
 public:
  BatchTokenizer(const WordPiece& tokenizer, bool keep_unknown_texts)
      : tokenizer_(tokenizer), keep_unknown_texts_(keep_unknown_texts) {}

  TokenizedBatch run(const TextBatch& text) {
    TokenizedBatch batch;
    batch.unit = text.unit;
    batch.input_bytes = text.input_bytes;
    batch.unit_read = text.unit_read;
    batch.tokens.reserve(text.bytes / 4);
    for (const auto& part : text.parts) {
      const std::size_t sentences = batch.sentences.size(), tokens = batch.tokens.size();
      const std::size_t unknown_bytes = batch.unknown_texts.size();
      for (const std::string& paragraph : part.paragraphs) {
        if (part.already_sentences) {
          add_sentence(paragraph, batch);
        } else {
          splitter_.split(paragraph, found_);
          for (const std::string_view sentence : found_) add_sentence(sentence, batch);
        }
      }
      batch.parts.push_back({.sentences = batch.sentences.size() - sentences,
                             .tokens = batch.tokens.size() - tokens,
                             .unknown_bytes = batch.unknown_texts.size() - unknown_bytes,
                             .ends_document = part.ends_document});
    }
    return batch;
  }

 private:
  void add_sentence(std::string_view sentence, TokenizedBatch& batch) {
    const std::size_t before = batch.tokens.size();
    tokenizer_.encode(sentence, batch.tokens, scratch_);
    if (const auto length = batch.tokens.size() - before; length > 0) {
      batch.sentences.push_back(static_cast<std::uint32_t>(length));
    }
    if (!keep_unknown_texts_) return;
    const auto added = std::span(batch.tokens).subspan(before);
    if (std::ranges::find(added, tokenizer_.vocabulary().unknown()) == added.end()) return;
    batch.unknown_texts += sentence;
    batch.unknown_texts += '\n';
  }

  const WordPiece& tokenizer_;
  const bool keep_unknown_texts_;
  WordPiece::Scratch scratch_;
  SentenceSplitter splitter_;
  std::vector<std::string_view> found_;
};

}  // namespace

struct DocumentPipeline::State {
  State(std::vector<NumberedUnit> to_read, const WordPiece& wordpiece,
        const PipelineOptions& wanted)
      : units(std::move(to_read)),
        options(wanted),
        tokenizer(wordpiece),
        most_bytes((2 * static_cast<std::size_t>(options.workers) + 4) * kBatchBytes) {
    threads.emplace_back([this] { read_units(); });
    for (int i = 0; i < options.workers; ++i) threads.emplace_back([this] { work(); });
  }
  ~State() {
    {
      const std::scoped_lock lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    threads.clear();  // joins
  }

  void read_units();
  void read_file(const InputFile& file, ReadStatistics& read);
  void add_document(Document& document);
  void push();
  void work();
  void finish_slot(Slot& slot, std::exception_ptr error);

  const std::vector<NumberedUnit> units;
  const PipelineOptions options;
  const WordPiece& tokenizer;
  const std::size_t most_bytes;

  // The reader's own.
  TextBatch filling;
  std::uint64_t bytes_of_finished_files = 0;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<std::unique_ptr<Slot>> in_order;  // read and not yet taken by the caller
  std::deque<Slot*> to_do;
  std::size_t bytes_under_way = 0;
  bool all_read = false, stopped = false;

  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

void DocumentPipeline::State::read_units() {
  std::exception_ptr error;
  try {
    for (const NumberedUnit& unit : units) {
      filling.unit = unit.number;
      ReadStatistics read;
      for (const InputFile& file : unit.unit.files) read_file(file, read);
      filling.unit_read = std::move(read);
      push();
    }
  } catch (const Stopped&) {
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::scoped_lock lock(mutex);
    if (error) {
      auto& slot = *in_order.emplace_back(std::make_unique<Slot>());
      slot.error = error;
      slot.done = true;
    }
    all_read = true;
  }
  changed.notify_all();
}

void DocumentPipeline::State::read_file(const InputFile& file, ReadStatistics& read) {
  const auto reader = open_documents(file, options.text_field);
  Document document;
  while (reader->next(document)) {
    add_document(document);
    filling.input_bytes = bytes_of_finished_files + reader->compressed_bytes_read();
    if (filling.bytes >= kBatchBytes) push();
  }
  bytes_of_finished_files += file.bytes;
  filling.input_bytes = bytes_of_finished_files;
  read.add(reader->statistics());
}

// Moves the paragraphs into batches; a long document is cut between paragraphs.
void DocumentPipeline::State::add_document(Document& document) {
  const auto begin_part = [&] {
    auto& part = filling.parts.emplace_back();
    filling.bytes += sizeof part;
    part.already_sentences = document.already_sentences;
  };
  begin_part();
  for (std::string& paragraph : document.paragraphs) {
    if (filling.bytes >= kBatchBytes && !filling.parts.back().paragraphs.empty()) {
      push();
      begin_part();
    }
    filling.bytes += paragraph.size() + sizeof(std::string);
    filling.parts.back().paragraphs.push_back(std::move(paragraph));
  }
  filling.parts.back().ends_document = true;
  document.paragraphs.clear();
}

void DocumentPipeline::State::push() {
  auto slot = std::make_unique<Slot>();
  // The next batch goes on in the same unit, and reports no less progress.
  const std::size_t unit = filling.unit;
  const std::uint64_t input_bytes = filling.input_bytes;
  slot->text = std::exchange(filling, {});
  filling.unit = unit;
  filling.input_bytes = input_bytes;
  const std::size_t bytes = slot->text.bytes;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] {
      return stopped || bytes_under_way == 0 || bytes_under_way + bytes <= most_bytes;
    });
    if (stopped) throw Stopped();
    bytes_under_way += bytes;
    to_do.push_back(slot.get());
    in_order.push_back(std::move(slot));
  }
  changed.notify_all();
}

void DocumentPipeline::State::work() {
  std::unique_ptr<BatchTokenizer> worker;
  for (;;) {
    Slot* slot = nullptr;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopped || !to_do.empty() || all_read; });
      if (stopped || to_do.empty()) return;
      slot = to_do.front();
      to_do.pop_front();
    }
    try {
      if (!worker) worker = std::make_unique<BatchTokenizer>(tokenizer, options.keep_unknown_texts);
      slot->result = worker->run(slot->text);
      finish_slot(*slot, nullptr);
    } catch (...) {
      finish_slot(*slot, std::current_exception());
    }
  }
}

void DocumentPipeline::State::finish_slot(Slot& slot, std::exception_ptr error) {
  slot.text.parts.clear();
  {
    const std::scoped_lock lock(mutex);
    slot.error = std::move(error);
    slot.done = true;
  }
  changed.notify_all();
}

DocumentPipeline::DocumentPipeline(std::vector<NumberedUnit> units, const WordPiece& tokenizer,
                                   const PipelineOptions& options)
    : state_(std::make_unique<State>(std::move(units), tokenizer, options)) {}

DocumentPipeline::~DocumentPipeline() = default;

bool DocumentPipeline::next(TokenizedBatch& batch) {
  State& state = *state_;
  std::unique_ptr<Slot> slot;
  {
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] {
      return state.in_order.empty() ? state.all_read : state.in_order.front()->done;
    });
    if (state.in_order.empty()) return false;
    slot = std::move(state.in_order.front());
    state.in_order.pop_front();
    state.bytes_under_way -= slot->text.bytes;
  }
  state.changed.notify_all();
  if (slot->error) std::rethrow_exception(slot->error);
  batch = std::move(slot->result);
  return true;
}

}  // namespace bertha
