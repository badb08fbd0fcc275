#!/usr/bin/env bash
# Training steps of Bertha beside Transformers, taking turns on this machine; prints a table.
#   tests/bench/run_step.sh [ROUNDS] [CASE...]     a case: size,batch,length,precision,steps
# Of Transformers the fastest counts: eager attention, SDPA, SDPA under torch.compile. Results:
# tests/bench/results. BERTHA_PEERS="eager sdpa" leaves the slow start of torch.compile out.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-2}
shift || true
cases=("$@")
if [ ${#cases[@]} -eq 0 ]; then
  cases=(tiny,64,128,fp32,5 tiny,64,128,bf16,5 mini,64,128,fp32,3 mini,64,128,bf16,3
    base,32,128,bf16,2 base,32,128,fp32,1 base,8,512,bf16,2 base,8,16-512,bf16,2)
fi
bench=${BERTHA_BENCH_STEP:-build/release/tests/bench/bench_step}
python=${BERTHA_PEER_PYTHON:-$HOME/.cache/bertha/python/bin/python}
threads=${BERTHA_THREADS:-2}
peers=${BERTHA_PEERS:-eager sdpa compile}
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for case in "${cases[@]}"; do
  IFS=, read -r size batch length precision steps <<<"$case"
  arguments=(size="$size" batch="$batch" length="$length" precision="$precision" steps="$steps"
    threads="$threads" warmup=1)
  for ((round = 0; round < rounds; ++round)); do
    for who in fused $peers; do
      load=$(cut -d' ' -f1 /proc/loadavg)
      if [ "$who" = fused ]; then
        line=$("$bench" "${arguments[@]}" implementation=fused)
      elif [ "$who" = compile ]; then
        line=$("$python" tests/bench/peer_step.py "${arguments[@]}" attention=sdpa compile=yes)
      else
        line=$("$python" tests/bench/peer_step.py "${arguments[@]}" attention="$who")
      fi
      echo "{\"case\": \"$size ${batch}x$length $precision\", \"load\": $load, \"run\": $line}" >>"$lines"
    done
  done
done
echo "$(date -u +%F) $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads, commit $(git rev-parse --short HEAD)"
"$python" - "$lines" <<'E2'
import json, statistics, sys
rows = {}
for line in open(sys.argv[1]):
    entry = json.loads(line)
    side = entry["run"]["who"].split()[-1]
    rows.setdefault(entry["case"], {}).setdefault(side, []).append((entry["run"], entry["load"]))
print("| case | Bertha tokens/s | Transformers tokens/s (best) | ratio | GFLOP/s, share of GEMM peak "
      "| memory MB, theirs | load |\n|---|---|---|---|---|---|---|")
for case, sides in rows.items():
    speed = {side: statistics.median(run["tokens_per_second"] for run, _ in runs)
             for side, runs in sides.items()}
    peer = max((side for side in speed if side != "fused"), key=speed.get)
    ours = [run for run, _ in sides["fused"]]
    flops = statistics.median(run["gflops"] for run in ours)
    peak = max(run["peak_gflops"] for run in ours)
    memory = [max(run["memory_mb"] for run, _ in sides[side]) for side in ("fused", peer)]
    load = max(load for runs in sides.values() for _, load in runs)
    print(f"| {case} | {speed['fused']:,.0f} | {speed[peer]:,.0f} ({peer}) | {speed['fused'] / speed[peer]:.2f} "
          f"| {flops:.0f}, {flops / peak:.0%} | {memory[0]:,.0f}, {memory[1]:,.0f} | {load:.1f} |")
E2
