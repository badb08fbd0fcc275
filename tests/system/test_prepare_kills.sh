#!/usr/bin/env bash
# Ten kills of `prepare` on some thousand documents; prepare_kills.sh does 100,000 (tests/bench/results).
exec bash "$(dirname "$0")/prepare_kills.sh" 6000 10 "${BERTHA_KILL_SEED:-1}"
