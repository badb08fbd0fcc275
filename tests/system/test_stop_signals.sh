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
expect 75 "resumed from .*step-" ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 \
  --train.output "$scratch/TERM" --train.stop_after_steps 3
finish
