// All parameters of a model in one flat buffer per kind, each parameter a view with its Hugging
// Face name. Buckets, optimizers, norms, checkpoints and broadcasts are ranges of this space.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/precision.h"

namespace bertha {

enum class InitialValue { normal, zeros, ones };

struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  InitialValue initial = InitialValue::normal;
  std::int64_t spare_rows = 0;  // of zeros behind it in the flat space, for products of whole tiles
};

struct ParameterInfo {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  // elements into the flat space, a multiple of kParameterAlignment
  std::int64_t elements = 0;
  InitialValue initial = InitialValue::normal;
  double rate = 1;  // times the learning rate; 0: frozen, neither gradient nor update
};

inline constexpr std::int64_t kParameterAlignment = 64;  // elements: 256 bytes of fp32

// What a parameter of so many elements takes of the flat space: spare rows and alignment included.
inline std::int64_t flat_elements(const ParameterSpec& spec, std::int64_t elements) {
  const std::int64_t reserved = elements + spec.spare_rows * (elements / spec.shape.front());
  return (reserved + kParameterAlignment - 1) / kParameterAlignment * kParameterAlignment;
}

// Not thread-safe. Gaps between parameters are zero in every buffer. Stays where it was built: the
// leaves' hooks point to it.
class ParameterSpace {
 public:
  // Parameters in forward order: gradients become complete from the end of the space to its start.
  // Error{usage}: two of one name, an empty shape.
  ParameterSpace(const std::vector<ParameterSpec>& specs, Precision compute, at::Device device);
  ~ParameterSpace();
  ParameterSpace(const ParameterSpace&) = delete;
  ParameterSpace& operator=(const ParameterSpace&) = delete;

  std::int64_t size() const { return size_; }  // elements with gaps
  std::int64_t parameter_elements() const;     // without gaps
  const std::vector<ParameterInfo>& parameters() const { return infos_; }
  int find(const std::string& name) const;  // -1: none

  at::Device device() const { return gradient_.device(); }
  at::Tensor master() const;   // [size] fp32: what the optimizer updates
  at::Tensor compute() const;  // [size] compute type; is master() for fp32
  // [size] fp32, summed over micro-batches. On the CPU it takes memory only once it is written to:
  // prediction never does.
  at::Tensor gradient() const { return gradient_; }

  // What the model computes with: a view of compute() that requires a gradient.
  const at::Tensor& leaf(int parameter) const;
  at::Tensor master_view(int parameter) const;    // shaped, fp32
  at::Tensor gradient_view(int parameter) const;  // shaped, fp32

  // Truncated normal (two deviations) of `range`, drawn from (seed, name, element): the same for
  // any rank count, device and model around it. The padding token's embedding is drawn like any
  // other, as in Google's BERT (Transformers zeroes it).
  void initialize(double range, std::uint64_t seed);
  void initialize(int parameter, double range, std::uint64_t seed);  // master() alone
  // Before optimizers are made. The reference path computes no gradient of what is frozen.
  void set_rate(int parameter, double rate);
  void copy_master_to_compute();  // after every update of master()
  void copy_master_to_compute(std::int64_t begin, std::int64_t end);  // of these elements
  void zero_gradient();

  // Called on the backward thread each time a parameter's gradient of one backward is in
  // gradient(); empty: nobody.
  void on_gradient_ready(std::function<void(int parameter)> callback);
  // For whoever adds to gradient() without autograd: this parameter's part of this backward is in.
  void announce_gradient(int parameter) const {
    if (ready_) ready_(parameter);
  }

  // While weights still come from other ranks: `arrive(end)` returns when those of elements
  // [0, end) are there, and is called by whatever here gives a weight away. Empty: all are there.
  void on_weights_wanted(std::function<void(std::int64_t end)> arrive);
  // For whoever holds views of the weights: those of elements [0, end) are wanted now.
  void await_weights(std::int64_t end) const {
    if (arrive_) arrive_(end);
  }

 private:
  friend class LeafHook;
  void allocate(at::Device device);
  void attach_leaf(int parameter);
  void collect_gradient(int parameter);  // after autograd added to a leaf's gradient
  at::Tensor view_of(const at::Tensor& flat, int parameter) const;

  std::vector<ParameterInfo> infos_;
  std::unordered_map<std::string, int> numbers_;  // by name
  std::int64_t size_ = 0;
  Precision precision_;
  at::Tensor master_, compute_, gradient_;
  std::vector<at::Tensor> leaves_;
  std::function<void(int)> ready_;
  std::function<void(std::int64_t)> arrive_;
};

}  // namespace bertha
