#!/usr/bin/env bash
# Two jobs on one run folder: the second is refused by name and touches nothing; a job that is killed holds nothing.
. "$(dirname "$0")/../support/system.sh"
need_corpus
out=$scratch/run
pretrain=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.save_every 5 --train.keep_last 0 --train.output "$out")
saved() { grep -c '"event":"save"' "$out/metrics.jsonl" 2>/dev/null || echo 0; }
begin() { # starts the run and waits until it has saved once more
  local before; before=$(saved | tail -1)
  "${pretrain[@]}" >"$scratch/log" 2>&1 &
  job=$!
  for _ in $(seq 300); do [ "$(saved | tail -1)" -gt "$before" ] && return; sleep 0.1; done
  fail "no save within 30 s: $(tail -3 "$scratch/log")"
}
begin
refused="another run holds $out: host $(uname -n), process $job, since 20.*another train.output"
expect 64 "$refused" "${pretrain[@]}" --train.seed 7
expect 64 "$refused" ranks 2 "${pretrain[@]}"
printf 'text\tlabel\ngood one\tyes\nbad one\tno\nfine one\tyes\npoor one\tno\n' >"$scratch/rows.tsv"
expect 64 "$refused" "$bertha" finetune --train.init "$out" --task.train "$scratch/rows.tsv" --task.validation "$scratch/rows.tsv" \
  --train.output "$out"
grep -q '^seed *= *7' "$out/resolved.ini" && fail "the refused run wrote its options"
kill -0 $job 2>/dev/null || fail "the first run is gone: $(tail -3 "$scratch/log")"
kill -KILL $job; wait $job 2>/dev/null
begin
grep -q 'resumed from .*step-' "$scratch/log" || fail "did not go on after the kill: $(tail -3 "$scratch/log")"
kill -TERM $job; wait $job; code=$?
[ $code = 75 ] || fail "the last run ended with $code: $(tail -3 "$scratch/log")"
finish
