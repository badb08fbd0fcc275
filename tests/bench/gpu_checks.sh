#!/usr/bin/env bash
# What to run when a GPU is at hand, on a folder that pack_gpu.sh has packed:
#   gpu_checks.sh PART OUT     PART: all, or of it first (bring-up), units (a part of that), sanitize,
#                              depth (loss over 200 steps), lamb (4,096 sequences a step), speed (CASES and PEERS
#                              name which)
# `all` runs what needs no quiet at once and beside it compiles the peers, then takes times alone: not timed since
# three sanitizers and five runs came in; before, it was to take some 400 s. The parts may run one by one instead.
# Logs, results and tables of kernels go to OUT, a summary to OUT/summary-PART.txt, which ends with a line
# `FAILED: what` for whatever did not hold; any makes the exit code 1. What is large stays in /tmp/gpu_checks.
# GPU_CHECKS_LIMIT_S (540): what has not begun by then is not run, and counts as failed.
set -uo pipefail
usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 64; }
[ $# = 2 ] || usage
part=$1 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2" /tmp/gpu_checks
out=$(realpath "$2") corpus=$here/corpus bin=$here/bin scratch=/tmp/gpu_checks
python=${BERTHA_PYTHON:-python3}
summary=$out/summary-$part.txt failed=$out/failed-$part.txt
: >"$summary"
: >"$failed"
export GPU_CHECKS_DEADLINE=${GPU_CHECKS_DEADLINE:-$((EPOCHSECONDS + ${GPU_CHECKS_LIMIT_S:-540}))}
export TORCHINDUCTOR_CACHE_DIR=$scratch/inductor TRITON_CACHE_DIR=$scratch/triton
export TORCHINDUCTOR_FX_GRAPH_CACHE=1 TORCHINDUCTOR_COMPILE_THREADS=5
say() { echo "$*" | tee -a "$summary"; }
fail() { echo "FAILED: $*" >>"$failed"; }

# What our Python prints: lines of the summary, and what failed.
report() {
  local line
  while IFS= read -r line; do
    case $line in FAILED:*) echo "$line" >>"$failed" ;; *) say "$line" ;; esac
  done
}

# SECONDS NAME COMMAND...: runs it, at most so long; its output goes to OUT/NAME.log.
bounded() {
  local seconds=$1 name=$2 begin=$SECONDS left=$((GPU_CHECKS_DEADLINE - EPOCHSECONDS)) code
  shift 2
  [ "$left" -ge 5 ] || { fail "$name: not run, no time was left"; return 75; }
  [ "$seconds" -lt "$left" ] || seconds=$left
  timeout -k 10 "$seconds" "$@" >"$out/$name.log" 2>&1
  code=$?
  say "$name: exit code $code, $((SECONDS - begin)) s"
  [ $code = 0 ] || fail "$name: exit code $code after $((SECONDS - begin)) s"
  return $code
}

train() {  # SECONDS NAME SIZE STEPS OPTIONS...
  local seconds=$1 name=$2 size=$3 steps=$4 code
  shift 4
  rm -rf "$scratch/runs/$name"
  bounded "$seconds" "$name" "$bin/bertha" pretrain --data.corpus "$corpus" --model.size "$size" \
    --train.steps "$steps" --train.log_every 1 --train.validation_batches 2 --train.resume never \
    --train.output "$scratch/runs/$name" "$@"
  code=$?
  cp "$scratch/runs/$name/metrics.jsonl" "$out/$name.jsonl"
  return $code
}

