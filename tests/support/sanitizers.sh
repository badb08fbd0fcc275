#!/usr/bin/env bash
# Builds and runs the tests of ranks under the sanitizers: threads as ranks under both, and real ranks under the
# address sanitizer (Open MPI itself is not instrumented, so real ranks under the thread sanitizer show nothing).
#   tests/support/sanitizers.sh [tsan] [asan]
set -euo pipefail
cd "$(dirname "$0")/../.."
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(tsan asan)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for preset in "${presets[@]}"; do
  targets=(unit_bertha_base unit_bertha_parallel unit_trainer_checkpoint)
  [ "$preset" = tsan ] || targets+=(agreement_ranks collectives_ranks reducer_ranks tree_reducer_ranks checkpoint_ranks)
  cmake --preset "$preset" >/dev/null
  nice cmake --build "build/$preset" --target "${targets[@]}"
  # Damage to every byte of a checkpoint is no matter of threads, and slow.
  TSAN_OPTIONS=suppressions=$PWD/tests/support/tsan.suppressions OMP_NUM_THREADS=1 \
    "build/$preset/tests/unit_trainer_checkpoint" --gtest_filter='Background*:CheckpointStore*'
  ctest --test-dir "build/$preset" --output-on-failure \
    -R "unit.bertha_(base|parallel)$([ "$preset" = tsan ] || echo '|ranks\.(agreement|collectives|reducer|tree_reducer|checkpoint)')"
done
