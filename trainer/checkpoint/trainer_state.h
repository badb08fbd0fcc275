// Everything besides weights and moments that a run needs to go on exactly; trainer_state.json.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bertha {

inline constexpr int kTrainerStateVersion = 1;

// The steps since the last `train` line, whose means the next one tells.
struct LineSums {
  std::int64_t steps = 0;
  std::vector<std::pair<std::string, double>> scores;  // sums over the steps
  bool operator==(const LineSums&) const = default;
};

struct TrainerState {
  std::int64_t step = 0;             // updates made (skipped ones not counted)
  std::int64_t earlier_updates = 0;  // of the run the moments came from, if they did
  std::uint32_t epoch = 0;           // of the next sample
  std::uint64_t next_sample = 0;     // place in that epoch's order
  std::uint64_t samples = 0;         // trained so far
  std::uint64_t tokens = 0;          // real tokens trained so far
  std::uint64_t seed = 0;
  double loss_scale = 1.0;
  std::int64_t loss_scale_good_steps = 0, skipped_in_a_row = 0, skipped_steps = 0;
  LineSums line_sums;                     // none in states of older programs
  std::optional<double> validation_loss;  // of these very weights, when they were validated
  bool validation_owed = false;           // it was due at this step, and left out for a stop
  std::string began_from;  // the path of train.resume that this branch of the run came from, if any
  std::string corpus_digest;
  int world_size = 1;                          // that wrote it; any may read it
  std::map<std::string, std::string> options;  // resolved options, to name what changed on resume
  bool operator==(const TrainerState&) const = default;
};

std::string trainer_state_to_json(const TrainerState& state);
// Error{bad_data} names file and field; a newer version is refused.
TrainerState trainer_state_from_json(const std::string& json, const std::string& name_for_errors);

}  // namespace bertha
