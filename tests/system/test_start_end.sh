#!/usr/bin/env bash
# Ranks that do not come when MPI starts or ends, before and after all watchdogs: the job ends within its limit, says so
# and leaves 76; a limit of 0 waits.
. "$(dirname "$0")/../support/system.sh"
need_corpus
run=(timeout 90 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 3 --train.save_every 3 --parallel.timeout_seconds 3)
hosts=(mpirun --oversubscribe --bind-to none)

# took SECONDS: the last command was over by then.
took() { [ $(($(date +%s) - began)) -le "$1" ] || fail "took $(($(date +%s) - began)) s, not $1"; }
began=$(date +%s)
expect 76 'bertha: error: rank 0: MPI has not brought all ranks together within 3 s .parallel.timeout_seconds.*; a rank has not begun' \
  "${hosts[@]}" -n 1 "${run[@]}" --train.output "$scratch/absent" : -n 1 sleep 100
took 30
[ ! -e "$scratch/absent" ] || fail "a run folder without a run"

# Rank 0 itself does not come: the next one says so. It is a process that stops before it is the program.
began=$(date +%s)
expect 76 'bertha: error: rank 1: MPI has not brought all ranks together' \
  "${hosts[@]}" -n 1 sh -c 'kill -STOP $$; exec true' : -n 1 "${run[@]}" --train.output "$scratch/absent"
took 30

# After the work: everything is saved, and the same command finds nothing more to do.
began=$(date +%s)
BERTHA_FAULT=1:end:0:stop expect 76 'bertha: error: rank 0: .*not all ranks have ended .*within 23 s.*what was saved is whole' \
  "${hosts[@]}" -n 2 "${run[@]}" --train.output "$scratch/run"
took 60
"$bertha" verify "$scratch/run" >/dev/null || fail "the run's checkpoint is damaged"
expect 0 'all 3 steps are done already' ranks 2 "${run[@]}" --train.output "$scratch/run"
pgrep -f "train.output $scratch" >/dev/null && fail "processes left"
finish
