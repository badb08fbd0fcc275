#!/usr/bin/env bash
# What to run when a GPU is at hand: bring-up on one CUDA device, against the CPU on the same data.
#   tests/bench/gpu_checks.sh BERTHA CORPUS OUT
# BERTHA is a build with CUDA and NCCL (cmake --preset cuda), CORPUS comes from `bertha prepare`;
# results and logs go to OUT. It has not run on a GPU yet: read the first results with that in mind.
set -uo pipefail
[ $# = 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 64; }
bertha=$(realpath "$1") corpus=$(realpath "$2") out=$3
mkdir -p "$out"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv >"$out/device.csv" 2>&1
"$bertha" --version >"$out/version.txt" 2>&1 || exit 70
grep -q 'cuda' "$out/version.txt" || { echo "gpu_checks: $bertha sees no CUDA device" >&2; exit 70; }

train() {  # NAME SIZE STEPS OPTIONS...
  local name=$1 size=$2 steps=$3; shift 3
  echo "== $name"
  "$bertha" pretrain --data.corpus "$corpus" --model.size "$size" --train.steps "$steps" \
    --train.log_every 1 --train.validation_batches 2 --train.resume never \
    --train.output "$out/$name" "$@" >"$out/$name.log" 2>&1
  echo "exit code $?" | tee -a "$out/$name.log"
}
off=(--model.hidden_dropout 0 --model.attention_dropout 0)
train tiny-cpu tiny 20 --train.device cpu "${off[@]}"
train tiny-gpu tiny 20 --train.device cuda "${off[@]}"
train tiny-gpu-bf16 tiny 20 --train.device cuda --train.precision bf16 "${off[@]}"
train tiny-gpu-nccl tiny 20 --train.device cuda --parallel.backend nccl "${off[@]}"
train base-gpu-bf16 base 60 --train.device cuda --train.precision bf16 --train.micro_batch_tokens 65536
train base-gpu-fp16 base 60 --train.device cuda --train.precision fp16 --train.micro_batch_tokens 65536
echo "== resume"
"$bertha" pretrain --data.corpus "$corpus" --model.size tiny --train.steps 30 --train.device cuda "${off[@]}" \
  --train.log_every 1 --train.validation_batches 2 --train.output "$out/tiny-gpu" >"$out/resume.log" 2>&1
echo "exit code $?"

# Largest relative difference of the loss to the CPU's over the first 20 steps, and speeds.
python3 - "$out" <<'P' | tee "$out/summary.txt"
import json, statistics, sys
def lines(name):
    try:
        with open(f"{sys.argv[1]}/{name}/metrics.jsonl") as file:
            return [e for e in map(json.loads, file) if e["event"] == "train"]
    except OSError:
        return []
cpu = lines("tiny-cpu")
for name in ("tiny-gpu", "tiny-gpu-bf16", "tiny-gpu-nccl", "base-gpu-bf16", "base-gpu-fp16"):
    run = lines(name)
    if not run:
        print(f"{name}: no steps")
        continue
    text = f"{name}: {len(run)} steps, median {statistics.median(e['tokens_per_second'] for e in run[len(run) // 3:]):.0f} tokens/s"
    if name.startswith("tiny"):
        text += f", loss off the CPU's by {max(abs(a['loss'] - b['loss']) / b['loss'] for a, b in zip(run, cpu)):.1e}"
    print(text)
P
