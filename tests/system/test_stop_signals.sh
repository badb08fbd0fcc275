#!/usr/bin/env bash
# SIGTERM, SIGUSR1 and SIGINT to one rank, whichever it is: all ranks finish the step, save and exit 75; the same
# command goes on.
. "$(dirname "$0")/../support/system.sh"
need_corpus
# Nobody was killed, whatever ends first.
orderly() { ! grep -a 'without a word' "$scratch/log" || fail "$1: a rank that stops in order is called gone"; }
# give_up WHAT: the run did not get to where it is stopped.
give_up() { fail "$1: $(tail -2 "$scratch/log")"; kill -s TERM $job 2>/dev/null; wait $job; }
for case in TERM:0 TERM:1 USR1:1 INT:0; do
  signal=${case%:*} rank=${case#*:}
  out=$scratch/$signal$rank
  command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.output "$out")
  # A job in the background ignores SIGINT unless told otherwise.
  (trap - INT; exec mpirun --oversubscribe --bind-to none -n 2 "${command[@]}") >"$scratch/log" 2>&1 &
  job=$!
  for _ in $(seq 300); do grep -qs '"train"' "$out/metrics.jsonl" && break; sleep 0.2; done
  grep -qs '"train"' "$out/metrics.jsonl" || { give_up "$case: no step within a minute"; continue; }
  # To one rank only: the ranks must agree.
  pid=$(rank_pids "$out" "$rank")
  [ "$(wc -w <<<"$pid")" = 1 ] || { give_up "$case: '$pid' is not one process"; continue; }
  kill -s $signal "$pid"
  wait $job; code=$?
  [ $code = 75 ] || fail "$case: exit code $code, not 75: $(tail -3 "$scratch/log")"
  orderly "$case"
  grep -q '"stop"' "$out/metrics.jsonl" || fail "$case: no stop event"
  step=$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1)
  [ -e "$out/checkpoints/$(printf 'step-%08d' "$step")/manifest.json" ] || fail "$case: no checkpoint of step $step"
  [ -z "$(find "$out" -name '*.staging*')" ] || fail "$case: staging left behind"
done
# To mpirun, which hands SIGTERM on, and kills who is not done soon: rank 1, whose saves are slow.
for slow in 0 1500; do
  out=$scratch/handed-on$slow
  command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.output "$out" --parallel.shard_optimizer true)
  (BERTHA_FAULT=1:save:0:slow$slow exec mpirun --oversubscribe --bind-to none -n 3 "${command[@]}") >"$scratch/log" 2>&1 &
  job=$!
  for _ in $(seq 300); do grep -qs '"train"' "$out/metrics.jsonl" && break; sleep 0.2; done
  grep -qs '"train"' "$out/metrics.jsonl" || { give_up "mpirun, $slow: no step within a minute"; continue; }
  kill -s TERM $job; wait $job
  [ $? != 0 ] || fail "mpirun, $slow: not stopped"
  [ -z "$(rank_pids "$out")" ] || fail "mpirun, $slow: ranks left behind"
  orderly "SIGTERM to mpirun, $slow"
done
# While a checkpoint is written, and a second signal while the last one is: each takes seconds, every file of rank 0 one.
out=$scratch/saving
command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.save_every 50 --train.output "$out")
# await_save NOT JOB: the folder of the save under way, another than NOT.
await_save() {
  for _ in $(seq 600); do
    for found in "$out"/checkpoints/step-*.staging; do
      [ ! -e "$found" ] || [ "$found" = "$1" ] || { echo "$found"; return; }
    done
    kill -0 "$2" 2>/dev/null || return
    sleep 0.05
  done
}
(BERTHA_FAULT=0:save:50:slow1000 exec mpirun --oversubscribe --bind-to none -n 2 "${command[@]}") >"$scratch/log" 2>&1 &
job=$!
saving=$(await_save none $job)
# To the ranks themselves: mpirun answers a second signal by killing them.
pids=$(rank_pids "$out")
[ "$(wc -w <<<"$pids")" = 2 ] || { give_up "inside a save: '$pids' are not two processes"; finish; }
kill -s TERM $pids
[ -e "$saving" ] || fail "the signal came when the save '$saving' was over"
! grep -q '"save"' "$out/metrics.jsonl" || fail "the signal came after a save"
last=$(await_save "$saving" $job)
kill -s TERM $pids 2>/dev/null
[ -e "$last" ] || fail "the second signal came when the last save '$last' was over"
wait $job; code=$?
[ $code = 75 ] || fail "two signals inside a save: exit code $code: $(tail -3 "$scratch/log")"
orderly "two signals inside a save"
step=$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1) checkpoints=$out/checkpoints
for path in "${saving%.staging}" "$checkpoints/$(printf 'step-%08d' "$step")"; do
  [ -e "$path/manifest.json" ] || fail "signal inside a save: no $path"
  expect 0 '' "$bertha" verify "$path"
done
[ "${last%.staging}" = "$checkpoints/$(printf 'step-%08d' "$step")" ] || fail "signal inside a save: '$last' is not that of step $step"
expect 0 '' "$bertha" verify "$out"
[ -z "$(find "$out" -name '*.staging*')" ] || fail "signal inside a save: staging left behind"
expect 75 "resumed from .*$(printf 'step-%08d' "$step")" ranks 2 "${command[@]}" --train.stop_after_steps 3
[ "$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1)" = $((step + 3)) ] || fail "signal inside a save: the run did not go on from step $step"
# launch/supervise.sh gives mpirun's ranks the time that their save takes, longer here than mpirun would wait before it
# kills: after a signal to the script, and after Ctrl-C, which a terminal sends to all that runs in the foreground.
for case in TERM:one INT:one INT:group HUP:one; do
  signal=${case%:*} out=$scratch/${case/:/-}
  (trap - INT; BERTHA_FAULT=0:save:0:slow1000 exec setsid bash "$BERTHA_SOURCE/launch/supervise.sh" mpirun --oversubscribe --bind-to none -n 2 "$bertha" \
    pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.output "$out") >"$scratch/log" 2>&1 &
  job=$! target=$!
  [ "$case" != INT:group ] || target=-$job
  for _ in $(seq 300); do grep -qs '"train"' "$out/metrics.jsonl" && break; sleep 0.2; done
  grep -qs '"train"' "$out/metrics.jsonl" || { give_up "$case: no step within a minute"; continue; }
  started=$SECONDS; kill -s "$signal" -- $target; wait $job; code=$?
  [ $code = 75 ] || fail "$case: ended with $code, not 75: $(tail -3 "$scratch/log")"
  orderly "supervised $case"
  [ $((SECONDS - started)) -ge 3 ] || fail "$case: the save was not slow"
  step=$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1)
  "$bertha" verify "$out/checkpoints/$(printf 'step-%08d' "$step")" >"$scratch/log" 2>&1 || fail "$case: step $step is not saved: $(tail -1 "$scratch/log")"
  [ -z "$(find "$out" -name '*.staging*')" ] || fail "$case: staging left behind"
  [ -z "$(rank_pids "$out")" ] || fail "$case: ranks left behind"
done
# A time limit of its own, and Slurm's.
expect 75 'stopped and saved' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1000000 --train.output "$scratch/limit" --train.max_seconds 3
grep -q '"reason":"time limit"' "$scratch/limit/metrics.jsonl" || fail "no word of the time limit"
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) expect 75 'resumed from' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" \
  --train.steps 1000000 --train.output "$scratch/limit"
expect 75 "resumed from .*step-" ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 \
  --train.output "$scratch/TERM1" --train.stop_after_steps 3
finish
