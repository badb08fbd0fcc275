#!/usr/bin/env bash
# 1, 2, 3 and 4 ranks train the same global batches: losses over 20 steps agree within 1e-5 relative
# (fp32, dropout 0), sharded optimizer included.
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
for name in r2 r3 r4 sharded; do
  paste <(losses "$scratch/r1/metrics.jsonl") <(losses "$scratch/$name/metrics.jsonl") |
    awk -v name=$name '{d=($2-$5)/$2; if (d<0) d=-d; if (d>worst) worst=d; n++}
      END {print name ": largest relative difference of the loss", worst, "over", n, "steps"; exit worst>1e-5 || n!=20}' ||
    fail "$name differs from one rank"
done
[ "$(losses "$scratch/r3/metrics.jsonl")" = "$(losses "$scratch/sharded/metrics.jsonl")" ] ||
  fail "the sharded optimizer does not give the same numbers as the unsharded one"
# The same command twice: the same numbers.
run 2 again
[ "$(losses "$scratch/r2/metrics.jsonl")" = "$(losses "$scratch/again/metrics.jsonl")" ] || fail "two equal runs differ"
# Lone processes at once do not meet in a folder of Open MPI's, whatever transports the environment asks for.
lone() { for _ in $(seq 8); do OMPI_MCA_btl=vader,self "$bertha" --version >/dev/null 2>&1 & done; for job in $(jobs -p); do wait "$job" || echo failed; done; }
[ -z "$(lone)" ] || fail "of eight programs at once some did not start"
finish
