// For test_schedules.py: a JSON object a line in, one a line out. Learning rates of all updates of
// a schedule; or balanced class weights of labels, and the weighted loss of logits with its
// gradient.
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

// The mean as LabelledTask makes it of the sum, over the weights of the labels that are learnt.
Json weighted_loss(const Json& request) {
  const auto labels = request.at("labels").get<std::vector<std::int32_t>>();
  const std::int64_t classes = request.at("classes");
  EncodedExample example;
  example.labels = labels;
  const auto weights = class_weights("balanced", {example}, classes);
  const auto logits = at::tensor(request.at("logits").get<std::vector<double>>(), at::kDouble)
                          .to(at::kFloat)
                          .view({-1, classes})
                          .requires_grad_();
  double all = 0;
  for (const auto label : labels)
    all += label < 0 ? 0 : weights.at(static_cast<std::size_t>(label));
  const auto loss = labelled_loss(LossKind::cross_entropy, logits,
                                  {labels, {}, {}, at::tensor(weights, at::kDouble).to(at::kFloat)})
                        .loss /
                    all;
  loss.backward();
  const auto gradient = logits.grad().contiguous();
  const auto* values = gradient.const_data_ptr<float>();
  return {{"weights", weights},
          {"loss", loss.item<double>()},
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