# The largest relative difference of two runs' losses, in means of so many steps, which must not be over BOUND.
compare() {  # OURS THEIRS BOUND [STEPS]
  "$python" - "$out/$1.jsonl" "$out/$2.jsonl" "$3" "${4:-1}" <<'P' | report || fail "$1 and $2 were not compared"
import json, math, os, statistics, sys
def losses(path):
    try:
        with open(path) as file:
            return {e["step"]: e["loss"] for e in map(json.loads, file) if e["event"] == "train"}
    except OSError:
        return {}
files, bound, together = sys.argv[1:3], float(sys.argv[3]), int(sys.argv[4])
ours, theirs = map(losses, files)
what = " against ".join(os.path.basename(file)[:-6] for file in files)
steps = sorted(theirs)
if not steps or not set(steps) <= set(ours):
    print(f"FAILED: {what}: {len(ours)} and {len(steps)} steps to compare")
else:
    groups = [steps[i:i + together] for i in range(0, len(steps), together)]
    mean = lambda side, group: statistics.mean(side[step] for step in group)
    worst = max((abs(mean(ours, group) / mean(theirs, group) - 1) for group in groups),
                key=lambda difference: math.inf if math.isnan(difference) else difference)
    print(f"  {what}: {len(steps)} steps, losses (means of {together}) differ by at most {worst:.1e}")
    if not worst <= bound:
        print(f"FAILED: {what}: losses differ by {worst:.1e}, more than {bound:g}")
P
}

device() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,power.limit --format=csv | tee -a "$summary"
  bounded 60 version "$bin/bertha" --version
  cat "$out/version.log" >>"$summary"
  grep -q 'cuda ([1-9]' "$out/version.log" || { fail "no CUDA device seen: nothing else was run"; return 1; }
}

units() {
  local program
  for program in unit_trainer_kernels unit_trainer_optim unit_trainer_model unit_bertha_parallel; do
    OMP_NUM_THREADS=4 bounded 120 "gpu-$program" "$bin/$program" '--gtest_filter=Gpu*' &
  done
  wait
  for program in unit_trainer_kernels unit_trainer_optim unit_trainer_model unit_bertha_parallel; do
    grep -E '^\[  (FAILED|PASSED|SKIPPED)' "$out/gpu-$program.log" | tail -15 | tee -a "$summary"
    grep -q '^\[  PASSED  \] [1-9]' "$out/gpu-$program.log" || fail "gpu-$program: no test has passed"
    grep -q '^\[  SKIPPED' "$out/gpu-$program.log" && fail "gpu-$program: tests were skipped"
  done
}

# Correctness, many programs at a time: what they take is not of interest.
first() {
  device || return
  local small=(--train.threads 2 --train.global_batch 64)
  local off=("${small[@]}" --model.hidden_dropout 0 --model.attention_dropout 0)
  local cpu=(--train.device cpu --train.precision fp32) bf16=(--train.precision bf16) fp32=(--train.precision fp32)
  local gpu=(--train.device cuda --model.implementation fused) name
  units &
  train 120 tiny-cpu tiny 20 "${cpu[@]}" "${off[@]}" &
  train 120 tiny-reference tiny 20 --train.device cuda "${fp32[@]}" --model.implementation reference "${off[@]}" &
  { train 120 tiny-fused tiny 20 "${gpu[@]}" "${fp32[@]}" "${off[@]}"
    bounded 120 resume "$bin/bertha" pretrain --data.corpus "$corpus" --model.size tiny --train.steps 30 \
      "${gpu[@]}" "${fp32[@]}" "${off[@]}" --train.log_every 1 --train.validation_batches 2 \
      --train.output "$scratch/runs/tiny-fused"; } &
  train 120 tiny-fused-bf16 tiny 20 "${gpu[@]}" "${bf16[@]}" "${off[@]}" &
  train 120 tiny-fused-lamb tiny 20 "${gpu[@]}" "${fp32[@]}" --optimizer.name lamb "${off[@]}" &
  train 120 tiny-cpu-lamb tiny 20 "${cpu[@]}" --optimizer.name lamb "${off[@]}" &
  train 120 tiny-nccl tiny 20 "${gpu[@]}" "${fp32[@]}" --parallel.backend nccl "${off[@]}" &
  # With the CPU's own dropout: in fp32 the numbers are the same on both.
  train 120 dropout-cpu tiny 20 "${cpu[@]}" "${small[@]}" &
  train 120 dropout-fused tiny 20 "${gpu[@]}" "${fp32[@]}" "${small[@]}" &
  # What must be the same bits: one mode twice, and layers computed again, dropout and all.
  train 120 tiny-bf16 tiny 20 "${gpu[@]}" "${bf16[@]}" "${small[@]}" &
  train 120 tiny-recompute tiny 20 "${gpu[@]}" "${bf16[@]}" --model.recompute layers "${small[@]}" &
  train 120 tiny-deterministic tiny 20 "${gpu[@]}" "${bf16[@]}" --train.deterministic true "${small[@]}" &
  train 120 tiny-deterministic-2 tiny 20 "${gpu[@]}" "${bf16[@]}" --train.deterministic true "${small[@]}" &
  # A loss scale from which nothing overflows: a skipped step would shift the batches.
  train 120 tiny-fp16 tiny 20 "${gpu[@]}" --train.precision fp16 --train.loss_scale 1024 "${off[@]}" &
  wait
  for name in tiny-reference tiny-fused tiny-nccl; do compare $name tiny-cpu 1e-4; done
  for name in tiny-fused-bf16 tiny-fp16; do compare $name tiny-cpu 5e-3; done
  compare tiny-recompute tiny-bf16 0
  compare tiny-deterministic-2 tiny-deterministic 0
  compare tiny-fused-lamb tiny-cpu-lamb 1e-4
  compare dropout-fused dropout-cpu 1e-4
}

