#!/usr/bin/env bash
# Bad input: the right exit code, one clear line, nothing left under a final name.
. "$(dirname "$0")/../support/system.sh"
need_corpus
cd "$scratch" || exit 1
pretrain=("$bertha" pretrain "${tiny[@]}" --train.steps 2)
absent() { for path in "$@"; do [ ! -e "$path" ] || fail "$path was left behind"; done; }

# Options.
expect 64 'unknown option train.stepz .*nearest known one is train.steps' "$bertha" pretrain --train.stepz 5
expect 64 'unknown command pretrian .*pretrain' "$bertha" pretrian
expect 64 "train.steps = 'many' .*expected a" "$bertha" pretrain --train.steps many
expect 64 'data.corpus is missing' "$bertha" pretrain --train.output run
printf '[train]\nsteps = 5\nlerning_rate = 1\n' >bad.ini
expect 64 'train.lerning_rate \(bad.ini:3\)' "$bertha" pretrain --config bad.ini
expect 74 'no-such.ini' "$bertha" pretrain --config no-such.ini
expect 64 'cuda' "$bertha" pretrain --data.corpus "$corpus" --train.output run --train.steps 1 --train.device cuda
expect 64 'backend is nccl, but (this build of bertha has no NCCL|training runs on the CPU).*; .*--parallel.backend mpi' ranks 2 "${pretrain[@]}" \
  --data.corpus "$corpus" --train.output run --train.device cpu --parallel.backend nccl
absent run/checkpoints
expect 0 'optimizer.learning_rate' "$bertha" pretrain --help
# A launcher that this MPI does not know, whose ranks would each run alone; and one that says otherwise than MPI.
expect 64 'announced 4 ranks \(PMI_SIZE\), but MPI found 1: every process would run alone' env PMI_SIZE=4 "$bertha" verify "$corpus"
expect 64 'announced 4 ranks \(OMPI_COMM_WORLD_SIZE\), but MPI found 2' ranks 2 env OMPI_COMM_WORLD_SIZE=4 "$bertha" verify "$corpus"
expect 64 'announced rank 3 \(PMIX_RANK\), but MPI found rank 0 of 1: every process would run alone' env PMIX_NAMESPACE=slurm.pmix.7.0 PMIX_RANK=3 "$bertha" verify "$corpus"
expect 0 'LibTorch 2' "$bertha" --version

# Text.
expect 74 'no-such-file.txt' "$bertha" vocab --input.paths no-such-file.txt --vocab.output v.txt
: >empty.txt
expect 65 'empty.txt|no (words|text|documents)' "$bertha" vocab --input.paths empty.txt --vocab.output v.txt
expect 65 'document' ranks 2 "$bertha" prepare --input.paths empty.txt --tokenizer.vocab "$vocab" --prepare.output c1
printf 'one\ntwo\n' >not-a-vocab.txt
expect 65 'PAD' "$bertha" prepare --input.paths "$vocab" --tokenizer.vocab not-a-vocab.txt --prepare.output c1
head -c 60000 "$samples/wikipedia/enwiki.xml.bz2" >short.xml.bz2
expect 65 'short.xml.bz2' ranks 2 "$bertha" prepare --input.paths short.xml.bz2 --tokenizer.vocab "$vocab" --prepare.output c1
absent v.txt c1 c1.staging

