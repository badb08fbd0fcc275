// The threads behind `prepare`: readers, workers, and for each reader what is under way, in order.
#include "data_pipeline/prepare_pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "data_pipeline/prepare_batch.h"

namespace bertha {
namespace {

constexpr std::size_t kBatchBytes = 1 << 18;
// Cleaning up Wikipedia's articles takes longer than tokenizing them, so one reader is too few.
constexpr int kMostReaders = 4;

// One batch on its way from a reader through a worker to the caller.
struct Slot {
  TextBatch text;
  TokenizedBatch result;
  bool done = false;
  std::exception_ptr error;
};

// One thread that reads.
struct Reader {
  // Its own.
  TextBatch filling;
  std::uint64_t bytes_before = 0;  // of the unit's finished files
  std::uint64_t bytes_told = 0;    // of the unit, with the batches so far
  // Guarded by the pipeline's mutex.
  std::deque<std::unique_ptr<Slot>> in_order;  // read and not yet taken by the caller
  bool ended = false;
};

// Ends a reader from within: nobody wants the rest.
class Stopped {};

}  // namespace

struct DocumentPipeline::State {
  State(std::vector<NumberedUnit> to_read, const WordPiece& wordpiece,
        const PipelineOptions& wanted)
      : units(std::move(to_read)),
        options(wanted),
        tokenizer(wordpiece),
        most_bytes((2 * static_cast<std::size_t>(options.workers) + 4) * kBatchBytes),
        readers(std::min<std::size_t>(
            units.size(), static_cast<std::size_t>(std::min(options.workers, kMostReaders)))) {
    for (Reader& reader : readers) threads.emplace_back([&] { read_units(reader); });
    for (int i = 0; i < options.workers; ++i) threads.emplace_back([this] { work(); });
  }
  ~State() {
    {
      const std::scoped_lock lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    large_records.stop();
    threads.clear();  // joins
  }

  const NumberedUnit* take_unit();
  void read_units(Reader& reader);
  void read_unit(Reader& reader, const NumberedUnit& unit);
  void read_file(Reader& reader, const InputFile& file, ReadStatistics& read);
  void add_document(Reader& reader, Document& document);
  void push(Reader& reader);
  void work();
  void finish_slot(Slot& slot, std::exception_ptr error);
  bool all_read() const {
    return std::ranges::all_of(readers, [](const Reader& reader) { return reader.ended; });
  }
  bool has_ended() const {
    return std::ranges::all_of(
        readers, [](const Reader& reader) { return reader.ended && reader.in_order.empty(); });
  }
  Reader* find_ready();

  const std::vector<NumberedUnit> units;
  const PipelineOptions options;
  const WordPiece& tokenizer;
  const std::size_t most_bytes;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<Reader> readers;
  std::size_t next_unit = 0;
  std::size_t last_ready = 0;  // the reader whose batch was taken last
  std::deque<Slot*> to_do;
  std::size_t bytes_under_way = 0;
  bool stopped = false;

  LargeRecords large_records;         // of all readers
  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

const NumberedUnit* DocumentPipeline::State::take_unit() {
  const std::scoped_lock lock(mutex);
  return next_unit < units.size() ? &units[next_unit++] : nullptr;
}

void DocumentPipeline::State::read_units(Reader& reader) {
  std::exception_ptr error;
  try {
    while (const NumberedUnit* unit = take_unit()) read_unit(reader, *unit);
  } catch (const Stopped&) {
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::scoped_lock lock(mutex);
    if (error) {
      auto& slot = *reader.in_order.emplace_back(std::make_unique<Slot>());
      slot.error = error;
      slot.done = true;
    }
    reader.ended = true;
  }
  changed.notify_all();
}

void DocumentPipeline::State::read_unit(Reader& reader, const NumberedUnit& unit) {
  reader.filling.unit = unit.number;
  reader.bytes_before = reader.bytes_told = 0;
  ReadStatistics read;
  for (const InputFile& file : unit.unit.files) read_file(reader, file, read);
  reader.filling.unit_read = std::move(read);
  push(reader);
}

void DocumentPipeline::State::read_file(Reader& reader, const InputFile& file,
                                        ReadStatistics& read) {
  const auto documents = open_documents(file, options.text_field, &large_records);
  Document document;
  while (documents->next(document)) {
    add_document(reader, document);
    reader.filling.input_bytes = reader.bytes_before + documents->compressed_bytes_read();
    if (reader.filling.bytes >= kBatchBytes) push(reader);
  }
  reader.bytes_before += file.bytes;
  reader.filling.input_bytes = reader.bytes_before;
  read.add(documents->statistics());
}

// Moves the paragraphs into batches; a long document is cut between paragraphs.
void DocumentPipeline::State::add_document(Reader& reader, Document& document) {
  TextBatch& filling = reader.filling;
  const auto begin_part = [&] {
    auto& part = filling.parts.emplace_back();
    filling.bytes += sizeof part;
    part.already_sentences = document.already_sentences;
  };
  begin_part();
  for (std::string& paragraph : document.paragraphs) {
    if (filling.bytes >= kBatchBytes && !filling.parts.back().paragraphs.empty()) {
      push(reader);
      begin_part();
    }
    filling.bytes += paragraph.size() + sizeof(std::string);
    filling.parts.back().paragraphs.push_back(std::move(paragraph));
  }
  filling.parts.back().ends_document = true;
  document.paragraphs.clear();
}

void DocumentPipeline::State::push(Reader& reader) {
  auto slot = std::make_unique<Slot>();
  // The next batch goes on in the same unit.
  const std::size_t unit = reader.filling.unit;
  const std::uint64_t read = std::max(reader.filling.input_bytes, reader.bytes_told);
  slot->text = std::exchange(reader.filling, {});
  slot->text.input_bytes = read - std::exchange(reader.bytes_told, read);
  reader.filling.unit = unit;
  const std::size_t bytes = slot->text.bytes;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] {
      return stopped || bytes_under_way == 0 || bytes_under_way + bytes <= most_bytes;
    });
    if (stopped) throw Stopped();
    bytes_under_way += bytes;
    to_do.push_back(slot.get());
    reader.in_order.push_back(std::move(slot));
  }
  changed.notify_all();
}

void DocumentPipeline::State::work() {
  std::unique_ptr<BatchTokenizer> worker;
  for (;;) {
    Slot* slot = nullptr;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopped || !to_do.empty() || all_read(); });
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

// A reader whose next batch is done, in turns.
Reader* DocumentPipeline::State::find_ready() {
  for (std::size_t i = 1; i <= readers.size(); ++i) {
    const std::size_t number = (last_ready + i) % readers.size();
    Reader& reader = readers[number];
    if (reader.in_order.empty() || !reader.in_order.front()->done) continue;
    last_ready = number;
    return &reader;
  }
  return nullptr;
}

bool DocumentPipeline::next(TokenizedBatch& batch) {
  State& state = *state_;
  std::unique_ptr<Slot> slot;
  {
    std::unique_lock lock(state.mutex);
    Reader* reader = nullptr;
    state.changed.wait(lock, [&] {
      reader = state.find_ready();
      return reader != nullptr || state.has_ended();
    });
    if (reader == nullptr) return false;
    slot = std::move(reader->in_order.front());
    reader->in_order.pop_front();
    state.bytes_under_way -= slot->text.bytes;
  }
  state.changed.notify_all();
  if (slot->error) std::rethrow_exception(slot->error);
  batch = std::move(slot->result);
  return true;
}

}  // namespace bertha
