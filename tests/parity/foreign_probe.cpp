// Prints the sequences of an epoch of foreign shards, one JSON line each, as every rank gets them.
// Arguments: folder, vocabulary, sequence length, epoch, ranks, global batch; then a place to
// begin. Or rows_at_once and a shard: how many of its rows are best read together; lookups, a shard
// and bytes: how often HDF5 is asked where its chunks lie while it is read once, and then again,
// with so many bytes for what was said; faults, folder, vocabulary, sequence length, ranks, global
// batch: for each rank what ends its epoch 0, or "none".
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "data_pipeline/training_data.h"

namespace bertha {
namespace {

void print(const Batch& batch, int rank, std::uint64_t step) {
  std::size_t prediction = 0;
  for (std::size_t s = 0; s + 1 < batch.sequence_offsets.size(); ++s) {
    const auto begin = batch.sequence_offsets[s], end = batch.sequence_offsets[s + 1];
    std::vector<std::int32_t> positions, labels;
    for (; prediction < batch.masked_positions.size() && batch.masked_positions[prediction] < end;
         ++prediction) {
      positions.push_back(batch.masked_positions[prediction] - begin);
      labels.push_back(batch.masked_labels[prediction]);
    }
    const auto part = [&](const std::vector<std::int32_t>& values) {
      return std::vector<std::int32_t>(values.begin() + begin, values.begin() + end);
    };
    const nlohmann::json line{{"step", step},
                              {"rank", rank},
                              {"number", batch.sample_numbers[s]},
                              {"tokens", part(batch.tokens)},
                              {"segments", part(batch.segments)},
                              {"places", part(batch.positions)},
                              {"positions", positions},
                              {"labels", labels},
                              {"next_sentence", batch.next_sentence[s]}};
    std::cout << line << "\n";
  }
}

void run(char** arguments, bool with_start) {
  DataConfig data;
  data.corpus = arguments[1];
  data.vocabulary = arguments[2];
  data.sequence_length = std::atoi(arguments[3]);
  data.workers = 2;
  BatchOptions options;
  options.micro_batch_tokens = 300;
  options.global_batch = std::atoi(arguments[6]);
  const auto epoch = static_cast<std::uint32_t>(std::atoi(arguments[4]));
  const StreamCursor start{epoch, with_start ? std::strtoull(arguments[7], nullptr, 10) : 0, 0};
  const TrainingData corpus(data, "train");
  const int world = std::atoi(arguments[5]);
  for (int rank = 0; rank < world; ++rank) {
    const auto stream = corpus.stream(options, {rank, world, rank, world}, start);
    const auto steps = (stream->samples_in_epoch(epoch) - start.next) /
                       static_cast<std::uint64_t>(options.global_batch);
    for (std::uint64_t step = 0; step < steps; ++step) {
      for (const auto& batch : stream->next().micro_batches) print(batch, rank, step);
    }
  }
}

void print_lookups(const char* path, std::size_t most_bytes) {
  const ForeignShard shard(path, most_bytes);
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t row = 0; row < shard.rows(); row += 5) {
      shard.read(row, std::min(row + 5, shard.rows()), nullptr);
    }
    std::cout << shard.times_looked_up() << "\n";
  }
}

void print_faults(char** arguments) {
  DataConfig data;
  data.corpus = arguments[2];
  data.vocabulary = arguments[3];
  data.sequence_length = std::atoi(arguments[4]);
  data.verify = VerifyLevel::off;
  BatchOptions options;
  options.global_batch = std::atoi(arguments[6]);
  options.prefetch = 0;
  const TrainingData corpus(data, "train");
  const int world = std::atoi(arguments[5]);
  for (int rank = 0; rank < world; ++rank) {
    try {
      const auto stream = corpus.stream(options, {rank, world, rank, world}, {});
      while (stream->next().after.epoch == 0) {
      }
      std::cout << "none\n";
    } catch (const std::exception& error) {
      std::cout << error.what() << "\n";
    }
  }
}

}  // namespace
}  // namespace bertha

int main(int count, char** arguments) {
  try {
    if (count == 3 && std::string_view(arguments[1]) == "rows_at_once") {
      std::cout << bertha::ForeignShard(arguments[2]).rows_at_once() << "\n";
      return 0;
    }
    if (count == 4 && std::string_view(arguments[1]) == "lookups") {
      bertha::print_lookups(arguments[2], std::strtoull(arguments[3], nullptr, 10));
      return 0;
    }
    if (count == 7 && std::string_view(arguments[1]) == "faults") {
      bertha::print_faults(arguments);
      return 0;
    }
    if (count < 7) return 64;
    bertha::run(arguments, count > 7);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
