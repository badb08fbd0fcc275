#!/usr/bin/env bash
# Input on a read-only file system, all of it locked by another process: `verify`, `inspect`, `pretrain` and
# `prepare` take it as it is, write nowhere near it, and heed no lock of HDF5's.
. "$(dirname "$0")/../support/system.sh"
need_corpus
still=$scratch/still
mkdir "$still"
mount -t tmpfs -o size=64m none "$still" 2>/dev/null || skip "a tmpfs cannot be mounted here"
locks=()
trap 'kill "${locks[@]}" 2>/dev/null; wait; umount "$still"; rm -rf "$scratch"' EXIT
cp -r "$corpus" "$still/corpus" && cp "$vocab" "$still/vocab.txt"
mkdir "$still/text" && cp "$samples/wikipedia/enwiki.xml.bz2" "$still/text/"
foreign=$("$python" - "$BERTHA_SOURCE/tests/parity" "$still" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
try:
    import foreign_writer as writer
except ImportError:
    sys.exit(print("no"))
rows = writer.sequences(80, 1, 64, 400, 10)
writer.write_folder(sys.argv[2] + "/padded", lambda path, part: writer.write_padded(path, part, 64, 10, compression="gzip"), [rows[:40], rows[40:]])
writer.write_vocabulary(sys.argv[2] + "/padded/vocab.txt", 400)
print("yes")
PY
)
mount -o remount,ro "$still" || skip "a tmpfs cannot be made read-only here"
touch "$still/x" 2>/dev/null && skip "a read-only tmpfs is written to here"
before=$(find "$still" -printf '%p %s %T@\n' | sort)
for shard in "$still"/corpus/*.h5 "$still"/padded/*.hdf5; do
  [ -e "$shard" ] || continue
  flock -x -F "$shard" sleep 1000 &  # ends with this script
  locks+=($!)
done
first=("$still"/corpus/train-00000-*.h5)
for _ in $(seq 100); do flock -ns "${first[0]}" true || break; sleep 0.05; done
flock -ns "${first[0]}" true && fail "the shards are not locked"
# That is a lock which HDF5 would heed, were it asked to.
HDF5_USE_FILE_LOCKING=TRUE "$bertha" inspect "${first[0]}" >/dev/null 2>&1 && echo "this HDF5 heeds no locks anyhow"

expect 0 'no faults' "$bertha" verify "$still/corpus"
expect 0 'no faults' "$bertha" verify "${first[0]}"
expect 0 '"kind": "corpus"' "$bertha" inspect "$still/corpus" --json --samples 2
expect 0 'kind +shard' "$bertha" inspect "${first[0]}"
expect 0 'done: 2 steps' ranks 2 "$bertha" pretrain --data.corpus "$still/corpus" "${tiny[@]}" --train.steps 2 --train.output "$scratch/run"
expect 0 'no faults' "$bertha" verify "$scratch/run"
if [ "$foreign" = yes ]; then
  expect 0 'no faults' "$bertha" verify "$still/padded"
  expect 0 'foreign corpus' "$bertha" inspect "$still/padded" --samples 2 --data.sequence_length 64
  expect 0 'done: 2 steps' ranks 2 "$bertha" pretrain --data.corpus "$still/padded" "${tiny[@]}" --train.steps 2 --train.output "$scratch/foreign-run"
  expect 0 'corpus in' ranks 2 "$bertha" prepare --input.paths "$still/padded" --input.format nvidia --tokenizer.vocab "$still/padded/vocab.txt" --prepare.output "$scratch/converted"
  expect 0 'no faults' "$bertha" verify "$scratch/converted"
else
  echo "no h5py: foreign shards are not tried"
fi
expect 0 'vocab' "$bertha" vocab --input.paths "$still/text" --vocab.size 2000 --vocab.output "$scratch/vocab.txt"
expect 0 'corpus in' ranks 2 "$bertha" prepare --input.paths "$still/text" --tokenizer.vocab "$still/vocab.txt" --prepare.output "$scratch/corpus"
expect 0 'no faults' "$bertha" verify "$scratch/corpus"
# Output there is an error in words, and at once.
expect 74 'Read-only file system' "$bertha" prepare --input.paths "$still/text" --tokenizer.vocab "$still/vocab.txt" --prepare.output "$still/new"
expect 74 'Read-only file system' "$bertha" pretrain --data.corpus "$still/corpus" "${tiny[@]}" --train.steps 2 --train.output "$still/run"
expect 74 'Read-only file system' "$bertha" vocab --input.paths "$still/text" --vocab.size 2000 --vocab.output "$still/new.txt"
[ "$(find "$still" -printf '%p %s %T@\n' | sort)" = "$before" ] || fail "something was written"
finish
