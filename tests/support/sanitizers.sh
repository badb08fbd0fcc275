#!/usr/bin/env bash
# Builds and runs tests under the sanitizers: ranks as threads (collectives, saves, whole training steps) and the whole
# data pipeline under both; the NCCL communicator with its threads, over the stand-ins for NCCL and CUDA, under the thread
# sanitizer; other real ranks (Open MPI itself is not instrumented, so under the thread sanitizer they show nothing), the
# CPU kernels with the host twins of the GPU's (nor is OpenMP's library, so their threads would be races) and damaged
# files under the address and undefined behaviour sanitizers.
#   tests/support/sanitizers.sh [tsan] [asan]
# BERTHA_DAMAGED_FILES: how many damaged files (1,000; fuzz/run_damage.py alone does more).
set -euo pipefail
cd "$(dirname "$0")/../.."
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(tsan asan)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
python=${BERTHA_DEPS:-$HOME/.cache/bertha}/python/bin/python
data=(unit_data_text unit_data_tokenizer unit_data_shards unit_data_samples unit_bertha_data)
for preset in "${presets[@]}"; do
  targets=(unit_bertha_base unit_bertha_parallel unit_bertha_trainer unit_trainer_checkpoint "${data[@]}")
  [ "$preset" = tsan ] ||
    targets+=(unit_trainer_kernels unit_trainer_model agreement_ranks collectives_ranks parts_ranks reducer_ranks tree_reducer_ranks
      checkpoint_ranks sharded_update_ranks damaged_files)
  cmake --preset "$preset" >/dev/null
  nice cmake --build "build/$preset" --target "${targets[@]}"
  # Damage to every byte of a checkpoint is no matter of threads, and slow.
  for run in unit_trainer_checkpoint:'Background*:CheckpointStore*' unit_bertha_trainer:'TrainStep*:NotFinite*:StepAgreement*:WeightGather*'; do
    TSAN_OPTIONS=suppressions=$PWD/tests/support/tsan.suppressions OMP_NUM_THREADS=1 \
      "build/$preset/tests/${run%%:*}" --gtest_filter="${run#*:}"
  done
  more=$([ "$preset" = tsan ] ||
    echo '|unit\.trainer_(kernels|model)$|ranks\.(agreement|collectives|parts|reducer|tree_reducer|checkpoint|sharded_update)')
  ctest --test-dir "build/$preset" --output-on-failure \
    -R "unit\.(bertha_(base|parallel|data)|data_(text|tokenizer|shards|samples))\$$more"
  if [ "$preset" = asan ]; then
    BERTHA_BUILD=$PWD/build/$preset "$python" tests/fuzz/run_damage.py "${BERTHA_DAMAGED_FILES:-1000}"
  else  # a build with NCCL, which the preset leaves out
    cmake --preset tsan -B build/tsan-nccl -DBERTHA_CUDA=ON >/dev/null
    nice cmake --build build/tsan-nccl --target nccl_ranks nccl_parts_ranks
    ctest --test-dir build/tsan-nccl --output-on-failure -R 'ranks\.nccl_(parts_)?ranks\.[12]$'
  fi
done