# Without LibTorch's cache every tensor is an allocation of its own, so that memcheck sees what reaches beyond one.
# Racecheck does not see what wgmma reads of shared memory, synccheck sees its order. Of whole models our kernels only.
sanitize() {
  local units=$here/libexec/bertha name
  local of_ours=(--kernel-name kns=bertha)
  sanitized() {  # NAME TOOL ARGUMENTS...: 170 s at most
    OMP_NUM_THREADS=4 bounded 170 "sanitizer-$1" env LD_LIBRARY_PATH="$(libraries)" PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
      compute-sanitizer --tool "$2" --error-exitcode 9 "${@:3}" '--gtest_filter=Gpu*'
  }
  sanitized memcheck memcheck "$units/unit_trainer_kernels" &
  sanitized racecheck racecheck "$units/unit_trainer_kernels" &
  sanitized synccheck synccheck "$units/unit_trainer_kernels" &
  sanitized memcheck-model memcheck "${of_ours[@]}" "$units/unit_trainer_model" &
  sanitized memcheck-optim memcheck "${of_ours[@]}" "$units/unit_trainer_optim" &
  wait
  for name in memcheck racecheck synccheck memcheck-model memcheck-optim; do
    tail -2 "$out/sanitizer-$name.log" | tee -a "$summary"
  done
}

