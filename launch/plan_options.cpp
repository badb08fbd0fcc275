// data table: options of plan and export.
#include "launch/option_declaring.h"

namespace bertha {

std::vector<OptionDeclaration> plan_options() {
  return {
      option("plan.ranks", "N,N...", "Numbers of ranks to plan for.", BERTHA_AT(plan.ranks)),
      option("plan.tokens_per_second", "N",
             "Forward and backward of one device; 0: measured here and now.",
             BERTHA_AT(plan.tokens_per_second)),
      option("plan.optimizer_seconds", "S", "An update of one device, when its speed is given.",
             BERTHA_AT(plan.optimizer_seconds)),
      option("plan.measure_seconds", "S", "How long to measure, about.",
             BERTHA_AT(plan.measure_seconds)),
      option("plan.ranks_per_node", "N", "Ranks that share a node.",
             BERTHA_AT(plan.ranks_per_node)),
      option("plan.in_node_bytes_per_second", "N", "What a ring within a node carries.",
             BERTHA_AT(plan.in_node_bytes_per_second)),
      option("plan.between_nodes_bytes_per_second", "N", "What a ring over nodes carries.",
             BERTHA_AT(plan.between_nodes_bytes_per_second)),
      option("plan.latency_seconds", "S", "Of one message.", BERTHA_AT(plan.latency_seconds)),
      option("plan.memory_bytes", "N", "Memory of one rank; 0: of this machine.",
             BERTHA_AT(plan.memory_bytes)),
      option("plan.cost_per_rank_hour", "X", "In any currency.",
             BERTHA_AT(plan.cost_per_rank_hour)),
  };
}

std::vector<OptionDeclaration> export_options() {
  return {
      option("export.model", "NAME",
             "auto, base, masked_lm, next_sentence or pretraining: the class of Transformers whose "
             "weights are written; auto: what was trained.",
             BERTHA_AT(exporting.model)),
      option("export.precision", "NAME", "auto, fp32 or bf16; auto: as the weights are.",
             BERTHA_AT(exporting.precision)),
  };
}
}  // namespace bertha
