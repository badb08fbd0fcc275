// Threads, and what they tell their owner.
#include "data_pipeline/prepare/prepare_pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_batch.h"
#include "data_pipeline/prepare/prepare_reading.h"
#include "data_pipeline/prepare/spill_writer.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr int kMostReaders = 8;  // each may hold some MB of a document
constexpr auto kMoment = std::chrono::milliseconds(10);

}  // namespace

struct DocumentPipeline::State {
  State(std::vector<NumberedUnit> to_read, const WordPiece& wordpiece,
        const PipelineOptions& wanted)
      : units(std::move(to_read)),
        options(wanted),
        tokenizer(wordpiece),
        readers(std::min({options.workers, kMostReaders, static_cast<int>(units.size())})),
        context{.text_field = options.text_field,
                .most_handed_bytes = options.most_handed_bytes,
                .large_records = {},
                .helpers = TokenizingHelpers(readers)} {
    start_threads(readers == 0 ? 0 : options.workers);
  }
  ~State() { stop(); }

  void start_threads(int count);
  void stop();

  const NumberedUnit* take_unit();
  void work(bool reads);
  void read_units(const std::function<BatchTokenizer&()>& tokenizer_of_thread);

  const std::vector<NumberedUnit> units;
  const PipelineOptions options;
  const WordPiece& tokenizer;
  const int readers;
  ReadingContext context;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::size_t next_unit = 0;
  int readers_ended = 0;
  std::vector<FinishedUnit> finished;
  std::exception_ptr error;

  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

// Those that were started would wait for the readers among the others for ever.
void DocumentPipeline::State::start_threads(int count) {
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([this, i] { work(i < readers); });
  } catch (const std::exception& failure) {
    const auto started = threads.size();
    stop();
    throw Error(ErrorKind::internal,
                fmt::format("prepare: only {} of {} threads could be started: {}", started, count,
                            failure.what()),
                "lower prepare.workers, or raise the number of processes allowed (ulimit -u)");
  }
}

void DocumentPipeline::State::stop() {
  context.helpers.stop();
  context.large_records.stop();
  threads.clear();  // joins
}

const NumberedUnit* DocumentPipeline::State::take_unit() {
  const std::scoped_lock lock(mutex);
  return next_unit < units.size() ? &units[next_unit++] : nullptr;
}

void DocumentPipeline::State::work(bool reads) {
  std::optional<BatchTokenizer> own;
  const auto tokenizer_of_thread = [&]() -> BatchTokenizer& {
    if (!own) own.emplace(tokenizer, options.with_digests);
    return *own;
  };
  if (reads) {
    read_units(tokenizer_of_thread);
    context.helpers.end_reading();
  }
  context.helpers.help(tokenizer_of_thread);
}

void DocumentPipeline::State::read_units(
    const std::function<BatchTokenizer&()>& tokenizer_of_thread) {
  std::exception_ptr thrown;
  try {
    while (const NumberedUnit* unit = take_unit()) {
      SpillWriter spill(options.folder, unit->number, tokenizer.vocabulary(), options.with_digests);
      auto report = UnitReading(context, tokenizer_of_thread(), spill).run(unit->unit);
      const std::scoped_lock lock(mutex);
      finished.push_back({unit->number, std::move(report)});
      changed.notify_all();
    }
  } catch (const Stopped&) {
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::scoped_lock lock(mutex);
  if (!error) error = thrown;
  ++readers_ended;
  changed.notify_all();
}

DocumentPipeline::DocumentPipeline(std::vector<NumberedUnit> units, const WordPiece& tokenizer,
                                   const PipelineOptions& options)
    : state_(std::make_unique<State>(std::move(units), tokenizer, options)) {}

DocumentPipeline::~DocumentPipeline() = default;

bool DocumentPipeline::wait(std::vector<FinishedUnit>& finished) {
  State& state = *state_;
  const auto has_news = [&] {
    return state.error || !state.finished.empty() || state.readers_ended == state.readers;
  };
  std::unique_lock lock(state.mutex);
  state.changed.wait_for(lock, kMoment, has_news);
  if (state.error) std::rethrow_exception(state.error);
  finished = std::exchange(state.finished, {});
  return !finished.empty() || state.readers_ended < state.readers;
}

std::uint64_t DocumentPipeline::input_bytes() const {
  return state_->context.input_bytes;
}

}  // namespace bertha