# What the launcher would set, for tools that start the program themselves.
libraries() {
  local torch folder
  torch=$("$python" -c 'import importlib.util as u
print(u.find_spec("torch").submodule_search_locations[0])')
  printf '%s' "$here/lib/bertha:$torch/lib"
  for folder in "$torch"/../nvidia/*/lib; do printf ':%s' "$folder"; done
}

# 200 steps on the same batches: mini in bf16 beside Transformers, and tiny in bf16 beside our CPU in fp32.
depth() {
  rm -rf "$scratch/depth"
  mkdir -p "$scratch/depth"
  ln -s "$corpus" "$scratch/depth/corpus"
  bounded 170 depth-transformers env BERTHA_BINARY="$bin/bertha" BERTHA_WRITE_BATCHES="$bin/write_batches" \
    "$python" "$here/pretraining/run.py" - "$scratch/depth" device=cuda implementation=fused dropout=0 steps=200 \
    warmup_steps=20 global_batch=64 length=128 threads=2 seconds=1e9 differ_at_most=0.5 &
  local batch=(--train.global_batch 32)
  train 170 long-fused tiny 200 --train.device cuda --model.implementation fused --train.precision bf16 \
    --train.threads 2 "${batch[@]}" &
  train 170 long-cpu tiny 200 --train.device cpu --model.implementation reference --train.precision fp32 \
    --train.threads 4 "${batch[@]}" &
  wait
  cp "$scratch/depth/run/metrics.jsonl" "$out/depth-ours.jsonl"
  cp "$scratch/depth/peer.jsonl" "$out/depth-peer.jsonl"
  grep -h '^Bertha and' "$out/depth-transformers.log" | tee -a "$summary"
  compare long-fused long-cpu 5e-3 10
}

# A large batch: LAMB over 4,096 sequences of 128, 300 steps of mini. The loss of masked words has to end below the
# corpus' word frequencies, and never to rise by much.
lamb() {
  train 170 lamb-4096 mini 300 --train.device cuda --train.precision bf16 --train.threads 2 --train.global_batch 4096 \
    --train.micro_batch_tokens 65536 \
    --data.sequence_length 128 --optimizer.name lamb --optimizer.learning_rate 1e-2 --schedule.name polynomial \
    --schedule.power 0.5 --schedule.warmup_fraction 0.2843
  "$python" - "$out/lamb-4096.jsonl" <<'P' | report || fail "lamb-4096 was not judged"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
steps = [e for e in events if e["event"] == "train"]
losses = [e["loss"] for e in steps]
rise = max(after - before for before, after in zip(losses, losses[1:]))
masked = steps[-1]["mlm_loss"]
frequencies = next(e["unigram_entropy"] for e in events if "unigram_entropy" in e)
print(f"  LAMB, 4,096 sequences a step: loss {losses[0]:.3f} to {losses[-1]:.3f} in {len(losses)} steps, largest rise {rise:.3f}; "
      f"masked words {masked:.3f}, by word frequencies {frequencies:.3f}")
if not masked < frequencies or not rise < 0.5:
    print("FAILED: lamb-4096: the loss does not get below word frequencies, or jumps")
P
}

# size,batch,length,micro: the peer takes so many sequences at a time, so that it fits into 80 GB beside others.
# CASES: ours, with a table of kernels each; PEERS: the peer, eager and compiled.
cases="base,512,128,256 large,256,128,128 large,64,512,32 base,128,512,64 base,128,16-512,64 large,128,mlperf,32"
turn=$scratch/turn compiling=() compiling_names=()

step() {  # SECONDS NAME PROGRAM... ARGUMENTS: one line of JSON to OUT/speed.jsonl
  local seconds=$1 name=$2
  shift 2
  bounded "$seconds" "$name" "$@" device=cuda precision=bf16 threads=8 || return
  echo "{\"case\": \"${name%%.*}\", \"run\": $(tail -1 "$out/$name.log")}" >>"$out/speed.jsonl"
}

# The peer under torch.compile, a process each case: all compile now, beside whatever else runs, and wait for their
# turn. At most one for every 40 GB of the GPU's at a time; those of a size and micro-batch share what was compiled.
compile_peers() {
  local case size batch length micro lanes next=0
  declare -A lane_of=()
  lanes=$(($(nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits | head -1) / 40000))
  [ "$lanes" -gt 0 ] || lanes=1
  for case in ${PEERS-$cases}; do
    IFS=, read -r size batch length micro <<<"$case"
    local key=$size-${micro:=$batch} name=$size-${batch}x$length.compiled
    [ -n "${lane_of[$key]:-}" ] || lane_of[$key]=$((next++ % lanes))
    rm -f "$out/$name.log"
    step 420 "$name" "$python" "$here/peer_step.py" size="$size" batch="$batch" length="$length" micro="$micro" \
      attention=sdpa compile=yes steps=30 warmup=2 turn="$turn" warm="$scratch/lane-${lane_of[$key]}" &
    compiling+=($!) compiling_names+=("$name")
  done
}

# Until all have compiled, or SECONDS have gone by.
await_compiled() {
  local i end=$((SECONDS + $1))
  for i in "${!compiling[@]}"; do
    until grep -qs '^warm' "$out/${compiling_names[i]}.log" || ! kill -0 "${compiling[i]}" 2>/dev/null; do
      [ $SECONDS -lt $end ] || { fail "${compiling_names[i]} was still compiling when times were taken"; break; }
      sleep 1
    done
  done
}

ours() {
  local case size batch length micro name
  for case in ${CASES-$cases}; do
    IFS=, read -r size batch length micro <<<"$case"
    name=$size-${batch}x$length.fused
    step 40 "$name" "$bin/bench_step" size="$size" batch="$batch" length="$length" implementation=fused \
      steps=50 warmup=10 profile="$scratch/kernels-$name.txt"
    cp "$scratch/kernels-$name.txt" "$out/"
  done
}

# Two at a time: while one has its turn, the next gets ready on the CPU.
eager_peers() {
  local case size batch length micro before=
  for case in ${PEERS-$cases}; do
    IFS=, read -r size batch length micro <<<"$case"
    step 90 "$size-${batch}x$length.eager" "$python" "$here/peer_step.py" size="$size" batch="$batch" length="$length" \
      micro="${micro:-$batch}" attention=eager steps=20 warmup=5 turn="$turn" &
    [ -z "$before" ] || wait "$before"
    before=$!
  done
  [ -z "$before" ] || wait "$before"
}

table() {
  "$python" - "$out/speed.jsonl" <<'P' | report || fail "no table of times"
import json, sys
rows = {}
for line in open(sys.argv[1]):
    entry = json.loads(line)
    rows.setdefault(entry["case"], {})[entry["run"]["who"]] = entry["run"]
print("| case | who | tokens/s | ms a step | share of 989 TFLOP/s | MB | ours against it |")
print("|---|---|---|---|---|---|---|")
for case, runs in rows.items():
    ours = runs.get("bertha fused")
    for who, run in runs.items():
        share = f"{run['gflops'] / 989e3:.1%}" if "gflops" in run else ""
        ratio = f"{run['seconds'] / ours['seconds']:.2f}" if ours else ""
        print(f"| {case} | {who} | {run['tokens_per_second']:,.0f} | {1e3 * run['seconds']:.1f} | {share} | "
              f"{run['memory_mb']} | {ratio} |")
        if ours and ours["tokens"] != run["tokens"]:
            print(f"FAILED: {case}: {run['tokens']} tokens of {who}, {ours['tokens']} of ours")
P
}

# The turn is ours until ours have run; then the peers take it, one after the other.
begin_speed() {
  rm -f "$out/speed.jsonl"
  exec {lock}>"$turn"
  flock -w 10 "$lock" || fail "another process has its turn on the GPU"
  compile_peers
}
finish_speed() {
  await_compiled "$1"
  ours
  flock -u "$lock"
  [ ${#compiling[@]} = 0 ] || wait "${compiling[@]}"
  eager_peers
  table
}

speed() {
  begin_speed
  finish_speed 300
}

all() {
  local name other=(sanitize first depth lamb) running=() i
  device || return
  begin_speed
  for name in "${other[@]}"; do
    "$here/gpu_checks.sh" "$name" "$out" >"$out/$name.log" 2>&1 &
    running+=($!)
  done
  for i in "${!running[@]}"; do
    name=${other[i]}
    wait "${running[i]}" || [ -s "$out/failed-$name.txt" ] || fail "$name: it ended early"
    { echo "$name:"; grep -v '^FAILED' "$out/summary-$name.txt"; } | tee -a "$summary"
    cat "$out/failed-$name.txt" >>"$failed"
  done
  say "beside each other: $SECONDS s"
  finish_speed $((240 - SECONDS))
  say "all: $SECONDS s"
}

case $part in
  all | units | first | speed | depth | sanitize | lamb) "$part" ;;
  *) usage ;;
esac
tee -a "$summary" <"$failed"
[ ! -s "$failed" ]
