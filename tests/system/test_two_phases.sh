#!/usr/bin/env bash
# Phase 2 from a run of phase 1: its weights, the steps, schedule and data from the beginning, its moments when asked.
. "$(dirname "$0")/../support/system.sh"
need_corpus
phase() { # ranks folder options...
  ranks "$1" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.output "$scratch/$2" "${@:3}" >"$scratch/log" 2>&1 ||
    { code=$?; [[ " $* " = *stop_after* && $code = 75 ]] || fail "$2 ended with $code: $(tail -1 "$scratch/log")"; }
}
phase 1 one --train.steps 6 --optimizer.learning_rate 1e-3
long=(--data.sequence_length 128 --train.global_batch 8 --schedule.warmup_steps 4 --optimizer.learning_rate 4e-3 --train.init "$scratch/one")
kept=("${long[@]}" --train.init_moments true)
phase 1 fresh "${long[@]}" --train.steps 10 --train.save_every 1 --train.keep_last 0
phase 1 kept "${kept[@]}" --train.steps 10 --train.save_every 1 --train.keep_last 0
# Next to no learning rate: what the first step begins with is what it leaves.
phase 1 still "${long[@]}" --train.steps 10 --optimizer.learning_rate 1e-30 --train.stop_after_steps 1
"$python" - "$scratch" <<'P' || fail "phase 2 does not begin as it should"
import json, sys
import torch
from safetensors.torch import load_file
root = sys.argv[1]
def weights(run, step): return load_file(f"{root}/{run}/checkpoints/step-{step:08}/model.safetensors")
def moments(run, step):
    return {name.rsplit("/", 1)[0]: value.double() for name, value in
            load_file(f"{root}/{run}/checkpoints/step-{step:08}/optimizer-00000-of-00001.safetensors").items()}
def train(run): return [e for e in map(json.loads, open(f"{root}/{run}/metrics.jsonl")) if e["event"] == "train"]
one, still = weights("one", 6), weights("still", 1)
assert one.keys() == still.keys() and all(torch.equal(one[name], still[name]) for name in one)
print(f"{len(one)} weights at step 0 equal phase 1's last bit for bit")
for run in ("fresh", "kept"):
    lines = train(run)
    assert [e["step"] for e in lines] == list(range(1, 11))
    for e, rate in zip(lines, [1e-3, 2e-3, 3e-3, 4e-3]): assert abs(e["learning_rate"] / rate - 1) < 1e-12, e
    assert [e["samples"] for e in lines] == [8 * e["step"] for e in lines] and lines[0]["epoch"] == 0
# The same weights and samples, so the same first gradient g: kept moments are beta m + (1 - beta) g, fresh ones the second
# term alone. The gradients are clipped alike.
old, fresh, kept = moments("one", 6), moments("fresh", 1), moments("kept", 1)
assert train("fresh")[0]["gradient_norm"] == train("kept")[0]["gradient_norm"]
for name in old:
    beta = 0.999 if name.startswith("exp_avg_sq") else 0.9
    error = (kept[name] - fresh[name] - beta * old[name]).abs().max()
    assert error <= 1e-6 * kept[name].abs().max(), (name, error)
print(f"{len(old)} moments go on from phase 1's")
# AdamW's update with the kept moments: their bias correction goes on, as of the 7th update.
after, updates, worst = weights("kept", 1), 6 + 1, 0
for name in one:
    m, v = (kept[f"{moment}/{name}"].reshape(one[name].shape) for moment in ("exp_avg", "exp_avg_sq"))
    decay = 0 if name.endswith("bias") or "LayerNorm" in name else 0.01
    step = (m / (1 - 0.9 ** updates)) / ((v / (1 - 0.999 ** updates)).sqrt() + 1e-6)
    expected = one[name].double() * (1 - 1e-3 * decay) - 1e-3 * step
    worst = max(worst, float((after[name].double() - expected).abs().max()))
print(f"the first update is that of the 7th: {worst:.1e} off at most")
assert worst < 2e-7, worst
P
# Resume in the middle of phase 2 counts on, on another number of ranks and sharded, too.
phase 1 parts "${kept[@]}" --train.steps 10 --train.stop_after_steps 4
phase 1 parts "${kept[@]}" --train.steps 10
cmp "$scratch"/{kept,parts}/checkpoints/step-00000010/model.safetensors || fail "phase 2 resumed gives other weights"
phase 3 sharded "${kept[@]}" --train.steps 10 --parallel.shard_optimizer true
paste <(losses "$scratch/kept/metrics.jsonl") <(losses "$scratch/sharded/metrics.jsonl") |
  awk '{d=($2-$5)/$2; if (d<0) d=-d; if ($1!=$4 || d>1e-5) bad=1; n++} END {exit bad || n!=10}' || fail "phase 2 on 3 ranks, sharded, goes another way"
expect 64 'train.init_moments needs a train.init' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1 \
  --train.output "$scratch/no" --train.init_moments true
"$bertha" export --train.init "$scratch/one" --train.output "$scratch/model" >"$scratch/log" 2>&1 || fail "export: $(tail -1 "$scratch/log")"
expect 64 'is no checkpoint: it holds no moments' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 1 \
  --train.output "$scratch/no" --train.init "$scratch/model" --train.init_moments true
finish
