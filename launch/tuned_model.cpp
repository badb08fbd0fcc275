// Loads a sequence classification or regression model with all its weights.
#include "launch/tuned_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/hugging_face.h"

namespace bertha {

TunedModel::TunedModel(const RunConfig& config, at::Device device)
    : folder(resolve_model_folder(config.trainer.train.init)),
      head(read_head_config(folder / "config.json")),
      tokenizer(folder) {
  const auto shape = read_bert_config(folder / "config.json");
  const bool one_value = head.problem_type == "regression";
  const auto outputs = one_value ? 1 : static_cast<std::int64_t>(head.label_names.size());
  if (head.architecture != head_architecture(Head::sequence) || outputs < 1) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} holds a {}, not a fine-tuned {}", folder.string(),
                            head.architecture, head_architecture(Head::sequence)),
                "fine-tune it first: bertha finetune --train.init ...");
  }
  task = std::make_unique<SequenceTask>(shape, outputs, one_value, config.trainer.train.precision,
                                        device);
  auto& space = task->parameters();
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  const auto match = copy_weights(read_model_weights(folder), destination);
  if (!match.missing.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} lacks the weight {}", folder.string(), match.missing.front()));
  }
  space.copy_master_to_compute();
}

int TunedModel::longest(int asked) const {
  return static_cast<int>(std::min<std::int64_t>(asked, task->config().max_positions));
}

}  // namespace bertha
