#!/usr/bin/env bash
# 1, 2, 3 and 4 ranks train the same global batches: losses over 20 steps agree within 1e-5 relative
# (fp32, dropout 0), sharded optimizer included (on as many ranks the same bits as unsharded), and also where there are
# more ranks than sequences in a batch.
. "$(dirname "$0")/../support/system.sh"
need_corpus
run() {
  local n=$1 name=$2; shift 2
  ranks "$n" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 20 --train.output "$scratch/$name" \
    --model.hidden_dropout 0 --model.attention_dropout 0 --train.micro_batch_tokens 256 "$@" >"$scratch/log" 2>&1 ||
    fail "$n ranks: $(tail -2 "$scratch/log")"
}
for n in 1 2 3 4; do run $n r$n; done
run 3 sharded --parallel.shard_optimizer true
# No number of ranks is refused: those without a sequence of the batch take part in the sums, and the run says so.
run 1 few --train.global_batch 2
run 4 idle --train.global_batch 2 --parallel.shard_optimizer true
stopped() { # ranks, name, options: the first steps of such a run
  local n=$1 name=$2; shift 2
  ranks "$n" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 20 --train.output "$scratch/$name" \
    --model.hidden_dropout 0 --model.attention_dropout 0 --train.micro_batch_tokens 256 "$@" >"$scratch/log" 2>&1
  [ $? = 75 ] || fail "$n ranks to a stop: $(tail -2 "$scratch/log")"
}
grep -q '4 ranks on cpu, .*; 2 of them idle: a batch has 2 rows to share' "$scratch/log" || fail "no word of idle ranks: $(grep ranks "$scratch/log")"
# From one rank to more than a batch has sequences.
stopped 1 grown --train.global_batch 2 --train.stop_after_steps 10
run 4 grown --train.global_batch 2 --parallel.shard_optimizer true
grep -q 'resumed from .*step-00000010' "$scratch/log" && grep -q '; 2 of them idle' "$scratch/log" || fail "four ranks did not go on from one"
for pair in r1:r2 r1:r3 r1:r4 r1:sharded few:idle few:grown; do
  name=${pair#*:}
  paste <(losses "$scratch/${pair%:*}/metrics.jsonl") <(losses "$scratch/$name/metrics.jsonl") |
    awk -v name=$name '{d=($2-$5)/$2; if (d<0) d=-d; if (d>worst) worst=d; n++}
      END {print name ": largest relative difference of the loss", worst, "over", n, "steps"; exit worst>1e-5 || n!=20}' ||
    fail "$name differs from one rank"
done
[ "$(losses "$scratch/r3/metrics.jsonl")" = "$(losses "$scratch/sharded/metrics.jsonl")" ] ||
  fail "the sharded optimizer does not give the same numbers as the unsharded one"
# Sharded or not: the same bits of weights and moments, LAMB's norms included.
state() {
  local checkpoint; checkpoint=$(find "$scratch/$1/checkpoints" -maxdepth 1 -name 'step-????????' | sort | tail -1)
  sha256sum <"$checkpoint/model.safetensors" && "$python" "$BERTHA_SOURCE/tests/support/moments.py" "$checkpoint"
}
same_bits() {
  local state; state=$(state "$1") || fail "$1: no state"
  [ "$state" = "$(state "$2")" ] || fail "$1: other weights or moments than $2: $(diff <(echo "$state") <(state "$2") | head -3)"
}
lamb=(--optimizer.name lamb --optimizer.learning_rate 1e-2 --train.steps 4)
for n in 2 3 4; do
  sharded=sharded; [ $n = 3 ] || { sharded=sharded$n; run $n $sharded --parallel.shard_optimizer true; }
  run $n lamb$n "${lamb[@]}"
  run $n lamb-sharded$n "${lamb[@]}" --parallel.shard_optimizer true
  same_bits $sharded r$n
  same_bits lamb-sharded$n lamb$n
done
# LAMB's moments, saved in parts by four ranks, go on at three: as from four ranks that each held all of them.
for shard in false true; do
  stopped 4 lamb-$shard "${lamb[@]}" --parallel.shard_optimizer $shard --train.stop_after_steps 2
  run 3 lamb-$shard "${lamb[@]}" --parallel.shard_optimizer $shard
done
same_bits lamb-true lamb-false
paste <(losses "$scratch/lamb4/metrics.jsonl") <(losses "$scratch/lamb-true/metrics.jsonl") |
  awk '{d=($2-$5)/$2; if (d<0) d=-d; if ($1!=$4 || d>1e-5) bad=1; n++} END {exit bad || n!=4}' ||
  fail "LAMB from 4 ranks to 3 does not follow the run on 4: $(losses "$scratch/lamb-true/metrics.jsonl")"
[ "$(state lamb2)" != "$(state r2)" ] || fail "the optimizer makes no difference"
# The same command twice: the same numbers.
run 2 again
[ "$(losses "$scratch/r2/metrics.jsonl")" = "$(losses "$scratch/again/metrics.jsonl")" ] || fail "two equal runs differ"
# Lone processes at once do not meet in a folder of Open MPI's, whatever transports the environment asks for.
lone() { for _ in $(seq 8); do OMPI_MCA_btl=vader,self "$bertha" --version >/dev/null 2>&1 & done; for job in $(jobs -p); do wait "$job" || echo failed; done; }
[ -z "$(lone)" ] || fail "of eight programs at once some did not start"
finish
