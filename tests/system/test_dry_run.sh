#!/usr/bin/env bash
# train.dry_run: the plan of pretrain, finetune and prepare; every fault that the run would end with;
# no file made or changed.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
awk 'BEGIN { for (d = 0; d < 80; ++d) { for (s = 0; s < 8; ++s) print "the word " d " and the word " (d * s) % 17 " stand here."; print "" } }' >text.txt
"$bertha" vocab --input.paths text.txt --vocab.size 200 --vocab.output vocab.txt >log 2>&1 || { cat log; exit 1; }
state() { find . -type f ! -name out -printf '%p %s %T@\n' | sort | md5sum; }
dry() {  # CODE PATTERN command...
  local before; before=$(state)
  expect "$@" --train.dry_run true
  [ "$before" = "$(state)" ] || fail "a dry run changed files: ${*:3}"
}
prepare=("$bertha" prepare --input.paths text.txt --tokenizer.vocab vocab.txt --prepare.validation_fraction 0.1)
dry 0 '1 file of format (text|sentences)' "${prepare[@]}" --prepare.output corpus
dry 74 'no-such.txt' "$bertha" prepare --input.paths no-such.txt --tokenizer.vocab vocab.txt --prepare.output corpus
dry 65 'vocab|text.txt' "$bertha" prepare --input.paths text.txt --tokenizer.vocab text.txt --prepare.output corpus
dry 74 'text.txt' "${prepare[@]}" --prepare.output text.txt/corpus
[ -e corpus ] && fail "a dry run made a corpus"
"${prepare[@]}" --input.format sentences --prepare.output corpus >log 2>&1 || { cat log; exit 1; }

pretrain=("$bertha" pretrain --data.corpus corpus "${tiny[@]}")
dry 0 'fresh weights' "${pretrain[@]}" --train.steps 4 --train.output run
dry 0 '^length +4 steps; an epoch is' "${pretrain[@]}" --train.steps 4 --train.output run
dry 0 '^memory +about [0-9.]+ [MG]B a rank' "${pretrain[@]}" --train.steps 4 --train.output run
dry 0 '2 ranks on cpu, 1 thread each' ranks 2 "${pretrain[@]}" --train.steps 4 --train.output run
dry 64 'train.output is missing' "${pretrain[@]}" --train.steps 4
dry 64 'exceeds the model' "${pretrain[@]}" --train.steps 4 --train.output run --model.max_positions 32
{ cat vocab.txt; echo no-such-token; } >other.txt
dry 64 'tokenizer.vocab = other.txt .* is not the vocabulary that corpus was made with' "${pretrain[@]}" --train.steps 4 --train.output run --tokenizer.vocab other.txt
dry 64 'tokenizer.lower_case = false was given' "${pretrain[@]}" --train.steps 4 --train.output run --tokenizer.lower_case false
dry 74 'no-corpus' "$bertha" pretrain --data.corpus no-corpus --train.steps 4 --train.output run
dry 74 'text.txt' "${pretrain[@]}" --train.steps 4 --train.output text.txt/run
[ -e run ] && fail "a dry run made a run folder"
"${pretrain[@]}" --train.steps 4 --train.output run --train.stop_after_steps 2 >log 2>&1
dry 0 'resumed from run/checkpoints/step-00000002' "${pretrain[@]}" --train.steps 4 --train.output run
dry 0 '4 steps in all, 2 done' "${pretrain[@]}" --train.steps 4 --train.output run
dry 64 'train.global_batch' "${pretrain[@]}" --train.steps 4 --train.output run --train.global_batch 32
dry 0 'weights from run' "${pretrain[@]}" --train.steps 4 --train.output other --train.init run
dry 65 'shape' "${pretrain[@]}" --train.steps 4 --train.output other --train.init run --model.intermediate_size 32
# What it says is what the run says at its start; the memory that the program itself takes varies by a MB or two.
about() { sed -E 's/about [0-9.]+ ([MG]B a rank)/about N \1/'; }
"${pretrain[@]}" --train.steps 4 --train.output run --train.dry_run true 2>/dev/null | about | sed -n 1,9p >dry.out
"${pretrain[@]}" --train.steps 4 --train.output run 2>&1 | sed -n 's/^bertha: //p' | about >real.out
while IFS= read -r line; do grep -qxF -- "$line" real.out || fail "the run does not say: $line"; done <dry.out
cp -r run damaged; for file in damaged/checkpoints/*/model.safetensors; do truncate -s 1000 "$file"; done
dry 65 'none that is complete' "${pretrain[@]}" --train.steps 8 --train.output damaged

{ printf 'text\tlabel\n'; for i in $(seq 20); do printf 'the word %s\ta\nhere stands\tb\n' "$i"; done; } >train.tsv
finetune=("$bertha" finetune --train.init run --task.train train.tsv)
dry 0 '2 labels: a, b' "${finetune[@]}" --train.output tuned --task.max_length 64
dry 64 'exceeds the model' "${finetune[@]}" --train.output tuned --task.max_length 4096
printf 'text\tlabel\nno label\n' >bad.tsv
dry 65 'bad.tsv' "$bertha" finetune --train.init run --task.train bad.tsv --train.output tuned --task.max_length 64
[ -e tuned ] && fail "a dry run made a run folder"
finish
