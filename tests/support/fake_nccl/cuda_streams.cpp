// Stands in for the CUDA runtime where there is no GPU, as far as streams and events go: a stream
// is a thread that runs host functions in order, an event a mark in it, device memory the host's.
// Linked before the real runtime, whose functions of the same name it hides.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>

namespace {

// Set once, when a stream gets there.
class Mark {
 public:
  void set() {
    const std::scoped_lock lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
  }
  bool is_set() {
    const std::scoped_lock lock(mutex_);
    return set_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace

struct CUstream_st {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> work;
  const int priority;  // smaller: sooner

  explicit CUstream_st(int its_priority = 0) : priority(its_priority) {
    std::thread([this] { run(); }).detach();  // streams live as long as the process
  }
  void enqueue(std::function<void()> function) {
    const std::scoped_lock lock(mutex);
    work.push_back(std::move(function));
    changed.notify_one();
  }
  [[noreturn]] void run() {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return !work.empty(); });
      const auto next = std::move(work.front());
      work.pop_front();
      lock.unlock();
      next();
    }
  }
};

struct CUevent_st {
  std::shared_ptr<Mark> mark;  // of the last record; empty: none
};

namespace {

CUstream_st& of(cudaStream_t stream) {
  static auto& default_stream = *new CUstream_st;
  return stream ? *stream : default_stream;
}

std::shared_ptr<Mark> mark_end(cudaStream_t stream) {
  auto mark = std::make_shared<Mark>();
  of(stream).enqueue([mark] { mark->set(); });
  return mark;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "an error of the stand-in for CUDA";
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int, int priority) {
  *stream = new CUstream_st(priority);
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  *priority = of(stream).priority;
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const auto mark = mark_end(stream);
  return mark->is_set() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  mark_end(stream)->wait();
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  of(stream).enqueue([function, data] { function(data); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->mark = mark_end(stream);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return !event->mark || event->mark->is_set() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->mark) event->mark->wait();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  if (const auto mark = event->mark) of(stream).enqueue([mark] { mark->wait(); });
  return cudaSuccess;
}

}  // extern "C"
