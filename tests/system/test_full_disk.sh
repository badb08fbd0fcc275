#!/usr/bin/env bash
# A full disk (a small tmpfs): exit code 74, one line that says so, nothing half-written.
. "$(dirname "$0")/../support/system.sh"
need_corpus
small=$scratch/small
mkdir "$small"
mount -t tmpfs -o size=1m none "$small" 2>/dev/null || skip "a tmpfs cannot be mounted here"
trap 'umount "$small"; rm -rf "$scratch"' EXIT
dump=$samples/wikipedia/enwiki.xml.bz2
expect 74 'No space left' ranks 2 "$bertha" prepare --input.paths "$dump" --tokenizer.vocab "$vocab" --prepare.output "$small/corpus"
[ -z "$(ls -A "$small")" ] || fail "prepare left $(ls -A "$small")"
expect 74 'No space left' ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --model.hidden_size 128 \
  --train.steps 3 --train.output "$small/run"
[ -z "$(ls -A "$small/run/checkpoints" 2>/dev/null)" ] || fail "pretrain left $(ls -A "$small/run/checkpoints")"
# A good checkpoint stays when the next one does not fit.
rm -rf "$small/run"
mount -o remount,size=4m "$small"
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 3 --train.output "$small/run" >/dev/null 2>&1 || fail "three steps"
head -c 20m /dev/zero >"$small/filler" 2>/dev/null
expect 74 'No space left' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 6 --train.output "$small/run"
rm "$small/filler"
expect 0 'resumed from .*step-00000003' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 4 --train.output "$small/run"
# A save that fails in the middle costs a warning, not the run: only the checkpoints' disk is full, for a while.
umount "$small"; mkdir -p "$scratch/run/checkpoints"
mount -t tmpfs -o size=200k none "$scratch/run/checkpoints" || fail "second tmpfs"
trap 'umount "$scratch/run/checkpoints"; rm -rf "$scratch"' EXIT
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1000000 --train.save_every 5 --train.output "$scratch/run" >"$scratch/log" 2>&1 &
job=$!
events() { grep -c "\"event\":\"$1\"" "$scratch/run/metrics.jsonl" 2>/dev/null; }
await() { for _ in $(seq 300); do [ "$(events "$1")" -gt 1 ] 2>/dev/null && return; sleep 0.1; done; fail "no $1 event: $(tail -3 "$scratch/log")"; }
await warning
grep -q 'is not saved: No space left for .*: it takes [0-9]* bytes .* are free' "$scratch/log" || fail "no warning: $(tail -3 "$scratch/log")"
mount -o remount,size=32m "$scratch/run/checkpoints"
await save
kill -TERM $job; wait $job; code=$?
[ $code = 75 ] || fail "after failed saves: exit code $code: $(tail -3 "$scratch/log")"
"$bertha" verify "$scratch/run" >"$scratch/log" 2>&1 || fail "after failed saves: $(tail -1 "$scratch/log")"
finish
