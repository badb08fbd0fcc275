#!/usr/bin/env bash
# Sets up, builds and runs the tests: launch/test.sh [unit|ranks|parity|system|gpu ...]; all tiers
# without arguments. Ends with ctest's summary. BERTHA_TEST_JOBS: how many at a time, else as many as
# there are cores.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/setup.sh --tests
launch/build.sh
deps=${BERTHA_DEPS:-$HOME/.cache/bertha}
for kind in wikipedia reviews minilm squad; do
  "$deps/python/bin/python" launch/fetch_samples.py $kind "$deps/downloads/$kind" ||
    echo "test: no $kind sample; the tests that need it are skipped" >&2
done
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=${OMPI_MCA_btl:-^uct,openib,ofi} HWLOC_HIDE_ERRORS=2
export BERTHA_SAMPLES=$deps/downloads
tiers=$(IFS='|'; echo "$*")
exec ctest --test-dir build/release --output-on-failure --no-tests=error \
  --parallel "${BERTHA_TEST_JOBS:-$(nproc)}" ${tiers:+-L "^($tiers)\$"}
