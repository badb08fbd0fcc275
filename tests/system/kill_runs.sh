#!/usr/bin/env bash
# Kills a training run again and again at random moments, most of them inside a save, and goes on each
# time; at last compares it with a run that nobody killed. No test of its own: test_kills.sh does a few.
#   BERTHA_BINARY=... BERTHA_BUILD=... BERTHA_SOURCE=. tests/system/kill_runs.sh [KILLS] [RANKS] [SEED]
. "$(dirname "$0")/../support/system.sh"
need_corpus
"$python" "$(dirname "$0")/../support/kill_runs.py" --bertha "$bertha" --corpus "$corpus" --folder "$scratch" \
  --kills "${1:-200}" --ranks "${2:-2}" --seed "${3:-1}" || fail "kill runs"
finish
