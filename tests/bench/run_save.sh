#!/usr/bin/env bash
# How long training stands still for a checkpoint of BERT-base, written beside training and waited for.
#   tests/bench/run_save.sh CORPUS [BERTHA...]     several programs (an older one, say) are compared
set -euo pipefail
corpus=$1
shift
programs=("$@")
[ ${#programs[@]} -gt 0 ] || programs=(build/release/bertha)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
options=(--data.corpus "$corpus" --model.size base --model.implementation fused --train.precision bf16
  --data.sequence_length 128 --train.global_batch "${BATCH:-16}" --train.steps 9 --train.save_every 3 --train.keep_last 1
  --train.validation_batches 1 --metrics.progress false --metrics.tensorboard false)
for program in "${programs[@]}"; do
  for async in true false; do
    more=(--train.async_save "$async")
    known=$("$program" pretrain --help | grep -c async_save || true)
    [ "$known" != 0 ] || { [ $async = false ] || continue; more=(); }
    for ranks in 1 2; do
      run=$scratch/run
      rm -rf "$run"
      mpirun --oversubscribe --bind-to none -n $ranks "$program" pretrain "${options[@]}" "${more[@]}" --train.output "$run" >"$scratch/log" 2>&1 ||
        { tail -3 "$scratch/log" >&2; exit 1; }
      python3 - "$run" "$program" "$async" "$ranks" <<'P'
import json, os, sys
run, program, is_async, ranks = sys.argv[1:]
events = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
saves = [e for e in events if e["event"] == "save" and e["step"] < 9]
checkpoint = f"{run}/checkpoints/step-00000009"
size = sum(os.path.getsize(f"{checkpoint}/{name}") for name in os.listdir(checkpoint))
for save in saves:
    print(f"{os.path.basename(program)}, async_save {is_async}, {ranks} rank(s): {size / 1e9:.2f} GB at step {save['step']}: "
          f"stalled {save.get('stalled_seconds', save['seconds']):.3f} s of {save['seconds']:.2f} s")
P
    done
  done
done
