#!/usr/bin/env bash
# Eight kills at random moments: nothing half-written, nothing lost but what was not yet saved, and the
# end as if nothing had happened. kill_runs.sh does 200 (results in tests/bench/results).
exec bash "$(dirname "$0")/kill_runs.sh" 8 2 "${BERTHA_KILL_SEED:-1}"
