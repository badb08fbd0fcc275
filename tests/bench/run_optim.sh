#!/usr/bin/env bash
# What bf16 moments cost in loss, what recomputed layers save in memory and cost in time, and a large batch with LAMB:
#   tests/bench/run_optim.sh moments|recompute|large CORPUS FOLDER
# CORPUS: a prepared corpus; FOLDER: for the runs. Reads BERTHA_BINARY (default build/release/bertha), THREADS, STEPS;
# SEEDS and OPTIMIZERS of `moments`, which writes curves.svg, too; SIZES of `recompute`; RATE, LENGTH and OPTIONS of `large`.
set -euo pipefail
[ $# = 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 64; }
what=$1 corpus=$2 out=$3
bertha=${BERTHA_BINARY:-build/release/bertha} python=${BERTHA_PEER_PYTHON:-python3}
threads=${THREADS:-2}
mkdir -p "$out"
train() { # folder options...
  "$bertha" pretrain --data.corpus "$corpus" --train.output "$out/$1" --train.log_every 1 --train.threads "$threads" \
    --metrics.progress false --metrics.tensorboard false "${@:2}" >"$out/$1.log" 2>&1 ||
    { tail -3 "$out/$1.log"; exit 1; }
}
case $what in
moments)
  for optimizer in ${OPTIMIZERS:-adamw lamb}; do
    rate=$([ $optimizer = lamb ] && echo 6e-3 || echo 1e-3)
    for seed in ${SEEDS:-1 2 3}; do
      for moments in fp32 bf16; do
        train $optimizer-$moments-$seed --data.sequence_length 128 --model.size tiny --train.steps "${STEPS:-300}" --train.global_batch 32 --train.seed "$seed" \
          --optimizer.name $optimizer --optimizer.learning_rate $rate --optimizer.moments $moments --train.validation_batches 8
      done
    done
  done
  "$python" "$(dirname "$0")/moment_curves.py" "$out"
  ;;
recompute)
  "$python" - "$bertha" "$corpus" "$out" "$threads" <<'P'
import json, os, statistics, subprocess, sys
bertha, corpus, out, threads = sys.argv[1:]
print("| model | path | recompute | peak MB | planned MB | forward + backward s | ratio |\n|---|---|---|---|---|---|---|")
for size in os.environ.get("SIZES", "mini medium").split():
    for path, precision in (("reference", "fp32"), ("fused", "fp32"), ("fused", "bf16")):
        alone = None
        for recompute in ("none", "layers"):
            options = ["--data.corpus", corpus, "--data.sequence_length", "128", "--data.short_sequence_probability", "0",
                       "--model.size", size, "--model.implementation", path, "--train.precision", precision,
                       "--model.recompute", recompute, "--train.global_batch", "64", "--train.micro_batch_tokens", "8192",
                       "--train.threads", threads, "--train.steps", os.environ.get("STEPS", "4"), "--train.async_save", "false"]
            run = f"{out}/{size}-{path}-{precision}-{recompute}"
            with open(run + ".log", "w") as log:
                process = subprocess.Popen([bertha, "pretrain", *options, "--train.log_every", "1", "--train.validation_batches", "1",
                                            "--metrics.progress", "false", "--train.output", run], stdout=log, stderr=log)
                _, status, usage = os.wait4(process.pid, 0)
            assert status == 0, (run, status)
            plan = json.loads(subprocess.run([bertha, "plan", *options, "--plan.tokens_per_second", "1", "--plan.ranks", "1", "--json"],
                                             capture_output=True, check=True).stdout)["modelled"][0]["memory_bytes"]["total"]
            lines = [e for e in map(json.loads, open(run + "/metrics.jsonl")) if e["event"] == "train"]
            seconds = statistics.median(e["forward_seconds"] + e["backward_seconds"] for e in lines[1:])
            alone = alone or seconds
            print(f"| {size} | {path} {precision} | {recompute} | {usage.ru_maxrss * 1024 / 1e6:.0f} | {plan / 1e6:.0f} | "
                  f"{seconds:.2f} | {seconds / alone:.2f} |", flush=True)
P
  ;;
large)
  # 4,096 sequences a step, in micro-batches of 8,192 tokens; a short version of NVIDIA's schedule.
  train large --data.sequence_length "${LENGTH:-128}" --model.size tiny --train.steps "${STEPS:-30}" --train.global_batch 4096 --train.validation_batches 1 \
    --optimizer.name lamb --optimizer.learning_rate "${RATE:-1e-2}" --schedule.name polynomial --schedule.power 0.5 \
    --schedule.warmup_fraction 0.2843 ${OPTIONS:-}
  "$python" - "$out/large/metrics.jsonl" <<'P'
import json, sys
lines = [e for e in map(json.loads, open(sys.argv[1])) if e["event"] in ("train", "validation")]
print("| step | sequences | learning rate | loss | MLM accuracy | gradient norm |\n|---|---|---|---|---|---|")
train = [e for e in lines if e["event"] == "train"]
for e in train:
    if e["step"] in (1, 2, 3, 5) or e["step"] % 5 == 0:
        print(f"| {e['step']} | {e['samples']} | {e['learning_rate']:.2e} | {e['loss']:.4f} | {e.get('mlm_accuracy', float('nan')):.4f} | {e['gradient_norm']:.3f} |")
worst = max(b["loss"] - a["loss"] for a, b in zip(train, train[1:]))
print(f"largest rise of the loss from one step to the next: {worst:.4f}; validation {[e['loss'] for e in lines if e['event'] == 'validation'][-1]:.4f}")
P
  ;;
*) exit 64 ;;
esac
