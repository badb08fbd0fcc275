// Text that threads with nothing left to read take over from those that still read.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "data_pipeline/prepare/prepare_batch.h"

namespace bertha {

// Ends a thread from within: nobody wants the rest.
class Stopped {};

// Text on its way to another thread, and back as tokens.
struct HandedText {
  TextBatch text;
  TokenizedBatch result;  // when it is done
  std::size_t bytes = 0;  // of both, at most; not yet known while text is added
  bool done = false;      // guarded by the helpers' mutex, as the next
  std::exception_ptr error;
};

class TokenizingHelpers {
 public:
  explicit TokenizingHelpers(int readers) : readers_(readers) {}

  // For those that read:
  // Whether a helper waits for text. Changes at any time.
  bool wanted() const { return idle_.load(std::memory_order_relaxed) > 0; }
  void give(std::shared_ptr<HandedText> text);
  bool is_done(const HandedText& text);
  // Until it is done; throws what the helper threw, or Stopped.
  void wait_for(const HandedText& text);
  void throw_if_stopped() const;
  void end_reading();  // once for each reader

  // For a thread that reads no more: tokenizes what is given, until nobody reads any more.
  void help(const std::function<BatchTokenizer&()>& tokenizer);

  void stop();

 private:
  std::shared_ptr<HandedText> take();

  std::atomic<int> idle_{0};  // helpers that wait, less what was given to them
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<HandedText>> given_;
  int readers_;
};

}  // namespace bertha
