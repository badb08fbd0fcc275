#!/usr/bin/env bash
# What to run when a GPU is at hand, on a folder that pack_gpu.sh has packed:
#   gpu_checks.sh PART OUT     PART: first (bring-up), units (a part of it), speed (CASES and PEERS
#                              name which), sanitize, or depth (loss over 200 steps)
# Results and logs go to OUT, a summary to OUT/summary-PART.txt, profiles to OUT/kernels-*.txt.
set -uo pipefail
[ $# = 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 64; }
part=$1 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(realpath "$2") corpus=$here/corpus bin=$here/bin
python=${BERTHA_PYTHON:-python3}
summary=$out/summary-$part.txt
: >"$summary"
say() { echo "$*" | tee -a "$summary"; }

# SECONDS NAME COMMAND...: runs it, at most so long; its output goes to OUT/NAME.log.
bounded() {
  local seconds=$1 name=$2 begin=$SECONDS code
  shift 2
  timeout -k 10 "$seconds" "$@" >"$out/$name.log" 2>&1
  code=$?
  say "$name: exit code $code, $((SECONDS - begin)) s"
  return $code
}

train() {  # SECONDS NAME SIZE STEPS OPTIONS...
  local seconds=$1 name=$2 size=$3 steps=$4
  shift 4
  bounded "$seconds" "$name" "$bin/bertha" pretrain --data.corpus "$corpus" --model.size "$size" \
    --train.steps "$steps" --train.threads 2 --train.log_every 1 --train.validation_batches 2 --train.resume never \
    --train.output "$out/runs/$name" "$@"
}

# The largest relative difference of two runs' losses, and the median speed of the first.
compare() {  # OURS THEIRS
  "$python" - "$out/runs/$1" "$out/runs/$2" <<'P' | tee -a "$summary"
import json, os, statistics, sys
def steps(folder):
    try:
        with open(folder + "/metrics.jsonl") as file:
            return [e for e in map(json.loads, file) if e["event"] == "train"]
    except OSError:
        return []
ours, theirs = map(steps, sys.argv[1:])
names = [os.path.basename(folder) for folder in sys.argv[1:]]
if not ours or not theirs:
    print(f"  {names[0]} against {names[1]}: no steps")
else:
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(ours, theirs))
    speed = statistics.median(e["tokens_per_second"] for e in ours[len(ours) // 3:])
    print(f"  {names[0]} against {names[1]}: {min(len(ours), len(theirs))} steps, losses differ by "
          f"at most {worst:.1e}; {speed:.0f} tokens/s")
P
}

units() {
  local program
  for program in unit_trainer_kernels unit_trainer_optim unit_trainer_model unit_bertha_parallel; do
    OMP_NUM_THREADS=4 bounded 90 "gpu-$program" "$bin/$program" '--gtest_filter=Gpu*' &
  done
  wait
  for program in unit_trainer_kernels unit_trainer_optim unit_trainer_model unit_bertha_parallel; do
    grep -E '^\[  (FAILED|PASSED|SKIPPED)' "$out/gpu-$program.log" | tail -15 | tee -a "$summary"
  done
}

# Correctness, many programs at a time: what they take is not of interest.
first() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,power.limit --format=csv | tee -a "$summary"
  bounded 90 version "$bin/bertha" --version
  cat "$out/version.log" >>"$summary"
  grep -q 'cuda ([1-9]' "$out/version.log" || { say "no CUDA device seen: the rest would fail"; return 70; }
  local off=(--model.hidden_dropout 0 --model.attention_dropout 0)
  local gpu=(--train.device cuda --model.implementation fused)
  units &
  train 60 tiny-cpu tiny 20 --train.device cpu "${off[@]}" &
  train 60 tiny-reference tiny 20 --train.device cuda --model.implementation reference "${off[@]}" &
  { train 60 tiny-fused tiny 20 "${gpu[@]}" "${off[@]}"
    bounded 60 resume "$bin/bertha" pretrain --data.corpus "$corpus" --model.size tiny --train.steps 30 \
      "${gpu[@]}" "${off[@]}" --train.log_every 1 --train.validation_batches 2 --train.output "$out/runs/tiny-fused"; } &
  train 60 tiny-fused-bf16 tiny 20 "${gpu[@]}" --train.precision bf16 "${off[@]}" &
  train 60 tiny-fused-lamb tiny 20 "${gpu[@]}" --optimizer.name lamb "${off[@]}" &
  train 60 tiny-cpu-lamb tiny 20 --train.device cpu --optimizer.name lamb "${off[@]}" &
  train 60 tiny-nccl tiny 20 "${gpu[@]}" --parallel.backend nccl "${off[@]}" &
  # With the CPU's own dropout: in fp32 the numbers are the same on both.
  train 60 dropout-cpu tiny 20 --train.device cpu &
  train 60 dropout-fused tiny 20 "${gpu[@]}" &
  wait
  for name in tiny-reference tiny-fused tiny-fused-bf16 tiny-nccl; do compare $name tiny-cpu; done
  compare tiny-fused-lamb tiny-cpu-lamb
  compare dropout-fused dropout-cpu
}

sanitize() {
  local program=$here/libexec/bertha/unit_trainer_kernels tool
  for tool in memcheck racecheck; do
    bounded 150 "sanitizer-$tool" env LD_LIBRARY_PATH="$(libraries)" compute-sanitizer --tool $tool \
      --error-exitcode 9 "$program" '--gtest_filter=Gpu*' &
  done
  wait
  for tool in memcheck racecheck; do tail -2 "$out/sanitizer-$tool.log" >>"$summary"; done
}

# What the launcher would set, for tools that start the program themselves.
libraries() {
  local torch
  torch=$("$python" -c 'import importlib.util as u
print(u.find_spec("torch").submodule_search_locations[0])')
  printf '%s' "$here/lib/bertha:$torch/lib"
  for folder in "$torch"/../nvidia/*/lib; do printf ':%s' "$folder"; done
}

step() {  # SECONDS NAME PROGRAM... ARGUMENTS: one line of JSON to OUT/speed.jsonl
  local seconds=$1 name=$2
  shift 2
  bounded "$seconds" "$name" "$@" device=cuda precision=bf16 steps=50 warmup=10 threads=8 || return
  echo "{\"case\": \"${name%%:*}\", \"run\": $(tail -1 "$out/$name.log")}" >>"$out/speed.jsonl"
}

# CASES: ours alone, with a profile of each; PEERS: the peer, whose compiler takes most of the time.
cases="base,512,128 base,128,512 large,256,128 large,64,512 base,128,16-512"
ours() {
  local case size batch length
  for case in ${CASES-$cases}; do
    IFS=, read -r size batch length <<<"$case"
    step 40 "$size-${batch}x$length:fused" "$bin/bench_step" size="$size" batch="$batch" length="$length" \
      implementation=fused profile="$out/kernels-$size-${batch}x$length.txt"
  done
}
peers() {
  local case size batch length
  for case in ${PEERS-$cases}; do
    IFS=, read -r size batch length <<<"$case"
    local name="$size-${batch}x$length" arguments=(size="$size" batch="$batch" length="$length")
    step 60 "$name:eager" "$python" "$here/peer_step.py" "${arguments[@]}" attention=eager
    step 120 "$name:compiled" "$python" "$here/peer_step.py" "${arguments[@]}" attention=sdpa compile=yes
  done
}

speed() {
  rm -f "$out/speed.jsonl"
  ours
  peers
  # The reference path draws its dropout on the host: one case says enough.
  [ -z "${PEERS-all}" ] || bounded 40 reference "$bin/bench_step" size=base batch=64 length=128 implementation=reference \
    device=cuda precision=bf16 steps=5 warmup=2 threads=8
  tail -1 "$out/reference.log" 2>/dev/null >>"$summary"
  "$python" - "$out/speed.jsonl" <<'P' | tee -a "$summary"
import json, sys
rows = {}
for line in open(sys.argv[1]):
    entry = json.loads(line)
    rows.setdefault(entry["case"], {})[entry["run"]["who"]] = entry["run"]
print("| case | who | tokens/s | ms a step | share of 989 TFLOP/s | ours against it |\n|---|---|---|---|---|---|")
for case, runs in rows.items():
    ours = runs.get("bertha fused")
    for who, run in runs.items():
        share = f"{run['gflops'] / 989e3:.1%}" if "gflops" in run else ""
        ratio = f"{ours['tokens_per_second'] / run['tokens_per_second']:.2f}" if ours else ""
        print(f"| {case} | {who} | {run['tokens_per_second']:,.0f} | {1e3 * run['seconds']:.1f} | {share} | {ratio} |")
P
}

depth() {
  # 200 steps of the same batches: fused on the GPU in bf16 against the CPU's reference in fp32.
  train 100 long-fused tiny 200 --train.device cuda --model.implementation fused --train.precision bf16
  train 200 long-cpu tiny 200 --train.device cpu --model.implementation reference
  compare long-fused long-cpu
}

case $part in
  units | first | speed | depth | sanitize) "$part" ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
