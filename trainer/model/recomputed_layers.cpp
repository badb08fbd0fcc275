// A layer as one differentiable function, whose backward pass is a graph of its own.
#include "trainer/model/recomputed_layers.h"

#include <memory>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bertha {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Copies of what the caller's references would not outlive.
struct KeptPass {
  KeptPass(const BertConfig& model, const PackedInput& packed, const ForwardContext& forward,
           at::ScalarType type)
      : config(model),
        input(packed),
        context(forward),
        layout(attention_layout(input, type)),
        dropout(input, context) {}
  KeptPass(const KeptPass&) = delete;
  KeptPass& operator=(const KeptPass&) = delete;

  const BertConfig config;
  const PackedInput input;
  const ForwardContext context;
  const AttentionLayout layout;
  const Dropout dropout;
};

struct KeptLayer : public torch::CustomClassHolder {
  KeptLayer(std::shared_ptr<const KeptPass> shared, EncoderLayerWeights own, std::int64_t layer)
      : pass(std::move(shared)), weights(std::move(own)), number(layer) {}
  at::Tensor forward(const at::Tensor& hidden) const {
    return encoder_layer(weights, number, hidden, {pass->config, pass->layout, pass->dropout});
  }

  std::shared_ptr<const KeptPass> pass;
  EncoderLayerWeights weights;
  std::int64_t number;
};

struct LayerFunction : public torch::autograd::Function<LayerFunction> {
  // `anchor` makes autograd call backward where `hidden` itself wants no gradient.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor&,
                            const c10::intrusive_ptr<KeptLayer>& layer) {
    context->save_for_backward({hidden});
    context->saved_data["layer"] = c10::IValue::make_capsule(layer);
    return layer->forward(hidden);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables()[0];
    const auto capsule = context->saved_data["layer"].toCapsule();
    const auto& layer = *static_cast<const KeptLayer*>(capsule.get());
    auto hidden = saved.detach();
    hidden.requires_grad_(saved.requires_grad());
    const at::AutoGradMode recording(true);
    const auto output = layer.forward(hidden);
    // Parameters get their gradients here, and their hooks are called.
    if (output.requires_grad()) torch::autograd::backward({output}, {gradients[0]});
    return {hidden.grad(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recomputed_layers(const std::vector<EncoderLayerWeights>& layers,
                             const at::Tensor& hidden, const BertConfig& config,
                             const PackedInput& input, const ForwardContext& context) {
  const auto pass = std::make_shared<const KeptPass>(config, input, context, hidden.scalar_type());
  // Factories of namespace at ignore requires_grad among their options.
  const auto anchor = at::zeros({1}, hidden.options().requires_grad(false)).requires_grad_(true);
  auto result = hidden;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto layer =
        c10::make_intrusive<KeptLayer>(pass, layers[i], static_cast<std::int64_t>(i));
    result = i + 1 == layers.size() ? layer->forward(result)
                                    : LayerFunction::apply(result, anchor, layer);
  }
  return result;
}

}  // namespace bertha
