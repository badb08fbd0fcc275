#!/usr/bin/env bash
# Kills `mpirun bertha prepare` at random moments: a rank, mpirun, all of it, or a polite SIGTERM. What was
# finished is not done again, and in the end the corpus is that of a run that nobody disturbed, on another
# number of ranks and threads. No test of its own: test_prepare_kills.sh does it on a small scale.
#   BERTHA_BINARY=... BERTHA_BUILD=... BERTHA_SOURCE=. tests/system/prepare_kills.sh [DOCUMENTS] [KILLS] [SEED]
. "$(dirname "$0")/../support/system.sh"
"$python" "$(dirname "$0")/../support/kill_prepares.py" --bertha "$bertha" --folder "$scratch" \
  --documents "${1:-100000}" --kills "${2:-10}" --seed "${3:-1}" || fail "kills"
finish
