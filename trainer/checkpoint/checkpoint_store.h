// Checkpoint folders of a run: complete or not there. Written by all ranks into a staging folder,
// agreed, manifest last, renamed by rank 0.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "parallel/bucket_plan.h"
#include "parallel/communicator.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/checkpoint/trainer_state.h"

namespace bertha {

// A slice of a parameter's moment: elements [begin, end) of the parameter, flattened.
struct MomentSlice {
  std::string parameter, moment;  // "bert.pooler.dense.weight", "exp_avg"
  std::int64_t begin = 0, end = 0;
  at::Tensor values;  // float32 [end - begin]
};

struct CheckpointContents {
  TrainerState state;
  std::vector<NamedTensor> weights;          // fp32; only rank 0's are written
  std::vector<MomentSlice> moments;          // what this rank owns
  std::map<std::string, std::string> files;  // config.json, vocab.txt ...: name to bytes
};

struct RetentionOptions {
  int keep_last = 3;            // 0: all
  std::int64_t keep_every = 0;  // steps; those are never deleted; 0: none
};

class CheckpointStore {
 public:
  // `folder` is <run>/checkpoints.
  CheckpointStore(std::filesystem::path folder, Communicator& communicator,
                  RetentionOptions retention);

  // Collective. On failure anywhere the staging folder is removed and the same error thrown on all
  // ranks; older checkpoints stay. Afterwards old ones are deleted as the retention says.
  std::filesystem::path save(const CheckpointContents& contents);

 private:
  void delete_old(std::int64_t just_written) const;

  std::filesystem::path folder_;
  Communicator& communicator_;
  RetentionOptions retention_;
};

// Newest folder under `checkpoints` whose manifest checks out (files there, sizes right); warns
// about folders passed over. Empty when there is none.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& checkpoints);

// Error{bad_data} or Error{io} naming the file: no manifest, missing file, wrong size, and with
// `full` a wrong checksum. A manifest lists the names, sizes and checksums of all other files.
void check_checkpoint(const std::filesystem::path& checkpoint, bool full);
std::vector<std::string> checkpoint_faults(const std::filesystem::path& checkpoint);  // all of them

TrainerState read_trainer_state(const std::filesystem::path& checkpoint);
// Fills `destination` slices (any partition of the parameters, any rank count) from all
// optimizer-*.safetensors. Error{bad_data} names what is missing.
void read_moments(const std::filesystem::path& checkpoint, std::vector<MomentSlice>& destination);

}  // namespace bertha
