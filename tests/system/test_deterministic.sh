#!/usr/bin/env bash
# train.deterministic: the same bits (weights, moments, losses, validation) at 1, 2, 3 and 4 ranks, for any number of
# threads, sharded or not, and resumed at another number of ranks; reference and fused, AdamW and LAMB, moments in
# bf16, layers recomputed.
. "$(dirname "$0")/../support/system.sh"
need_corpus
steps=10
run() { # ranks threads folder options...
  local n=$1 threads=$2 out=$scratch/$3; shift 3
  ranks "$n" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.deterministic true --train.steps $steps \
    --train.global_batch 20 --train.micro_batch_tokens 256 --train.validate_every 5 --train.validation_batches 2 \
    --parallel.bucket_bytes 50000 --train.output "$out" --train.threads "$threads" "$@" >"$scratch/log" 2>&1
}
weights() { sha256sum <"$scratch/$1/checkpoints/step-00000010/model.safetensors"; }
moments() { "$python" "$BERTHA_SOURCE/tests/support/moments.py" "$scratch/$1/checkpoints/step-00000010"; }
# Losses of training and validation, every digit.
numbers() {
  "$python" -c 'import json,sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event"] in ("train", "validation"):
        print(e["event"], e["step"], *[repr(e[k]) for k in sorted(e) if "loss" in k or "acc" in k or k == "gradient_norm"])' \
    "$scratch/$1/metrics.jsonl"
}
same() { # folder, of folder
  [ "$(weights "$1")" = "$(weights "$2")" ] || fail "$1: other weights than $2"
  [ -n "$(moments "$1")" ] && [ "$(moments "$1")" = "$(moments "$2")" ] || fail "$1: other moments than $2"
  [ -n "$(numbers "$1")" ] && [ "$(numbers "$1")" = "$(numbers "$2")" ] || fail "$1: other numbers than $2"
}
adamw=(--optimizer.name adamw) lamb=(--optimizer.name lamb --optimizer.learning_rate 1e-2)
for way in reference fused; do
  for optimizer in adamw lamb; do
    declare -n options=$optimizer
    more=(--model.implementation $way "${options[@]}")
    run 1 1 $way-$optimizer-1 "${more[@]}" || fail "$way $optimizer on one rank: $(tail -1 "$scratch/log")"
    for other in "2 2" "4 1"; do
      read -r n threads <<<"$other"
      run "$n" "$threads" "$way-$optimizer-$n" "${more[@]}" || fail "$way $optimizer on $n ranks: $(tail -1 "$scratch/log")"
      same $way-$optimizer-"$n" $way-$optimizer-1
    done
    run 3 2 $way-$optimizer-sharded "${more[@]}" --parallel.shard_optimizer true ||
      fail "$way $optimizer sharded on 3: $(tail -1 "$scratch/log")"
    same $way-$optimizer-sharded $way-$optimizer-1
  done
done
run 1 3 threads --model.implementation fused "${adamw[@]}"; same threads fused-adamw-1
run 4 2 both --model.implementation fused "${adamw[@]}"; same both fused-adamw-1
half=(--model.implementation fused --train.precision bf16)
run 1 1 half-1 "${half[@]}" && run 3 2 half-3 "${half[@]}" || fail "bf16: $(tail -1 "$scratch/log")"
same half-3 half-1
# Moments in bf16: how they are rounded depends on step and element, not on who rounds. Layers computed again.
rounded=(--model.implementation fused --optimizer.moments bf16)
run 1 1 rounded-1 "${rounded[@]}" && run 3 2 rounded-3 "${rounded[@]}" --parallel.shard_optimizer true || fail "bf16 moments: $(tail -1 "$scratch/log")"
for part in "4 4" "2 0"; do
  read -r n some <<<"$part"
  run "$n" 1 rounded-elastic "${rounded[@]}" --train.stop_after_steps "$some"
done
same rounded-3 rounded-1; same rounded-elastic rounded-1
[ "$(weights rounded-1)" != "$(weights fused-adamw-1)" ] || fail "bf16 moments make no difference"
for way in reference fused; do
  run 2 1 again-$way --model.implementation $way --model.layers 3 --model.recompute layers && run 1 2 three-$way --model.implementation $way --model.layers 3 ||
    fail "model.recompute: $(tail -1 "$scratch/log")"
  same again-$way three-$way
done
# Four ranks, then one, then three.
for part in "4 4" "1 3" "3 0"; do
  read -r n some <<<"$part"
  run "$n" 1 elastic --model.implementation fused "${adamw[@]}" --train.stop_after_steps "$some"
done
same elastic fused-adamw-1
# Another seed is another run: the comparison can fail.
run 2 1 seed --model.implementation fused "${adamw[@]}" --train.seed 2
[ "$(weights seed)" != "$(weights fused-adamw-1)" ] || fail "the seed makes no difference"
expect 64 'exclude each other' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1 --train.output "$scratch/no" \
  --train.deterministic true --parallel.reduce_precision bf16
finish
