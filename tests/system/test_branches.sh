#!/usr/bin/env bash
# Runs that begin before their own checkpoints (train.resume PATH, never), checkpoints that are not what their names or
# bytes say, and a stop in the step of a validation: what is kept, where the next start goes on, what it says.
. "$(dirname "$0")/../support/system.sh"
need_corpus
out=$scratch/run
command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 24 --train.save_every 5 --train.async_save false)
run() { "${command[@]}" --train.output "$out" "$@" >"$scratch/log" 2>&1; }
# made STEPS: a run stopped after so many steps, all checkpoints kept, in $out.
made() {
  rm -rf "$out"
  run --train.keep_last 0 --train.stop_after_steps "$1"; local code=$?
  [ $code = 75 ] || fail "stopped after $1 steps: $code: $(tail -2 "$scratch/log")"
}
there() { (cd "$1/checkpoints" && echo step-* | sed 's/step-0*//g'); }
# is WHAT A B: equal, or a failure.
is() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3': $(tail -3 "$scratch/log")"; }
ends() { local code=$1; shift; run "$@"; local got=$?; [ $got = "$code" ] || fail "$*: exit code $got, not $code: $(tail -3 "$scratch/log")"; }
steps() { losses "$out/metrics.jsonl" | cut -d' ' -f1 | tr '\n' ' '; }
says() { grep -qE -- "$1" "$scratch/log" || fail "no line like '$1': $(tail -5 "$scratch/log")"; }
step() { printf '%s/checkpoints/step-%08d' "$out" "$1"; }

# In words and as JSON.
made 20
is "four checkpoints" "$(there "$out")" "5 10 15 20"
expect 0 '^samples +[1-9][0-9]*$' "$bertha" inspect "$(step 20)"
expect 0 '"samples": [1-9][0-9]*,$' "$bertha" inspect "$(step 20)" --json
expect 0 '^  samples +[1-9][0-9]*$' "$bertha" inspect "$out"

# A copy under another step's name is a fault, and not the newest.
cp -r "$(step 20)" "$(step 99)"
expect 65 'step-00000099 holds step 20' "$bertha" verify "$out"
ends 75 --train.keep_last 0 --train.stop_after_steps 1
says 'passing over a checkpoint: .*step-00000099 holds step 20'; says 'resumed from .*step-00000020'
is "the copy stays" "$(there "$out")" "5 10 15 20 21 99"

# A damaged newest one does not count for keep_last.
made 20
printf x | dd of="$(step 20)/model.safetensors" bs=1 seek=3000 conv=notrunc status=none
expect 65 'step-00000020.*another checksum' "$bertha" verify "$(step 20)"
ends 75 --train.keep_last 2 --train.stop_after_steps 2
says 'resumed from .*step-00000015'
is "two good ones, and the damaged one" "$(there "$out")" "15 17 20"
ends 0 --train.keep_last 2
is "after the end" "$(there "$out")" "20 24"

# A branch from step 5: the rest is set aside, only its own count, and the same command goes on without step 5.
made 20
whole=$scratch/whole; cp -r "$out" "$whole"
branch=(--train.resume "$(step 5)" --train.keep_last 2)
ends 75 "${branch[@]}" --train.stop_after_steps 3
says '3 checkpoints of another branch \(step 10 to 20\) are set aside in .*abandoned-1'
says 'the same command goes on from there'
is "the branch" "$(there "$out")" "5 8"
expect 0 '^began_from .*/checkpoints/step-00000005$' "$bertha" inspect "$(step 8)"
is "set aside" "$(there "$out/abandoned-1")" "10 15 20"
is "the curves of the branch" "$(steps)" "1 2 3 4 5 6 7 8 "
grep -q '"event":"warning","step":5.*set aside' "$out/metrics.jsonl" || fail "no warning event of the branch"
cmp -s "$whole/metrics.jsonl" "$out/abandoned-1/metrics.jsonl" || fail "the other branch's curves are not with it"
expect 0 '' "$bertha" verify "$out/abandoned-1"
ends 75 "${branch[@]}" --train.stop_after_steps 3
says 'step-00000008 is of the branch from '; says 'resumed from .*step-00000008'
is "the branch, later" "$(there "$out")" "10 11"
ends 75 --train.keep_last 2 --train.stop_after_steps 2
says 'resumed from .*step-00000011'
ends 0 "${branch[@]}"
says 'resumed from .*step-00000013'
[ ! -e "$out/abandoned-2" ] || fail "going on with a branch set something aside"
is "every step once" "$(steps)" "$(seq -s' ' 24) "

