// Makes items ahead of their use, on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace bertha {

// This thread, and those it starts, displace no other when they wake (Linux; a wish, never an
// error). Whoever takes an item wakes the thread that makes the next one: where cores are few it
// would be put aside for that, with its data in hand.
void run_in_background();

template <class Item>
class Prefetch {
 public:
  // Calls `make` again and again, at most `depth` (over 0) items ahead. What it throws is thrown by
  // next(), after the items made before, then and for ever.
  Prefetch(std::function<Item()> make, std::size_t depth)
      : make_(std::move(make)),
        depth_(depth),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  // Waits for the item that is being made, no longer.
  ~Prefetch() = default;
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  Item next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty() || failure_; });
    if (items_.empty()) std::rethrow_exception(failure_);
    Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();  // or who is woken waits for it at once
    changed_.notify_all();
    return item;
  }

 private:
  void run(const std::stop_token& stop) {
    run_in_background();
    try {
      while (wait_for_room(stop)) {
        Item item = make_();
        {
          const std::lock_guard lock(mutex_);
          items_.push_back(std::move(item));
        }
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }
  // False: the end is wanted.
  bool wait_for_room(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return items_.size() < depth_; });
    return !stop.stop_requested();
  }

  std::function<Item()> make_;
  std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> items_;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: stops and joins before the rest goes
};

}  // namespace bertha
