// Hands hidden states and their gradients between autograd and the fused layers.
#include "trainer/model/fused_model.h"

#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "parallel/base/error.h"
#include "trainer/model/forward_stages.h"
#include "trainer/model/fused_embeddings.h"
#include "trainer/model/fused_layer.h"
#include "trainer/model/fused_masked_lm.h"

namespace bertha {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct EncoderActivations {
  FusedPass pass;
  EmbeddingActivations embeddings;
  std::vector<LayerActivations> layers;
};

// Lends what is expensive to allocate; it comes back when the lender's graph is gone.
template <class T>
class Pool : public std::enable_shared_from_this<Pool<T>> {
 public:
  std::shared_ptr<T> take() {
    auto item = free_.empty() ? std::make_unique<T>() : std::move(free_.back());
    if (!free_.empty()) free_.pop_back();
    return {item.release(),
            [pool = this->shared_from_this()](T* used) { pool->free_.emplace_back(used); }};
  }

 private:
  std::vector<std::unique_ptr<T>> free_;
};

// What a node of the graph keeps between forward and backward; given up by the first backward.
template <class T>
struct Kept : public torch::CustomClassHolder {
  Kept(std::shared_ptr<FusedModel> owner, std::shared_ptr<T> data)
      : model(std::move(owner)), activations(std::move(data)) {}
  std::shared_ptr<FusedModel> model;
  std::shared_ptr<T> activations;
};

template <class T>
void keep(AutogradContext* context, std::shared_ptr<FusedModel> model, std::shared_ptr<T> data) {
  context->saved_data["kept"] =
      c10::IValue::make_capsule(c10::make_intrusive<Kept<T>>(std::move(model), std::move(data)));
}

template <class T>
std::pair<std::shared_ptr<FusedModel>, std::shared_ptr<T>> take_kept(AutogradContext* context) {
  const auto capsule = context->saved_data["kept"].toCapsule();
  auto* kept = static_cast<Kept<T>*>(capsule.get());
  if (!kept->activations) {
    throw Error(ErrorKind::internal, "backward through the fused model a second time");
  }
  return {std::move(kept->model), std::move(kept->activations)};
}

}  // namespace

struct FusedModel::Parts {
  Parts(const ParameterSpace& space, const BertConfig& config, KernelDevice place)
      : stages(space, config.layers),
        device(place),
        recomputes(config.recompute == Recompute::layers),
        leaves_rows_out(attention_by(config, place, space.compute().scalar_type()) ==
                        AttentionBy::tiles) {}

  const ForwardStages stages;
  const KernelDevice device;
  const bool recomputes;       // layers keep their output only
  const bool leaves_rows_out;  // on a GPU
  std::unique_ptr<FusedEmbeddings> embeddings;
  std::vector<FusedLayer> layers;
  std::unique_ptr<FusedMaskedLm> masked_lm;
  FusedScratch scratch;
  std::shared_ptr<Pool<EncoderActivations>> encoder_pool =
      std::make_shared<Pool<EncoderActivations>>();
  std::shared_ptr<Pool<MaskedLmActivations>> masked_lm_pool =
      std::make_shared<Pool<MaskedLmActivations>>();
  at::Tensor anchor;  // makes autograd call a function whose real inputs are no tensors of its own

  // Input of layer `layer`, which is the output of what comes before it.
  at::Tensor input_of(std::size_t layer, EncoderActivations& kept) const {
    const auto& words = embeddings->words().values;
    auto& memory = layer == 0 ? kept.embeddings.output : kept.layers[layer - 1].output;
    return memory.sized(kept.pass.count(), words.size(1), words.options());
  }
  // Recomputed layers share one set, also with passes that keep nothing. After forward it is the
  // last layer's, which backward wants at once.
  LayerActivations& activations_of(std::size_t layer, EncoderActivations& kept) const {
    return recomputes ? kept.layers.front() : kept.layers[layer];
  }
  // What the last layer writes to: the caller's, who may hold it for long.
  static at::Tensor result_for(const FusedPass& pass, const at::Tensor& hidden) {
    return at::empty({pass.needed_count(), hidden.size(1)}, hidden.options());
  }
  at::Tensor forward_keeping(EncoderActivations& kept);
  at::Tensor forward_forgetting(EncoderActivations& kept);
  void backward(EncoderActivations& kept, const at::Tensor& gradient);
};

at::Tensor FusedModel::Parts::forward_keeping(EncoderActivations& kept) {
  kept.layers.resize(layers.size());
  stages.embeddings();
  const auto embedded = embeddings->forward(kept.pass, kept.embeddings);
  const auto result = result_for(kept.pass, embedded);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto output = i + 1 == layers.size() ? result : input_of(i + 1, kept);
    stages.layer(i);
    layers[i].forward(kept.pass, input_of(i, kept), activations_of(i, kept), scratch, output);
  }
  return result;
}

