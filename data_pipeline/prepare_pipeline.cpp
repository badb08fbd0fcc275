// The threads behind `prepare`: a reader, workers, and an ordered list of what is under way.
#include "data_pipeline/prepare_pipeline.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "data_pipeline/text/sentence_splitter.h"

namespace bertha {
namespace {

constexpr std::size_t kBatchBytes = 1 << 18;

struct TextBatch {
  struct Part {
    std::size_t file = 0;
    bool already_sentences = false, ends_document = false;
    std::vector<std::string> paragraphs;
  };
  std::vector<Part> parts;
  std::size_t bytes = 0;
  std::uint64_t input_bytes = 0;
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
  explicit BatchTokenizer(const WordPiece& tokenizer) : tokenizer_(tokenizer) {}

  TokenizedBatch run(const TextBatch& text) {
    TokenizedBatch batch;
    batch.input_bytes = text.input_bytes;
    batch.tokens.reserve(text.bytes / 4);
    for (const auto& part : text.parts) {
      const std::size_t sentences = batch.sentences.size(), tokens = batch.tokens.size();
      for (const std::string& paragraph : part.paragraphs) {
        if (part.already_sentences) {
          add_sentence(paragraph, batch);
        } else {
          splitter_.split(paragraph, found_);
          for (const std::string_view sentence : found_) add_sentence(sentence, batch);
        }
      }
      batch.parts.push_back({.file = part.file,
                             .sentences = batch.sentences.size() - sentences,
                             .tokens = batch.tokens.size() - tokens,
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
  }

  const WordPiece& tokenizer_;
  WordPiece::Scratch scratch_;
  SentenceSplitter splitter_;
  std::vector<std::string_view> found_;
};

}  // namespace

struct DocumentPipeline::State {
  State(std::vector<NumberedFile> to_read, std::string field, const WordPiece& wordpiece,
        int workers)
      : files(std::move(to_read)),
        text_field(std::move(field)),
        tokenizer(wordpiece),
        most_bytes((2 * static_cast<std::size_t>(workers) + 4) * kBatchBytes) {
    threads.emplace_back([this] { read_files(); });
    for (int i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
  }
  ~State() {
    {
      const std::scoped_lock lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    threads.clear();  // joins
  }

  void read_files();
  void read_file(const NumberedFile& file);
  void add_document(std::size_t file, Document& document);
  void push();
  void work();
  void finish_slot(Slot& slot, std::exception_ptr error);

  const std::vector<NumberedFile> files;
  const std::string text_field;
  const WordPiece& tokenizer;
  const std::size_t most_bytes;

  // The reader's own.
  TextBatch filling;
  std::uint64_t bytes_of_finished_files = 0;
  ReadTotals totals;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<std::unique_ptr<Slot>> in_order;  // read and not yet taken by the caller
  std::deque<Slot*> to_do;
  std::size_t bytes_under_way = 0;
  bool all_read = false, stopped = false;

  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

void DocumentPipeline::State::read_files() {
  std::exception_ptr error;
  try {
    for (const NumberedFile& file : files) read_file(file);
    push();
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

void DocumentPipeline::State::read_file(const NumberedFile& file) {
  const auto reader = open_documents(file.file, text_field);
  Document document;
  while (reader->next(document)) {
    add_document(file.number, document);
    filling.input_bytes = bytes_of_finished_files + reader->compressed_bytes_read();
    if (filling.bytes >= kBatchBytes) push();
  }
  bytes_of_finished_files += file.file.bytes;
  filling.input_bytes = bytes_of_finished_files;
  const ReadStatistics& read = reader->statistics();
  if (totals.statistics.first_malformed.empty() && !read.first_malformed.empty()) {
    totals.first_malformed_file = file.number;
  }
  totals.statistics.add(read);
}

// Moves the paragraphs into batches; a long document is cut between paragraphs.
void DocumentPipeline::State::add_document(std::size_t file, Document& document) {
  const auto begin_part = [&] {
    auto& part = filling.parts.emplace_back();
    filling.bytes += sizeof part;
    part.file = file;
    part.already_sentences = document.already_sentences;
  };
  begin_part();
  for (std::string& paragraph : document.paragraphs) {
    if (filling.bytes >= kBatchBytes && !filling.parts.back().paragraphs.empty()) {
      const std::uint64_t input_bytes = filling.input_bytes;
      push();
      filling.input_bytes = input_bytes;
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
  slot->text = std::exchange(filling, {});
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
      if (!worker) worker = std::make_unique<BatchTokenizer>(tokenizer);
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

DocumentPipeline::DocumentPipeline(std::vector<NumberedFile> files, const std::string& text_field,
                                   const WordPiece& tokenizer, int workers)
    : state_(std::make_unique<State>(std::move(files), text_field, tokenizer, workers)) {}

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

const ReadTotals& DocumentPipeline::totals() const {
  return state_->totals;
}

}  // namespace bertha
