#!/usr/bin/env bash
# Fine-tuning and prediction of a base-size model beside Transformers, taking turns on this machine:
#   tests/bench/run_labelled.sh [ROUNDS]
# bf16, two threads: fine-tuning with 32 texts of 5 to 60 tokens a step, prediction of 128 texts of 16 to
# 512 tokens (Transformers: 16 a batch). Of Transformers the faster of eager attention and SDPA counts.
# Prediction is also timed as a whole process, start-up included. Results: tests/bench/results.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-2}
bertha=${BERTHA_BINARY:-build/release/bertha}
deps=${BERTHA_DEPS:-$HOME/.cache/bertha}
python=${BERTHA_PEER_PYTHON:-$deps/python/bin/python}
threads=${BERTHA_THREADS:-2}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" tests/bench/peer_labelled.py make "$scratch" "$deps/downloads/reviews/train.tsv" "$deps/downloads/minilm/vocab.txt"
shared=(--train.precision bf16 --train.threads "$threads" --metrics.progress false)
lines=$scratch/lines
note() { echo "{\"what\": \"$1\", \"who\": \"$2\", \"seconds\": $3, \"run\": $4}" >>"$lines"; }
for ((round = 0; round < rounds; ++round)); do
  rm -rf "$scratch/tuned"
  "$bertha" finetune --train.init "$scratch/base" --task.train "$scratch/train.tsv" --train.output "$scratch/tuned" \
    "${shared[@]}" --train.steps 12 --train.log_every 1 --task.test_fraction 0 --metrics.tensorboard false 2>"$scratch/log" ||
    { tail -3 "$scratch/log" >&2; exit 1; }
  note finetune bertha 0 "$("$python" - "$scratch/tuned/metrics.jsonl" <<'P'
import json, statistics, sys
speeds = [event["tokens_per_second"] for event in map(json.loads, open(sys.argv[1])) if event["event"] == "train"]
print(json.dumps(dict(tokens_per_second=statistics.median(speeds[2:]))))
P
)"
  begin=$(date +%s.%N)
  "$bertha" predict --train.init "$scratch/tuned/model" --task.input "$scratch/input.txt" --task.max_length 512 \
    --task.output_file "$scratch/out.jsonl" "${shared[@]}" 2>"$scratch/log"
  seconds=$(echo "$(date +%s.%N) - $begin" | bc)
  note predict bertha "$seconds" "{\"tokens_per_second\": $(grep -oE '[0-9.]+ tokens/s' "$scratch/log" | tail -1 | cut -d' ' -f1)}"
  for mode in finetune predict; do
    for attention in eager sdpa; do
      begin=$(date +%s.%N)
      run=$("$python" tests/bench/peer_labelled.py $mode "$scratch" attention=$attention threads="$threads")
      note $mode $attention "$(echo "$(date +%s.%N) - $begin" | bc)" "$run"
    done
  done
done
echo "$(date -u +%F) $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads, commit $(git rev-parse --short HEAD)"
"$python" - "$lines" <<'P'
import json, statistics, sys
runs = [json.loads(line) for line in open(sys.argv[1])]
print("| case | Bertha tokens/s | Transformers tokens/s (best) | ratio | whole process, s: ours, theirs |\n|---|---|---|---|---|")
for what in ("finetune", "predict"):
    speed = {who: statistics.median(run["run"]["tokens_per_second"] for run in runs if (run["what"], run["who"]) == (what, who))
             for who in ("bertha", "eager", "sdpa")}
    best = max(("eager", "sdpa"), key=speed.get)
    wall = {who: statistics.median(run["seconds"] for run in runs if (run["what"], run["who"]) == (what, who))
            for who in ("bertha", best)}
    whole = f"{wall['bertha']:.1f}, {wall[best]:.1f}" if what == "predict" else "-"
    print(f"| {what} base bf16 | {speed['bertha']:,.0f} | {speed[best]:,.0f} ({best}) | {speed['bertha'] / speed[best]:.2f} | {whole} |")
P
