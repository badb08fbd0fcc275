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
finish
