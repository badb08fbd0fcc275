// Checkpoint folders of a run: complete or not there. Written by all ranks into a staging folder,
// agreed, manifest last, renamed by rank 0; on a thread of its own while training goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "parallel/base/error.h"
#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/checkpoint/file_writer.h"
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
  int keep_best = 0;            // so many with the lowest validation loss stay, too
};

// How a save ended; the same on every rank but for the seconds.
struct SaveOutcome {
  std::int64_t step = 0;
  std::filesystem::path path;
  double seconds = 0;            // from its beginning to its commit
  double stalled_seconds = 0;    // of these, how long training stood still for it
  std::optional<Error> failure;  // nothing new is there, older checkpoints stay
};

// All members but under_way() and starts_at() are collective, on the thread that owns the
// communicator. At most one save is under way.
class CheckpointStore {
 public:
  // `folder` is <run>/checkpoints.
  CheckpointStore(std::filesystem::path folder, Communicator& communicator,
                  RetentionOptions retention);
  ~CheckpointStore();  // what is under way is given up
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  // Where the run goes on, or 0. Folders of later steps that lie there now were passed over by the
  // search for it: nobody counts them among those to keep, nor removes them. Not collective.
  void starts_at(std::int64_t step);

  // Begins to write: a copy on the host, or without one, where nothing changes before finish().
  // What goes wrong here, too, is told by poll().
  void begin(const CheckpointContents& contents, bool copy = true);
  bool under_way() const;
  // At a step boundary: moves the save on as far as it goes without waiting; its outcome once.
  std::optional<SaveOutcome> poll();
  // Waits for the end. Bytes that any rank writes or reads back are progress for the watchdog, if
  // given; that the ranks ask each other is not.
  SaveOutcome finish(Watchdog* watchdog = nullptr);

  // Writes without a copy, waits, and throws the failure on all ranks.
  std::filesystem::path save(const CheckpointContents& contents, Watchdog* watchdog = nullptr);

 private:
  struct Save;
  void prepare(const CheckpointContents& contents);
  void copy_and_write(const CheckpointContents& contents, bool copy);
  void commit_in_background();
  SaveOutcome conclude(std::optional<Error> failure);

  std::filesystem::path folder_;
  Communicator& communicator_;
  RetentionOptions retention_;
  std::unique_ptr<class HostCopy> host_copy_;
  std::unique_ptr<Save> save_;  // the one under way
  bool cleaned_ = false;        // of what earlier runs left
  std::set<std::int64_t> passed_over_;
};

// How much of a checkpoint is compared with its manifest.
enum class CheckpointCheck {
  sizes,  // all files are there and as long as they were written
  model,  // and the checksums of all that is not of the optimizer
  all     // and of everything
};

// Newest folder under `checkpoints` that passes the check; warns about damaged ones, which are
// passed over. Empty when there is none. One that cannot be read (Error{io}), or that a newer
// program wrote (Error{bad_data}), ends the search: a run that went on from an older one would
// train its steps again and replace it. `piece_done`: see FileWriter, of bytes whose checksum is
// computed. `wanted` is asked about the newest that has its files in full, before they are read:
// if it is not wanted, nor is any older one.
std::optional<std::filesystem::path> newest_checkpoint(
    const std::filesystem::path& checkpoints, CheckpointCheck check = CheckpointCheck::all,
    const PieceDone& piece_done = {},
    const std::function<bool(const std::filesystem::path&)>& wanted = {});

// Error{bad_data} naming the file: no manifest or a damaged one, a name that says another step, a
// missing file, wrong size, wrong checksum. Error{io}: it cannot be read.
void check_checkpoint(const std::filesystem::path& checkpoint, CheckpointCheck check,
                      const PieceDone& piece_done = {});
std::vector<std::string> checkpoint_faults(const std::filesystem::path& checkpoint);  // all of them

TrainerState read_trainer_state(const std::filesystem::path& checkpoint);
// Fills `destination` slices (any partition of the parameters, any rank count) from all
// optimizer-*.safetensors. Error{bad_data} names what is missing.
void read_moments(const std::filesystem::path& checkpoint, std::vector<MomentSlice>& destination);

}  // namespace bertha
