// Runs our BERT once for test_model.py: reads config.json, weights (a file with our names, or a
// model folder as users give it) and a packed batch, writes hidden states (of every layer when
// asked to), logits, the loss and the gradient of every parameter.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/model/bert.h"
#include "trainer/tasks/labelled_loss.h"

namespace bertha {
namespace {

// What test_model.py asks for, in one JSON file.
struct Request {
  std::string config, weights, batch, output, config_output;
  Head head;
  Precision precision;
  Implementation implementation;
  ForwardContext context;
  bool all_layers;
};

Head head_of(const std::string& architecture) {
  for (const auto head : {Head::none, Head::pretraining, Head::masked_lm, Head::sequence,
                          Head::token, Head::question}) {
    if (architecture == head_architecture(head)) return head;
  }
  throw Error(ErrorKind::usage, "no head for " + architecture);
}

Precision precision_of(const std::string& name) {
  for (const auto precision : {Precision::fp32, Precision::bf16, Precision::fp16}) {
    if (name == precision_name(precision)) return precision;
  }
  throw Error(ErrorKind::usage, "no precision " + name);
}

Request read_request(const std::string& path) {
  const auto root = nlohmann::json::parse(read_file(path));
  return {root.at("config"),
          root.at("weights"),
          root.at("batch"),
          root.at("output"),
          root.at("config_output"),
          head_of(root.at("architecture")),
          precision_of(root.at("precision")),
          root.at("implementation") == "fused" ? Implementation::fused : Implementation::reference,
          {root.at("training"), root.at("seed"), root.at("step")},
          root.value("all_layers", false)};
}

PackedInput packed_input(const SafetensorsFile& batch) {
  PackedInput input;
  input.tokens = batch.read("tokens");
  input.segments = batch.read("segments");
  input.positions = batch.read("positions");
  const auto offsets = batch.read("sequence_offsets");
  const auto samples = batch.read("sample_numbers");
  const auto sequences = samples.numel();
  input.sequence_starts = offsets.narrow(0, 0, sequences).contiguous();
  for (std::int64_t s = 0; s <= sequences; ++s) {
    input.sequence_offsets.push_back(offsets[s].item<std::int32_t>());
  }
  for (std::int64_t s = 0; s < sequences; ++s) {
    input.sample_numbers.push_back(static_cast<std::uint64_t>(samples[s].item<std::int64_t>()));
  }
  input.longest = offsets.diff().max().item<std::int64_t>();
  return input;
}

at::Tensor mean_cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits.to(at::kFloat), labels);
}

// Losses as the Transformers class of the same name defines them; logits go to `outputs`.
class Losses {
 public:
  Losses(const Bert& bert, const SafetensorsFile& batch, const PackedInput& input,
         const ForwardContext& context, std::vector<NamedTensor>& outputs)
      : bert_(bert), batch_(batch), input_(input), context_(context), outputs_(outputs) {}

  at::Tensor loss(const at::Tensor& hidden) {
    switch (bert_.head()) {
      case Head::none:
        return pooled(hidden).pow(2).sum();
      case Head::pretraining:
        return pretraining(hidden);
      case Head::masked_lm:
        return masked_lm(hidden);
      case Head::sequence:
        return sequence(hidden);
      case Head::token:
        return labelled(LossKind::cross_entropy,
                        output("logits", bert_.classify(hidden, input_, context_)),
                        batch_.read("labels"));
      case Head::question:
        return labelled(LossKind::span, output("logits", bert_.question_logits(hidden)),
                        batch_.read("answers"));
    }
    throw Error(ErrorKind::internal, "unknown head");
  }