# From the beginning, with another seed: what goes on afterwards is that run.
rm -rf "$out"; cp -r "$whole" "$out"
ends 75 --train.resume never --train.seed 5 --train.keep_last 2 --train.stop_after_steps 3
says 'the same command with --train.resume auto goes on'
is "begun anew" "$(there "$out")" "3"
is "set aside by never" "$(there "$out/abandoned-1")" "5 10 15 20"
ends 75 --train.seed 5 --train.keep_last 2 --train.stop_after_steps 3
says 'resumed from .*step-00000003'
is "steps begun anew" "$(steps)" "1 2 3 4 5 6 "
# And back.
ends 75 --train.resume "$out/abandoned-1" --train.stop_after_steps 2
says 'resumed from .*abandoned-1/checkpoints/step-00000020'
is "back on the first branch" "$(there "$out")" "22"

# Fine-tuning: from the end of the first epoch again, to the same end; then from scratch.
awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 64; ++i) print (i % 4 ? "a bad" : "a good") " cup of tea , number " i "\t" (i % 4 ? "no" : "yes") }' >"$scratch/train.tsv"
out=$scratch/tuned
command=("$bertha" finetune --train.init "$whole" --task.train "$scratch/train.tsv" --task.epochs 3 --task.batch_size 16 --task.max_length 24
  --train.threads 1 --train.log_every 1 --train.precision fp32 --metrics.tensorboard false --optimizer.learning_rate 3e-3 --train.keep_last 0)
ends 0
read -r first second third <<<"$(there "$out")"
cp "$out/scores.json" "$scratch/scores.json"; cp "$out/model/model.safetensors" "$scratch/best"
ends 0 --train.resume "$(step "$first")"
is "set aside of fine-tuning" "$(there "$out/abandoned-1")" "$second $third"
is "trained again" "$(there "$out")" "$first $second $third"
cmp -s "$out/scores.json" "$scratch/scores.json" || fail "fine-tuning from its first epoch has other scores"
cmp -s "$out/model/model.safetensors" "$scratch/best" || fail "fine-tuning from its first epoch has another model"
grep -q '"event":"warning".*set aside' "$out/metrics.jsonl" || fail "no warning event of the branch of fine-tuning"
ends 75 --train.resume never --train.stop_after_steps 1
is "fine-tuning begun anew" "$(there "$out/abandoned-2")" "$first $second $third"
ends 0
cmp -s "$out/scores.json" "$scratch/scores.json" || fail "fine-tuning begun anew has other scores"
command=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 24 --train.save_every 5 --train.async_save false)

# A signal in a step whose validation is due: that step is saved, the validation comes when the run goes on, and all
# numbers are those of a run that was not disturbed.
validations() { "$python" -c 'import json,sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event"] == "validation": print(e["step"], repr(e["loss"]), e["sequences"])' "$1"; }
often=(--train.validate_every 4)
out=$scratch/undisturbed; ends 0 "${often[@]}"
is "validations" "$(validations "$out/metrics.jsonl" | cut -d' ' -f1 | tr '\n' ' ')" "4 8 12 16 20 24 "
out=$scratch/signalled
BERTHA_FAULT=0:forward:7:slow3000 "${command[@]}" "${often[@]}" --train.output "$out" >"$scratch/log" 2>&1 &
job=$!
for _ in $(seq 600); do grep -qs '"train","step":7,' "$out/metrics.jsonl" && break; sleep 0.1; done
sleep 0.5; kill -s TERM $job; wait $job; code=$?
is "exit code of the signalled run" $code 75
is "its last step" "$(steps)" "1 2 3 4 5 6 7 8 "
is "its validations" "$(validations "$out/metrics.jsonl" | cut -d' ' -f1 | tr '\n' ' ')" "4 "
ends 0 "${often[@]}"
[ "$(validations "$out/metrics.jsonl")" = "$(validations "$scratch/undisturbed/metrics.jsonl")" ] || fail "validations differ after a stop"
[ "$(losses "$out/metrics.jsonl")" = "$(losses "$scratch/undisturbed/metrics.jsonl")" ] || fail "losses differ after a stop"
finish
