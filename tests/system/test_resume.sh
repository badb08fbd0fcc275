#!/usr/bin/env bash
# Exact resume: 20 steps equal 10 + 10 bit for bit, weights and moments; across rank counts the same samples and
# losses, and the same bits from whatever the checkpoint was sharded over.
. "$(dirname "$0")/../support/system.sh"
need_corpus
train() { ranks "$1" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 20 --train.output "$2" "${@:3}" >"$scratch/log" 2>&1; }
weights() { sha256sum <"$1/checkpoints/step-00000020/model.safetensors"; }
moments() { "$python" "$BERTHA_SOURCE/tests/support/moments.py" "$1/checkpoints/step-00000020"; }
same_state() { # folder, of folder
  [ "$(weights "$1")" = "$(weights "$2")" ] || fail "weights differ between $(basename "$1") and $(basename "$2")"
  [ -n "$(moments "$1")" ] && [ "$(moments "$1")" = "$(moments "$2")" ] || fail "moments differ between $(basename "$1") and $(basename "$2")"
}

for ranks_threads in "1 1" "2 1" "4 2"; do
  read -r n threads <<<"$ranks_threads"
  train $n "$scratch/whole$n" --train.threads $threads || fail "20 steps on $n ranks: $(tail -2 "$scratch/log")"
  train $n "$scratch/halves$n" --train.threads $threads --train.stop_after_steps 10; code=$?
  [ $code = 75 ] || fail "stop_after_steps on $n ranks ended with $code, not 75"
  train $n "$scratch/halves$n" --train.threads $threads || fail "10 more steps on $n ranks: $(tail -2 "$scratch/log")"
  [ "$(losses "$scratch/whole$n/metrics.jsonl")" = "$(losses "$scratch/halves$n/metrics.jsonl")" ] ||
    fail "losses differ between 20 and 10 + 10 steps on $n ranks"
  same_state "$scratch/whole$n" "$scratch/halves$n"
done
[ "$(losses "$scratch/whole1/metrics.jsonl" | wc -l)" = 20 ] || fail "not 20 train lines"

# A train line is the mean of the steps since the one before, also of those before a stop (7, in the midst of three steps)
# or a kill (after step 10, back to the save of step 8).
means=(--train.log_every 3)
train 1 "$scratch/means" "${means[@]}" || fail "a line every three steps: $(tail -2 "$scratch/log")"
train 1 "$scratch/stopped" "${means[@]}" --train.stop_after_steps 7; code=$?
[ $code = 75 ] || fail "a stop after 7 steps ended with $code, not 75"
BERTHA_FAULT=0:forward:10:kill train 1 "$scratch/killed" "${means[@]}" --train.save_every 4 --train.async_save false && fail "not killed"
for run in stopped killed; do
  train 1 "$scratch/$run" "${means[@]}" || fail "$run run goes on: $(tail -2 "$scratch/log")"
  [ "$(train_lines "$scratch/means/metrics.jsonl")" = "$(train_lines "$scratch/$run/metrics.jsonl")" ] ||
    fail "train lines of the $run run differ: $(diff <(train_lines "$scratch/means/metrics.jsonl") <(train_lines "$scratch/$run/metrics.jsonl"))"
done
[ "$(train_lines "$scratch/means/metrics.jsonl" | wc -l)" = 6 ] || fail "not 6 lines of 20 steps"
grep -q 'resumed from .*step-00000008' "$scratch/log" || fail "the killed run went on from another step than 8: $(head -5 "$scratch/log")"

# From 1 rank to 3, dropout off: the same samples, losses within rounding.
off=(--model.hidden_dropout 0 --model.attention_dropout 0)
train 1 "$scratch/plain" "${off[@]}" || fail "plain run"
train 1 "$scratch/one" "${off[@]}" --train.stop_after_steps 7
train 3 "$scratch/one" "${off[@]}" || fail "resume from 1 rank on 3: $(tail -2 "$scratch/log")"
for run in one; do
  paste <(losses "$scratch/plain/metrics.jsonl") <(losses "$scratch/$run/metrics.jsonl") |
    awk -v run=$run '{d=($2-$5)/$2; if (d<0) d=-d; if ($1!=$4 || d>1e-5) bad=1; if (d>worst) worst=d; n++}
      END {print run ": largest relative difference of the loss", worst, "over", n, "steps"; exit bad || n!=20}' ||
    fail "losses of '$run' do not follow the run on one rank"
done
# Saved by 4 ranks, with and without a sharded optimizer; 1, 2 and 3 go on, sharded or not.
for from in false true; do
  train 4 "$scratch/four$from" "${off[@]}" --parallel.shard_optimizer $from --train.stop_after_steps 10; code=$?
  [ $code = 75 ] || fail "four ranks, sharded $from: ended with $code: $(tail -2 "$scratch/log")"
  files=$(ls "$scratch/four$from"/checkpoints/step-00000010/optimizer-*.safetensors | wc -l)
  [ $files = $([ $from = true ] && echo 4 || echo 3) ] || fail "sharded $from: $files files of moments"
  for n in 1 2 3; do
    run=four$from$n to=$([ $n = 2 ] && echo true || echo false)
    cp -r "$scratch/four$from" "$scratch/$run"
    train $n "$scratch/$run" "${off[@]}" --parallel.shard_optimizer $to || fail "from 4 (sharded $from) to $n: $(tail -2 "$scratch/log")"
    paste <(losses "$scratch/plain/metrics.jsonl") <(losses "$scratch/$run/metrics.jsonl") |
      awk '{d=($2-$5)/$2; if (d<0) d=-d; if ($1!=$4 || d>1e-5) bad=1; n++} END {exit bad || n!=20}' ||
      fail "losses from 4 ranks (sharded $from) to $n do not follow the run on one rank"
  done
done
for n in 1 2 3; do same_state "$scratch/fourfalse$n" "$scratch/fourtrue$n"; done
# Options that change the training may not change silently.
expect 64 'optimizer.learning_rate was' ranks 1 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" \
  --train.steps 20 --train.output "$scratch/plain" "${off[@]}" --optimizer.learning_rate 1e-5
expect 64 'cannot be lowered' ranks 1 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" \
  --train.steps 15 --train.output "$scratch/plain" "${off[@]}"
# What was allowed to change is in the run's records.
expect 75 'optimizer.learning_rate was' ranks 1 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 30 \
  --train.output "$scratch/plain" "${off[@]}" --optimizer.learning_rate 1e-5 --train.resume_changed true --train.stop_after_steps 1
grep -q '"changed":".*optimizer.learning_rate was' "$scratch/plain/metrics.jsonl" || fail "the change is not in metrics.jsonl"
# Another model is refused, whatever is allowed.
deeper=("${tiny[@]}"); for i in "${!deeper[@]}"; do [ "${deeper[i]}" != --model.layers ] || deeper[i + 1]=2; done
expect 64 "layers was 1 and is now 2" ranks 1 "$bertha" pretrain --data.corpus "$corpus" "${deeper[@]}" --train.steps 30 \
  --train.output "$scratch/plain" "${off[@]}" --train.resume_changed true
finish
