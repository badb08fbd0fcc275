// Lays parameters out, hands autograd views of the flat buffers, and collects gradients there.
#include "trainer/model/parameter_space.h"

#include <exception>
#include <memory>
#include <new>
#include <sys/mman.h>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "parallel/base/error.h"
#include "trainer/model/initial_weights.h"

namespace bertha {
namespace {

at::ScalarType scalar_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp16:
      return at::kHalf;
    case Precision::fp64:
      return at::kDouble;
  }
  throw Error(ErrorKind::internal, "unknown precision");
}

std::int64_t count_elements(const ParameterSpec& spec) {
  std::int64_t elements = 1;
  for (const auto size : spec.shape) {
    if (size < 1 || __builtin_mul_overflow(elements, size, &elements)) {
      throw Error(ErrorKind::usage,
                  fmt::format("parameter {} has a size of {}: impossible", spec.name, size));
    }
  }
  return elements;
}

// [elements] of zeros, as anonymous pages that the kernel hands out when they are first written to;
// at::zeros writes to all of them at once.
at::Tensor zeros_when_touched(std::int64_t elements, at::ScalarType type, at::Device device) {
  const auto options = at::TensorOptions().dtype(type).device(device);
  const auto bytes = static_cast<std::size_t>(elements) * at::elementSize(type);
  if (!device.is_cpu() || bytes == 0) return at::zeros({elements}, options);
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return at::from_blob(
      pages, {elements}, [bytes](void* begin) { ::munmap(begin, bytes); }, options);
}

}  // namespace

// Runs on the backward thread after autograd has stored or added a leaf's gradient.
class LeafHook : public torch::autograd::PostAccumulateGradHook {
 public:
  LeafHook(ParameterSpace& space, int parameter) : space_(space), parameter_(parameter) {}
  void operator()(const torch::autograd::Variable&) override {
    space_.collect_gradient(parameter_);
  }

 private:
  ParameterSpace& space_;
  int parameter_;
};

ParameterSpace::ParameterSpace(const std::vector<ParameterSpec>& specs, Precision compute,
                               at::Device device)
    : precision_(compute) {
  for (const auto& spec : specs) {
    const auto elements = count_elements(spec);
    if (!numbers_.emplace(spec.name, static_cast<int>(infos_.size())).second) {
      throw Error(ErrorKind::usage, fmt::format("parameter {} is listed twice", spec.name));
    }
    infos_.push_back({spec.name, spec.shape, size_, elements, spec.initial, 1});
    size_ += flat_elements(spec, elements);
  }
  allocate(device);
  leaves_.resize(infos_.size());
  for (int i = 0; i < static_cast<int>(infos_.size()); ++i) attach_leaf(i);
}

ParameterSpace::~ParameterSpace() {
  // A leaf may live on in somebody's graph; it must not call a space that is gone.
  for (const auto& leaf : leaves_) torch::autograd::impl::set_post_acc_grad_hooks(leaf, nullptr);
}

void ParameterSpace::allocate(at::Device device) {
  try {
    master_ = zeros_when_touched(size_, at::kFloat, device);
    gradient_ = zeros_when_touched(size_, at::kFloat, device);
    compute_ = precision_ == Precision::fp32
                   ? master_
                   : zeros_when_touched(size_, scalar_type(precision_), device);
  } catch (const std::exception&) {  // std::bad_alloc, or c10::Error of a GPU's allocator
    throw Error(ErrorKind::usage,
                fmt::format("no memory for a model of {} million parameters", size_ / 1'000'000),
                "choose a smaller model.size");
  }
}

void ParameterSpace::attach_leaf(int parameter) {
  // detach: a leaf of its own for autograd, on the same memory.
  auto leaf = view_of(compute_, parameter).detach();
  leaf.requires_grad_(true);
  // With a gradient already there autograd adds to it in place, so the sum over micro-batches
  // grows in the flat buffer. It insists on one type for both, hence fp32 only.
  if (precision_ == Precision::fp32) leaf.mutable_grad() = gradient_view(parameter);
  torch::autograd::impl::set_post_acc_grad_hooks(leaf,
                                                 std::make_unique<LeafHook>(*this, parameter));
  leaves_[static_cast<std::size_t>(parameter)] = leaf;
}