# Corpora.
printf 'This is a text. It has a few sentences. They are short.\n\nAnother paragraph is here. It ends.\n' >one.txt
"$bertha" prepare --input.paths one.txt --tokenizer.vocab "$vocab" --prepare.output one >/dev/null 2>&1 || fail "prepare one document"
expect 0 'warning: corpus one has one document to train on' "${pretrain[@]}" --data.corpus one --train.output run1
expect 0 'done' "${pretrain[@]}" --data.corpus one --train.output run1b --data.next_sentence false
expect 74 'no-corpus' "${pretrain[@]}" --data.corpus no-corpus --train.output run2
cp -r "$corpus" wrong-vocab; sed -i '$d' wrong-vocab/vocab.txt
expect 65 'vocab' "${pretrain[@]}" --data.corpus wrong-vocab --train.output run3
cp -r "$corpus" truncated; shard=$(ls truncated/train-*.h5 | head -1); truncate -s -1000 "$shard"
expect 65 "$(basename "$shard")" "${pretrain[@]}" --data.corpus truncated --train.output run4
expect 65 "$(basename "$shard")" "$bertha" verify truncated
cp -r "$corpus" flipped; shard=$(ls flipped/train-*.h5 | head -1)
"$python" - "$shard" <<'P'
import h5py, sys
with h5py.File(sys.argv[1], "r+") as f: f["tokens"][5] = f["tokens"][5] ^ 1
P
expect 65 "$(basename "$shard").*(checksum|fault)" "$bertha" verify flipped
expect 65 "checksum" "${pretrain[@]}" --data.corpus flipped --data.verify full --train.output run5
cp -r "$corpus" newer; shard=$(ls newer/train-*.h5 | head -1)
"$python" - "$shard" <<'P'
import h5py, sys
with h5py.File(sys.argv[1], "r+") as f: f.attrs["version"] = 99
P
expect 65 'version.*99|99.*version' "${pretrain[@]}" --data.corpus newer --train.output run6
expect 0 'no faults' "$bertha" verify "$corpus"
# Another vocabulary or other settings than the corpus was made with; the same vocabulary may lie anywhere.
cp "$vocab" same.txt; { cat "$vocab"; echo no-such-token; } >other.txt
sum() { sha256sum "$1" | head -c 12; }
expect 64 "tokenizer.vocab = other.txt \(4001 tokens, sha256 $(sum other.txt)\) is not the vocabulary that .*corpus was made with \(4000 tokens, sha256 $(sum same.txt)\).*leave \[tokenizer\] out" \
  ranks 2 "${pretrain[@]}" --data.corpus "$corpus" --train.output run2 --tokenizer.vocab other.txt
expect 74 'no-such.txt' "${pretrain[@]}" --data.corpus "$corpus" --train.output run2 --tokenizer.vocab no-such.txt
for name in lower_case strip_accents chinese_characters; do
  expect 64 "tokenizer.$name = false was given, but .*corpus was made with tokenizer.$name = true.*leave" \
    "${pretrain[@]}" --data.corpus "$corpus" --train.output run2 --tokenizer.$name false
done
expect 64 'tokenizer.lower_case = false was given' "$bertha" inspect "$corpus" --samples 1 --tokenizer.lower_case false
expect 0 'done' "${pretrain[@]}" --data.corpus "$corpus" --train.output run1c --tokenizer.vocab same.txt --tokenizer.lower_case true
rm same.txt
expect 0 'all 2 steps are done' "$bertha" pretrain --config run1c/resolved.ini
for run in run2 run3 run4 run5 run6; do absent $run/checkpoints; done

# Checkpoints.
"${pretrain[@]}" --data.corpus "$corpus" --train.output run >/dev/null 2>&1 || fail "two steps"
cp -r run/checkpoints/step-00000002 step-no-manifest; rm step-no-manifest/manifest.json
expect 65 'manifest' "${pretrain[@]}" --data.corpus "$corpus" --train.output run7 --train.resume step-no-manifest
cp -r run damaged; truncate -s -100 damaged/checkpoints/step-00000002/model.safetensors
expect 65 'model.safetensors' "$bertha" verify damaged
expect 74 'nowhere' "${pretrain[@]}" --data.corpus "$corpus" --train.output run8 --train.init nowhere

expect 64 'tokenizer.vocab = other.txt' "$bertha" evaluate --train.init run --data.corpus "$corpus" --tokenizer.vocab other.txt

# Labelled data.
printf 'text\tlabel\ngood one\tyes\nbad one\tno\n' >labelled.tsv
expect 65 'colour' "$bertha" finetune --train.init run --task.train labelled.tsv --task.label_column colour --train.output tuned
printf 'text\tlabel\ngood one\tyes\nbad one\n' >short.tsv
expect 65 'short.tsv:3' "$bertha" finetune --train.init run --task.train short.tsv --train.output tuned
absent tuned/model tuned/scores.json
finish
