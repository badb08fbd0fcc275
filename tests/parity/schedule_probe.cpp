// For test_schedules.py: a JSON object a line in, one a line out. Learning rates of all updates of
// a schedule; or class weights of labels, balanced or given, and the weighted loss of logits with
// its gradient; of one label a row, or of several, which are then flags.
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "launch/option_values.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/tasks/labelled/class_weights.h"
#include "trainer/tasks/labelled_loss.h"

namespace bertha {
namespace {

using Json = nlohmann::json;

Json rates_of(const Json& request) {
  Schedule schedule{.peak = request.at("peak"),
                    .total_steps = request.at("total_steps"),
                    .warmup_steps = request.at("warmup_steps"),
                    .power = request.at("power"),
                    .end_rate = request.at("end_rate")};
  parse_value(request.at("name"), schedule.name);
  parse_value(request.at("decay_from"), schedule.decay_from);
  Json rates = Json::array();
  for (std::int64_t update = 1; update <= request.at("updates"); ++update) {
    rates.push_back(learning_rate(schedule, update));
  }
  return rates;
}

struct WeightedLoss {
  std::vector<double> weights;
  at::Tensor mean;
};

// The mean as LabelledTask makes it of the sum, over the weights of the labels that are learnt.
WeightedLoss loss_of_labels(const Json& request, const at::Tensor& logits,
                            const std::vector<std::string>& names) {
  EncodedExample example;
  example.labels = request.at("labels").get<std::vector<std::int32_t>>();
  const auto weights = class_weights(request.at("setting"), {example}, names);
  double all = 0;
  for (const auto label : example.labels)
    all += label < 0 ? 0 : weights.at(static_cast<std::size_t>(label));
  const auto sum =
      labelled_loss(LossKind::cross_entropy, logits,
                    {example.labels, {}, {}, at::tensor(weights, at::kDouble).to(at::kFloat)});
  return {weights, sum.loss / all};
}

// Over all decisions.
WeightedLoss loss_of_flags(const Json& request, const at::Tensor& logits,
                           const std::vector<std::string>& names) {
  std::vector<EncodedExample> examples;
  std::vector<float> flags;
  for (const auto& row : request.at("flags")) {
    examples.emplace_back().values = row.get<std::vector<float>>();
    flags.insert(flags.end(), examples.back().values.begin(), examples.back().values.end());
  }
  const auto weights = positive_weights(request.at("setting"), examples, names);
  const auto sum = labelled_loss(LossKind::binary_cross_entropy, logits,
                                 {{}, flags, {}, at::tensor(weights, at::kDouble).to(at::kFloat)});
  return {weights, sum.loss / static_cast<double>(flags.size())};
}

Json weighted_loss(const Json& request) {
  const auto names = request.at("names").get<std::vector<std::string>>();
  const auto logits = at::tensor(request.at("logits").get<std::vector<double>>(), at::kDouble)
                          .to(at::kFloat)
                          .view({-1, static_cast<std::int64_t>(names.size())})
                          .requires_grad_();
  const auto weighted =
      (request.contains("flags") ? loss_of_flags : loss_of_labels)(request, logits, names);
  weighted.mean.backward();
  const auto gradient = logits.grad().contiguous();
  const auto* values = gradient.const_data_ptr<float>();
  return {{"weights", weighted.weights},
          {"loss", weighted.mean.item<double>()},
          {"gradient", std::vector<float>(values, values + gradient.numel())}};
}

}  // namespace
}  // namespace bertha

int main() {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      const auto request = nlohmann::json::parse(line);
      const bool rates = request.contains("peak");
      std::cout << (rates ? bertha::rates_of(request) : bertha::weighted_loss(request)).dump()
                << '\n';
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "schedule_probe: %s\n", error.what());
    return 1;
  }
}
