#!/usr/bin/env bash
# A rank that dies, or hangs: the others end within a minute, and the run goes on from its checkpoint.
. "$(dirname "$0")/../support/system.sh"
need_corpus
out=$scratch/run
pretrain=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 100000 --train.save_every 5 --train.output "$out")
pids() { pgrep -f "train.output $out" | while read -r p; do [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done; }
await_checkpoint() {
  for _ in $(seq 300); do ls "$out"/checkpoints/step-*/manifest.json >/dev/null 2>&1 && return; sleep 0.2; done
  fail "no checkpoint within a minute: $(tail -2 "$scratch/log")"
}
ranks 3 "${pretrain[@]}" >"$scratch/log" 2>&1 &
job=$!; await_checkpoint
kill -KILL "$(pids | tail -1)"; killed=$(date +%s)
wait $job; code=$?; took=$(($(date +%s) - killed))
[ $code != 0 ] || fail "killed rank: the job ended with 0"
[ $took -le 60 ] || fail "killed rank: the others lived on for $took s"
[ -z "$(pids)" ] || fail "killed rank: processes left: $(pids)"
echo "killed rank: job over after $took s with exit code $code"

# A rank that stands still: the watchdog names the phase and ends the job with 76.
ranks 2 "${pretrain[@]}" --parallel.timeout_seconds 5 >"$scratch/log" 2>&1 &
job=$!
for _ in $(seq 300); do grep -q 'resumed from' "$scratch/log" && [ "$(grep -c '"train"' "$out/metrics.jsonl")" -gt 20 ] && break; sleep 0.2; done
grep -q 'resumed from' "$scratch/log" || fail "the run did not go on after a killed rank: $(tail -2 "$scratch/log")"
sleep 2; kill -STOP "$(pids | tail -1)"; stopped=$(date +%s)
wait $job; code=$?; took=$(($(date +%s) - stopped))
[ $code = 76 ] || fail "hung rank: exit code $code, not 76: $(tail -3 "$scratch/log")"
[ $took -le 60 ] || fail "hung rank: took $took s"
grep -q 'bertha: error: .*' "$scratch/log" || fail "hung rank: no error line"
grep 'bertha: error' "$scratch/log" | head -2
pids | xargs -r kill -KILL
finish