void ParameterSpace::collect_gradient(int parameter) {
  const at::NoGradGuard no_gradient;
  const auto& leaf = leaves_[static_cast<std::size_t>(parameter)];
  auto& stored = leaf.mutable_grad();
  const auto home = gradient_view(parameter);
  if (precision_ != Precision::fp32) {
    home.add_(stored);  // low-precision gradient of this backward, summed in fp32
    stored.reset();
  } else if (stored.data_ptr() != home.data_ptr()) {
    // Autograd replaces instead of adding when it records the backward pass itself.
    stored = home;
    throw Error(ErrorKind::internal, fmt::format("the gradient of {} left the flat buffer",
                                                 infos_[static_cast<std::size_t>(parameter)].name));
  }
  announce_gradient(parameter);
}

std::int64_t ParameterSpace::parameter_elements() const {
  std::int64_t sum = 0;
  for (const auto& info : infos_) sum += info.elements;
  return sum;
}

int ParameterSpace::find(const std::string& name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? -1 : found->second;
}

at::Tensor ParameterSpace::view_of(const at::Tensor& flat, int parameter) const {
  const auto& info = infos_.at(static_cast<std::size_t>(parameter));
  return flat.narrow(0, info.offset, info.elements).view(info.shape);
}

at::Tensor ParameterSpace::master() const {
  await_weights(size_);
  return master_;
}

at::Tensor ParameterSpace::compute() const {
  await_weights(size_);
  return compute_;
}

const at::Tensor& ParameterSpace::leaf(int parameter) const {
  const auto& info = infos_[static_cast<std::size_t>(parameter)];
  await_weights(info.offset + info.elements);
  return leaves_[static_cast<std::size_t>(parameter)];
}

at::Tensor ParameterSpace::master_view(int parameter) const {
  const auto& info = infos_.at(static_cast<std::size_t>(parameter));
  await_weights(info.offset + info.elements);
  return view_of(master_, parameter);
}

at::Tensor ParameterSpace::gradient_view(int parameter) const {
  return view_of(gradient_, parameter);
}

void ParameterSpace::initialize(double range, std::uint64_t seed) {
  for (int i = 0; i < static_cast<int>(infos_.size()); ++i) initialize(i, range, seed);
  copy_master_to_compute();
}

void ParameterSpace::initialize(int parameter, double range, std::uint64_t seed) {
  const at::NoGradGuard no_gradient;
  const auto& info = infos_.at(static_cast<std::size_t>(parameter));
  auto weights = master_view(parameter);
  if (info.initial == InitialValue::normal) {
    weights.copy_(truncated_normal(info.name, info.elements, range, seed).view(info.shape));
  } else {
    weights.fill_(info.initial == InitialValue::ones ? 1.0 : 0.0);
  }
}

void ParameterSpace::set_rate(int parameter, double rate) {
  infos_.at(static_cast<std::size_t>(parameter)).rate = rate;
  leaves_[static_cast<std::size_t>(parameter)].requires_grad_(rate != 0);
}

void ParameterSpace::copy_master_to_compute() {
  const at::NoGradGuard no_gradient;
  if (precision_ != Precision::fp32) compute_.copy_(master_);
}

void ParameterSpace::copy_master_to_compute(std::int64_t begin, std::int64_t end) {
  const at::NoGradGuard no_gradient;
  if (precision_ == Precision::fp32) return;
  compute_.slice(0, begin, end).copy_(master_.slice(0, begin, end));
}

void ParameterSpace::on_weights_wanted(std::function<void(std::int64_t end)> arrive) {
  arrive_ = std::move(arrive);
}

void ParameterSpace::zero_gradient() {
  const at::NoGradGuard no_gradient;
  gradient_.zero_();
}

void ParameterSpace::on_gradient_ready(std::function<void(int parameter)> callback) {
  ready_ = std::move(callback);
}

}  // namespace bertha