at::Tensor FusedModel::Parts::forward_forgetting(EncoderActivations& kept) {
  if (kept.layers.empty()) kept.layers.resize(1);
  stages.embeddings();
  auto hidden = embeddings->forward(kept.pass, kept.embeddings);
  const auto result = result_for(kept.pass, hidden);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto output =
        i + 1 == layers.size()
            ? result
            : scratch.outputs[i % 2].sized(hidden.size(0), hidden.size(1), hidden.options());
    stages.layer(i);
    layers[i].forward(kept.pass, hidden, kept.layers[0], scratch, output);
    hidden = output;
  }
  return result;
}

void FusedModel::Parts::backward(EncoderActivations& kept, const at::Tensor& gradient) {
  SplitGradient flowing{gradient.contiguous(), {}};
  for (std::size_t i = layers.size(); i-- > 0;) {
    const auto input = input_of(i, kept);
    auto& activations = activations_of(i, kept);
    if (recomputes && i + 1 < layers.size()) {
      const auto unused = scratch.outputs[0].sized(input.size(0), input.size(1), input.options());
      layers[i].forward(kept.pass, input, activations, scratch, unused);
    }
    flowing = layers[i].backward(kept.pass, input, activations, scratch, flowing);
  }
  embeddings->backward(kept.pass, kept.embeddings, scratch, flowing);
}

struct EncodeFunction : public torch::autograd::Function<EncodeFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor&,
                            const std::shared_ptr<FusedModel>& model,
                            const std::shared_ptr<EncoderActivations>& activations) {
    auto hidden = model->parts_->forward_keeping(*activations);
    keep(context, model, activations);
    return hidden;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto [model, activations] = take_kept<EncoderActivations>(context);
    model->parts_->backward(*activations, gradients[0]);
    return {at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct MaskedLmFunction : public torch::autograd::Function<MaskedLmFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden,
                               const std::shared_ptr<FusedModel>& model,
                               const std::shared_ptr<MaskedLmActivations>& activations,
                               bool keeps) {
    auto& parts = *model->parts_;
    const auto sums =
        parts.masked_lm->forward(hidden.contiguous(), *activations, parts.scratch, keeps);
    auto correct = sums.select(0, 1).to(at::kLong);
    context->mark_non_differentiable({correct});
    if (keeps) keep(context, model, activations);
    return {sums.select(0, 0).to(at::kFloat), correct};
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto [model, activations] = take_kept<MaskedLmActivations>(context);
    auto& parts = *model->parts_;
    const auto weight = gradients[0].to(at::kFloat).contiguous();
    return {parts.masked_lm->backward(weight, *activations, parts.scratch), at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

bool fused_model_supports(const ParameterSpace& space) {
  const auto& compute = space.compute();
  return (compute.is_cpu() || (compute.is_cuda() && cuda_kernels_built())) &&
         (compute.scalar_type() == at::kFloat || compute.scalar_type() == at::kBFloat16);
}

FusedModel::FusedModel(const BertConfig& config, const ParameterSpace& space, bool masked_lm)
    : parts_(std::make_unique<Parts>(space, config,
                                     config.implementation == Implementation::twin
                                         ? KernelDevice::twin
                                         : kernel_device(space.compute()))) {
  const auto device = parts_->device;
  parts_->embeddings = std::make_unique<FusedEmbeddings>(config, space, device);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    parts_->layers.emplace_back(config, space, layer, device);
  }
  if (masked_lm) {
    parts_->masked_lm = std::make_unique<FusedMaskedLm>(config, space, parts_->embeddings->words());
  }
  parts_->anchor = at::zeros({1}, space.master().options());
  parts_->anchor.requires_grad_(true);
}

FusedModel::~FusedModel() = default;

bool FusedModel::leaves_rows_out() const {
  return parts_->device == KernelDevice::cpu || parts_->leaves_rows_out;
}

at::Tensor FusedModel::encode(const PackedInput& input, const ForwardContext& context,
                              const RowSubset& needed) {
  auto activations = parts_->encoder_pool->take();
  activations->pass = FusedPass(input, context, parts_->device);
  activations->pass.leave_out_all_but(needed);
  if (at::GradMode::is_enabled()) {
    return EncodeFunction::apply(parts_->anchor, shared_from_this(), activations);
  }
  return parts_->forward_forgetting(*activations);
}

FusedModel::Loss FusedModel::masked_lm_loss(const at::Tensor& hidden, const at::Tensor& positions,
                                            const at::Tensor& labels) {
  auto activations = parts_->masked_lm_pool->take();
  activations->positions = positions.contiguous();
  activations->labels = labels.contiguous();
  const bool keeps = at::GradMode::is_enabled() && hidden.requires_grad();
  const auto results = MaskedLmFunction::apply(hidden, shared_from_this(), activations, keeps);
  return {results[0], results[1]};
}

at::Tensor FusedModel::decode(const at::Tensor& input, const at::Tensor& bias) const {
  return tied_decoder(parts_->embeddings->words(), input, bias);
}

}  // namespace bertha