 private:
  at::Tensor output(const std::string& name, const at::Tensor& tensor) {
    outputs_.push_back({name, tensor.detach().to(at::kFloat).contiguous()});
    return tensor;
  }
  at::Tensor pooled(const at::Tensor& hidden) {
    return output("pooled", bert_.pool(hidden, input_.sequence_starts));
  }
  at::Tensor masked_lm(const at::Tensor& hidden) {
    const auto positions = batch_.read("masked_positions");
    const auto labels = batch_.read("masked_labels");
    if (labels.numel() == 0) return at::zeros({});  // PretrainingTask learns nothing then, either
    {
      const at::NoGradGuard no_gradient;
      output("logits", bert_.masked_lm_logits(hidden.index_select(0, positions)));
    }
    return bert_.masked_lm_loss(hidden, positions, labels).sum / labels.numel();
  }
  at::Tensor pretraining(const at::Tensor& hidden) {
    const auto next = output("next_logits", bert_.next_sentence_logits(pooled(hidden)));
    const auto loss = mean_cross_entropy(next, batch_.read("next_sentence"));
    return loss + masked_lm(hidden);
  }
  at::Tensor sequence(const at::Tensor& hidden) {
    const auto logits = output("logits", bert_.classify(pooled(hidden), input_, context_));
    const auto labels = batch_.read("labels");
    if (!labels.is_floating_point()) return labelled(LossKind::cross_entropy, logits, labels);
    return labelled(
        labels.dim() == 1 ? LossKind::mean_squared_error : LossKind::binary_cross_entropy, logits,
        labels);
  }
  // The mean that a fine-tuning task learns.
  at::Tensor labelled(LossKind kind, const at::Tensor& logits, const at::Tensor& labels) {
    const auto flat = labels.flatten();
    std::vector<std::int32_t> classes;
    std::vector<float> values;
    double learnt = 0;
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      if (flat.is_floating_point()) {
        values.push_back(flat[i].item<float>());
      } else {
        classes.push_back(std::max(-1, flat[i].item<std::int32_t>()));  // Transformers' -100
        learnt += classes.back() >= 0 ? 1 : 0;
      }
    }
    const auto sequences = static_cast<double>(input_.sequence_offsets.size() - 1);
    const auto sum =
        labelled_loss(kind, logits.to(at::kFloat), {classes, values, input_.sequence_offsets});
    return sum.loss / loss_terms(kind, learnt, sequences, static_cast<double>(logits.size(1)));
  }

  const Bert& bert_;
  const SafetensorsFile& batch_;
  const PackedInput& input_;
  const ForwardContext& context_;
  std::vector<NamedTensor>& outputs_;
};

void load_file(const std::string& path, ParameterSpace& space) {
  const SafetensorsFile file(path);
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    space.master_view(static_cast<int>(i)).copy_(file.read(space.parameters()[i].name));
  }
}

void load_folder(const std::string& path, ParameterSpace& space, bool is_part) {
  std::vector<NamedTensor> wanted;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    wanted.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  const auto match = copy_weights(read_model_weights(path), wanted);
  const bool whole = match.unexpected.empty() || is_part;
  if (!match.missing.empty() || !whole) {
    throw Error(ErrorKind::bad_data, path + " is no plain base model");
  }
}

// `is_part`: of the model in the folder the space holds fewer layers.
void load_weights(const std::string& path, ParameterSpace& space, bool is_part = false) {
  if (std::filesystem::is_directory(path)) {
    load_folder(path, space, is_part);
  } else {
    load_file(path, space);
  }
  space.copy_master_to_compute();
}

// "hidden 0" is what the embeddings give (of the reference path: the fused one has no model without
// layers), "hidden n" what layer n does: the last hidden states of models of the first n layers,
// since a model hands out no others.
void write_all_layers(const Request& request, const BertConfig& config, const PackedInput& input,
                      std::vector<NamedTensor>& outputs) {
  const at::NoGradGuard no_gradient;
  const bool fused = config.implementation == Implementation::fused;
  for (std::int64_t layers = fused ? 1 : 0; layers <= config.layers; ++layers) {
    auto part = config;
    part.layers = std::max<std::int64_t>(1, layers);  // no file describes a model without any
    ParameterSpace space(bert_parameters(part, Head::none, 0), request.precision, at::kCPU);
    load_weights(request.weights, space, true);
    part.layers = layers;
    const auto hidden = Bert(part, Head::none, space).encode(input, request.context);
    outputs.push_back({"hidden " + std::to_string(layers), hidden.to(at::kFloat).clone()});
  }
}

void answer(const Request& request) {
  auto config = read_bert_config(request.config);
  config.implementation = request.implementation;
  const auto head_config = read_head_config(request.config);
  write_file(request.config_output, bert_config_json(config, head_config));
  const auto labels = static_cast<std::int64_t>(head_config.label_names.size());
  ParameterSpace space(bert_parameters(config, request.head, labels), request.precision, at::kCPU);
  load_weights(request.weights, space);

  const Bert bert(config, request.head, space);
  const SafetensorsFile batch(request.batch);
  const auto input = packed_input(batch);
  const auto hidden = bert.encode(input, request.context);
  std::vector<NamedTensor> outputs{{"hidden", hidden.detach().to(at::kFloat)}};
  const auto loss = Losses(bert, batch, input, request.context, outputs).loss(hidden);
  if (loss.requires_grad()) loss.backward();
  if (request.all_layers) write_all_layers(request, config, input, outputs);
  outputs.push_back({"loss", loss.detach().to(at::kFloat).reshape({1})});
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    outputs.push_back({"gradient " + space.parameters()[i].name,
                       space.gradient_view(static_cast<int>(i)).contiguous()});
  }
  write_safetensors(request.output, outputs, {});
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    at::set_num_threads(2);
    for (int i = 1; i < argc; ++i) bertha::answer(bertha::read_request(argv[i]));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "model_probe: %s\n", error.what());
    return 1;
  }
}
