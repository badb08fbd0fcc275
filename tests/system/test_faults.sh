#!/usr/bin/env bash
# The fault matrix: one rank goes wrong (BERTHA_FAULT=rank:place:step:kind, see tests/README.md). Every time the job is
# over in bounded time with the right code and says what happened, no process is left, the last checkpoint is whole, and
# the next start, which is the next fault's, goes on from it.
. "$(dirname "$0")/../support/system.sh"
need_corpus
out=$scratch/run
digest() { [ -z "$1" ] || cat "$1"/* | sha256sum; }
newest() { find "$out/checkpoints" -maxdepth 1 -name 'step-????????' 2>/dev/null | sort | tail -1; }
pids() { pgrep -f "train.output $out" | while read -r p; do [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done; }
printf '%-12s %5s %4s %7s  %s\n' fault ranks code seconds message
# fault RANKS RANK:PLACE:KIND CODE SECONDS PATTERN options...
background=false # whether saves go on beside training
fault() {
  local n=$1 what=$2 code=$3 limit=$4 pattern=$5; shift 5
  local rank=${what%%:*} kind=${what##*:} place before step began got took last sum
  last=$(newest) sum=$(digest "$last")
  place=${what#*:} place=${place%:*} before=$((10#0${last##*step-}))
  step=$((before + 7))
  # Beside training, a save is over for certain only when the next has begun.
  [ $background = false ] || step=$((before + 10))
  [ "$place" != check ] || step=0
  began=$(date +%s%N)
  BERTHA_FAULT=$rank:$place:$step:$kind ranks "$n" timeout 60 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 \
    --train.save_every 5 --train.async_save $background --train.keep_last 0 --train.stop_after_steps 30 --train.output "$out" --parallel.timeout_seconds 4 \
    "$@" >"$scratch/log" 2>&1
  got=$?; took=$(($(date +%s%N) - began)); took=$((took / 1000000))
  printf '%-12s %5s %4s %5s.%s  %s\n' "$place:$kind" "$n" $got $((took / 1000)) $((took % 1000 / 100)) "$(grep -aoE "$pattern" "$scratch/log" | head -1 | cut -c1-200)"
  [ $got = "$code" ] || fail "$what on $n: exit code $got, not $code: $(grep -a bertha: "$scratch/log" | tail -2)"
  [ $took -le $((limit * 1000)) ] || fail "$what on $n: took $took ms"
  grep -qaE "$pattern" "$scratch/log" || fail "$what on $n: no line like '$pattern': $(grep -a bertha: "$scratch/log" | tail -3)"
  # A rank that could say nothing is named by another, once; who could is not.
  [ "$(grep -ac 'gone without a word' "$scratch/log")" = $([ "$kind" = kill ] && echo 1 || echo 0) ] || fail "$what on $n: $(grep -a 'without a word' "$scratch/log")"
  [ -z "$(pids)" ] || { fail "$what on $n: processes left"; pids | xargs -r kill -KILL; }
  if [ "$before" != 0 ]; then
    grep -qa "resumed from .*step-$(printf %08d "$before")" "$scratch/log" || fail "$what on $n: did not go on from step $before"
  fi
  [ "$(digest "$last")" = "$sum" ] || fail "$what on $n: the checkpoint of step $before is another than before"
  local after; after=$(newest); after=$((10#0${after##*step-}))
  [ "$place:$kind" != forward:nan ] || [ "$after" = $((before + 5)) ] || fail "$what on $n: step $after was saved after a NaN"
  [ "$after" -ge $((before + 5)) ] || fail "$what on $n: checkpoint of step $after after $before"
  "$bertha" verify "$(newest)" >/dev/null 2>&1 || fail "$what on $n: the newest checkpoint is damaged"
}
gone() { echo "bertha: error: rank $1 on $(hostname) is gone without a word: .*\(heartbeats.cpp:[0-9]+\); .*the same command goes on"; }
fault 3 2:forward:kill 137 15 "$(gone 2)"
fault 2 0:optimizer:kill 137 15 "$(gone 0)"
fault 2 1:save:kill 137 15 "$(gone 1)" --parallel.shard_optimizer true
fault 3 0:save:kill 137 15 "$(gone 0)"
fault 3 1:forward:stop 76 20 'bertha: error: .*no progress for .*the job stands at all-reduce #[0-9]+ of [0-9]+ bytes: rank 1 silent for [0-9]+ s'
fault 2 0:reduction:stop 76 20 'bertha: error: rank 1: no progress for .*rank 0 silent for [0-9]+ s'
fault 3 2:reduction:hang 76 20 'bertha: error: .*stands at .*: rank 2 has not arrived: in phase "gradient all-reduce"'
fault 3 2:reduction:hang 76 20 'bertha: error: .*stands at .*: rank 2 has not arrived: in phase "gradient reduce-scatter"' --parallel.shard_optimizer true
fault 3 1:optimizer:hang 76 20 'bertha: error: .*stands at gather #[0-9]+ .*: rank 1 has not arrived: in phase "optimizer"' --parallel.shard_optimizer true
fault 3 1:data:throw 70 15 'bertha: error: rank 1: fault in data'
fault 4 3:forward:throw 70 15 'bertha: error: rank 3: fault in forward'
fault 3 0:reduction:throw 70 15 'bertha: error: rank 0: fault in reduction'
fault 2 1:forward:nan 70 15 'not a finite number in step [0-9]+.*the loss of rank 1 is the first'
fault 2 1:save:throw 75 25 'step [0-9]+ is not saved: .*rank 1: fault in save.*; training goes on' --parallel.shard_optimizer true
fault 2 0:save:full 75 25 'step [0-9]+ is not saved: .*No space left on device.*; training goes on'
fault 2 1:save:full 75 25 'step [0-9]+ is not saved: .*rank 1: .*No space left on device.*; training goes on' --parallel.shard_optimizer true
fault 2 1:save:hang 76 20 'bertha: error: .*no progress for .*phase "waiting for a checkpoint to be written": rank 1 is not done'
fault 2 0:written:nan 75 25 'step [0-9]+ is not saved: .*has another checksum than the manifest says.*; training goes on'
fault 2 0:check:slow1000 75 40 'resumed from .*step-[0-9]+'
background=true
fault 2 1:save:throw 75 25 'step [0-9]+ is not saved: .*rank 1: fault in save.*; training goes on' --parallel.shard_optimizer true
fault 2 0:save:full 75 25 'step [0-9]+ is not saved: .*No space left on device.*; training goes on'
fault 2 1:save:full 75 25 'step [0-9]+ is not saved: .*rank 1: .*No space left on device.*; training goes on' --parallel.shard_optimizer true
fault 2 1:save:hang 76 20 'bertha: error: .*no progress for .*phase "waiting for a checkpoint to be written": rank 1 is not done'
background=false
fault 2 1:forward:slow60 75 30 'rank 1 is slow: [0-9.]+ s of work a step, the others [0-9.]+ s'
# Ranks that differ are found before the first step, with both values. Each rank runs in a folder of its own.
mkdir -p "$scratch/0" "$scratch/1"
ln -s "$corpus" "$scratch/0/corpus"
ln -s "$corpus" "$scratch/1/corpus"
differ() { # CODE PATTERN, program of rank 1, its options
  local code=$1 pattern=$2 program=$3; shift 3
  local options=(pretrain --data.corpus corpus "${tiny[@]}" --train.steps 3 --train.output "$scratch/differ")
  expect "$code" "$pattern" mpirun --oversubscribe --bind-to none -n 1 -wdir "$scratch/0" "$bertha" "${options[@]}" : \
    -n 1 -wdir "$scratch/1" "$program" "${options[@]}" "$@"
  [ ! -e "$scratch/differ/checkpoints" ] || fail "ranks that differ saved something"
}
differ 64 'the ranks differ in the options: rank 0 has "global_batch = 16", rank 1 has "global_batch = 32"' "$bertha" --train.global_batch 32
cp "$bertha" "$scratch/other" && "$python" - "$scratch/other" <<'P'
import sys
program = bytearray(open(sys.argv[1], "rb").read())
program[program.index(b"\x14\0\0\0\3\0\0\0GNU\0") + 12] ^= 1  # the build id's first byte
open(sys.argv[1], "wb").write(program)
P
differ 64 'the ranks differ in the program: rank 0 has "build id [0-9a-f]{40}", rank 1 has "build id [0-9a-f]{40}"' "$scratch/other"
rm "$scratch/1/corpus" && "$bertha" prepare --input.paths "$samples/wikipedia/enwiki.xml.bz2" --tokenizer.vocab "$vocab" \
  --prepare.output "$scratch/1/corpus" --prepare.shard_tokens 100000 --prepare.seed 7 >/dev/null 2>&1
differ 64 'the ranks differ in the corpus: rank 0 has "[0-9a-f]{64}", rank 1 has "[0-9a-f]{64}"' "$bertha"
finish
