#!/usr/bin/env bash
# What communication costs a training step on this machine, at 1, 2 and 4 ranks:
#   tests/bench/run_communication.sh CORPUS [ROUNDS] [SIZE,BATCH,PRECISION...]
# First bench_communication (steps with and without communication take turns in the same processes), then the real
# program with and without deterministic mode, taking turns. Four ranks are more than two cores have threads for: there
# only the difference between the steps counts. Prints tables; results: tests/bench/results.
set -euo pipefail
cd "$(dirname "$0")/../.."
corpus=$(realpath "$1") rounds=${2:-3}
shift $(($# > 2 ? 2 : $#))
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(mini,64,fp32 mini,256,fp32 base,32,bf16)
bench=${BERTHA_BENCH_COMMUNICATION:-build/release/tests/bench/bench_communication}
bertha=${BERTHA_BINARY:-build/release/bertha}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=${OMPI_MCA_btl:-^uct,openib,ofi}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
launch() { local n=$1; shift; mpirun --oversubscribe --bind-to none -n "$n" "$@"; }
for case in "${cases[@]}"; do
  IFS=, read -r size batch precision <<<"$case"
  for ((round = 0; round < rounds; ++round)); do
    for layout in "1 2" "2 1" "4 1"; do
      read -r ranks threads <<<"$layout"
      launch "$ranks" "$bench" size="$size" batch="$batch" precision="$precision" micro_batches=4 rounds=2 \
        threads="$threads" >>"$scratch/steps"
    done
  done
done
for ((round = 0; round < rounds; ++round)); do
  for layout in "1 2" "2 1"; do
    read -r ranks threads <<<"$layout"
    for deterministic in false true; do
      rm -rf "$scratch/run"
      launch "$ranks" "$bertha" pretrain --data.corpus "$corpus" --model.size mini --data.sequence_length 128 \
        --train.global_batch 64 --train.micro_batch_tokens 2048 --train.steps 6 --train.log_every 1 \
        --train.save_every 0 --train.validate_every 0 --train.threads "$threads" --train.deterministic $deterministic \
        --metrics.progress false --metrics.tensorboard false --train.output "$scratch/run" >"$scratch/log" 2>&1 ||
        { tail -3 "$scratch/log" >&2; exit 1; }
      echo "$ranks $threads $deterministic $scratch/run/metrics.jsonl" | python3 -c '
import json, statistics, sys
ranks, threads, mode, path = sys.stdin.read().split()
speeds = [e["tokens_per_second"] for e in map(json.loads, open(path)) if e["event"] == "train"]
print(json.dumps(dict(layout=f"{ranks} x {threads}", mode=mode, speed=statistics.median(speeds[1:]))))' >>"$scratch/modes"
    done
  done
done
echo "$(date -u +%F) $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), commit $(git rev-parse --short HEAD)"
python3 - "$scratch/steps" "$scratch/modes" <<'P'
import json, statistics, sys
median = statistics.median
rows = {}
for run in map(json.loads, open(sys.argv[1])):
    rows.setdefault((run["size"], run["precision"], run["batch"], run["ranks"], run["threads"]), []).append(run)
kinds = ["4 MB", "1 MB", "25 MB", "one bucket", "bf16", "sharded", "sharded, at once"]
print("| model | global batch | ranks x threads | gradient MB | step s | without communication s, noise of it | added (share of the step): "
      + " | ".join(kinds) + " | left after backward s: 4 MB, one bucket |\n" + "|---" * (7 + len(kinds)) + "|")
for (size, precision, batch, ranks, threads), runs in rows.items():
    rounds = {kind: [s for run in runs for s in run[kind]["rounds"]] for kind in ["silent", "silent, sharded"] + kinds}
    silent, step = median(rounds["silent"]), median(rounds["4 MB"])
    # Half the distance between the quartiles of the silent steps: what is less than that says nothing.
    low, _, high = statistics.quantiles(rounds["silent"], n=4)
    def cell(kind):
        base = rounds["silent, sharded" if kind.startswith("sharded") else "silent"]
        added = median(s - q for s, q in zip(rounds[kind], base))
        return f"{added:.3f} ({added / median(rounds[kind]):.1%})"
    after = [median(run[kind]["after_backward"] for run in runs) for kind in ("4 MB", "one bucket")]
    print(f"| {size} {precision} | {batch} x {runs[0]['length']} | {ranks} x {threads} | {runs[0]['gradient_mb']:.0f} | {step:.2f} "
          f"| {silent:.2f} ± {(high - low) / 2:.2f} | {' | '.join(map(cell, kinds))} | {after[0]:.3f}, {after[1]:.3f} |")
for run in [r for r in map(json.loads, open(sys.argv[1])) if r["ranks"] == 2][:1]:
    print(f"\nOne step of {run['size']}, 2 ranks. Buckets [MB, went out, arrived; ms from the end of backward], 4 MB: {run['4 MB']['buckets']}")
    print(f"Weights on their way while the next step begins [MB, went out, arrived; ms from its beginning]: {run['sharded']['weights']}")
modes = {}
for run in map(json.loads, open(sys.argv[2])):
    modes.setdefault(run["layout"], {}).setdefault(run["mode"], []).append(run["speed"])
print("\n| ranks x threads | tokens/s | deterministic | ratio |\n|---|---|---|---|")
for layout, speeds in modes.items():
    plain, fixed = median(speeds["false"]), median(speeds["true"])
    print(f"| {layout} | {plain:,.0f} | {fixed:,.0f} | {fixed / plain:.2f} |")
P
