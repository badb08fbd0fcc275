// Writes the batches of a pretraining run to standard output, for a peer to train on the same ones:
// write_batches train|validation [options of `bertha pretrain`]; see pretraining_batches.py.
//
// Little-endian int32, step after step: how many micro-batches; for each the numbers of sequences
// B, tokens T and masked positions M, then sequence_offsets [B + 1], tokens [T], segments [T],
// masked_positions [M], masked_labels [M], next_sentence [B]. Validation is one step.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "data_pipeline/training_data.h"
#include "launch/options.h"
#include "launch/pretrain_setup.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

void write(const std::vector<std::int32_t>& values) {
  if (std::fwrite(values.data(), sizeof(std::int32_t), values.size(), stdout) != values.size()) {
    throw Error(ErrorKind::io, "the reader of the batches has gone");
  }
}

void write_step(const std::vector<Batch>& batches) {
  const auto size = [](const auto& values) { return static_cast<std::int32_t>(values.size()); };
  write({size(batches)});
  for (const auto& batch : batches) {
    write({size(batch.next_sentence), size(batch.tokens), size(batch.masked_positions)});
    for (const auto* values :
         {&batch.sequence_offsets, &batch.tokens, &batch.segments, &batch.masked_positions,
          &batch.masked_labels, &batch.next_sentence}) {
      write(*values);
    }
  }
}

void write_batches(const std::string& split, const RunConfig& config) {
  const TrainingData data(config.data, split);
  if (split == "validation") {
    write_step(data.validation(batch_options(config), {}, 0));
    return;
  }
  const auto stream = data.stream(batch_options(config), {}, {});
  for (std::int64_t step = 0; step < config.trainer.train.steps; ++step) {
    write_step(stream->next().micro_batches);
  }
}

}  // namespace
}  // namespace bertha

int main(int argc, char** argv) {
  try {
    if (argc < 2)
      throw bertha::Error(bertha::ErrorKind::usage, "write_batches train|validation ...");
    const auto config = bertha::read_options("pretrain", {argv + 2, argv + argc});
    bertha::write_batches(argv[1], bertha::check_pretraining(config));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_batches: %s\n", error.what());
    return 1;
  }
}
