// A queue, and word of who waits at its end.
#include "data_pipeline/prepare/prepare_helpers.h"

#include <utility>

namespace bertha {

void TokenizingHelpers::give(std::shared_ptr<HandedText> text) {
  {
    const std::scoped_lock lock(mutex_);
    --idle_;
    given_.push_back(std::move(text));
  }
  changed_.notify_all();
}

bool TokenizingHelpers::is_done(const HandedText& text) {
  const std::scoped_lock lock(mutex_);
  return text.done;
}

void TokenizingHelpers::wait_for(const HandedText& text) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || text.done; });
  }
  throw_if_stopped();
  if (text.error) std::rethrow_exception(text.error);
}

void TokenizingHelpers::throw_if_stopped() const {
  if (stopped_.load(std::memory_order_relaxed)) throw Stopped();
}

void TokenizingHelpers::end_reading() {
  {
    const std::scoped_lock lock(mutex_);
    --readers_;
  }
  changed_.notify_all();
}

void TokenizingHelpers::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

// Nothing at the end.
std::shared_ptr<HandedText> TokenizingHelpers::take() {
  std::unique_lock lock(mutex_);
  ++idle_;
  changed_.wait(lock, [&] { return stopped_ || !given_.empty() || readers_ == 0; });
  if (stopped_ || given_.empty()) return nullptr;
  auto text = std::move(given_.front());
  given_.pop_front();
  return text;
}

void TokenizingHelpers::help(const std::function<BatchTokenizer&()>& tokenizer) {
  while (const auto text = take()) {
    std::exception_ptr error;
    try {
      tokenizer().add(text->text, text->result);
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::scoped_lock lock(mutex_);
      text->error = error;
      text->done = true;
    }
    changed_.notify_all();
  }
}

}  // namespace bertha
