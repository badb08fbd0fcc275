#!/usr/bin/env bash
# SIGTERM, SIGUSR1 and SIGINT: all ranks finish the step, save and exit 75; the same command goes on.
. "$(dirname "$0")/../support/system.sh"
need_corpus
for signal in TERM USR1 INT; do
  out=$scratch/$signal
  command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.output "$out")
  # A job in the background ignores SIGINT unless told otherwise.
  (trap - INT; exec mpirun --oversubscribe --bind-to none -n 2 "${command[@]}") >"$scratch/log" 2>&1 &
  job=$!
  for _ in $(seq 300); do grep -qs '"train"' "$out/metrics.jsonl" && break; sleep 0.2; done
  grep -qs '"train"' "$out/metrics.jsonl" || fail "$signal: no step within a minute: $(tail -2 "$scratch/log")"
  # To one rank only: the ranks must agree.
  pid=$(pgrep -f "train.output $out" | while read -r p; do [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done | tail -1)
  kill -s $signal "$pid"
  wait $job; code=$?
  [ $code = 75 ] || fail "$signal: exit code $code, not 75: $(tail -3 "$scratch/log")"
  grep -q '"stop"' "$out/metrics.jsonl" || fail "$signal: no stop event"
  step=$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1)
  [ -e "$out/checkpoints/$(printf 'step-%08d' "$step")/manifest.json" ] || fail "$signal: no checkpoint of step $step"
  [ -z "$(find "$out" -name '*.staging*')" ] || fail "$signal: staging left behind"
done
# While a checkpoint is written (one is, nearly always), and a second signal while the last one is.
out=$scratch/saving
(exec mpirun --oversubscribe --bind-to none -n 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 \
  --train.save_every 1 --train.output "$out") >"$scratch/log" 2>&1 &
job=$!
for _ in $(seq 300); do [ "$(grep -sc '"save"' "$out/metrics.jsonl")" -gt 3 ] 2>/dev/null && break; sleep 0.1; done
# To the ranks themselves: mpirun answers a second signal by killing them.
pids=$(pgrep -f "train.output $out" | while read -r p; do [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done)
kill -s TERM $pids; sleep 0.05; kill -s TERM $pids 2>/dev/null
wait $job; code=$?
[ $code = 75 ] || fail "two signals inside a save: exit code $code: $(tail -3 "$scratch/log")"
step=$(losses "$out/metrics.jsonl" | tail -1 | cut -d' ' -f1)
"$bertha" verify "$out" >"$scratch/log" 2>&1 || fail "after a signal inside a save: $(tail -1 "$scratch/log")"
[ -e "$out/checkpoints/$(printf 'step-%08d' "$step")/manifest.json" ] || fail "signal inside a save: step $step is not saved"
[ -z "$(find "$out" -name '*.staging*')" ] || fail "signal inside a save: staging left behind"
# A time limit of its own, and Slurm's.
expect 75 'stopped and saved' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1000000 --train.output "$scratch/limit" --train.max_seconds 3
grep -q '"reason":"time limit"' "$scratch/limit/metrics.jsonl" || fail "no word of the time limit"
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) expect 75 'resumed from' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" \
  --train.steps 1000000 --train.output "$scratch/limit"
expect 75 "resumed from .*step-" ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 \
  --train.output "$scratch/TERM" --train.stop_after_steps 3
finish
