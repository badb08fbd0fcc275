#!/usr/bin/env bash
# One kill of each kind on some thousand documents; prepare_kills.sh does ten on 100,000 (tests/bench/results).
exec bash "$(dirname "$0")/prepare_kills.sh" 6000 5 "${BERTHA_KILL_SEED:-1}"
