#!/usr/bin/env bash
# A whole run in fp16: the loss follows fp32's; the loss scale grows, shrinks and is resumed; skipped steps are
# counted and do not advance the schedule; too many in a row end the run and leave the last checkpoint as it was.
. "$(dirname "$0")/../support/system.sh"
need_corpus
train() { # folder steps options...
  "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --optimizer.learning_rate 1e-3 --train.output "$scratch/$1" \
    --train.steps "$2" "${@:3}" >"$scratch/log" 2>&1
}
fp16=(--train.precision fp16)
state() { "$python" -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$(ls -d "$scratch/$1"/checkpoints/step-* | tail -1)/trainer_state.json" "$2"; }
train fp32 60 --train.precision fp32 || fail "fp32: $(tail -1 "$scratch/log")"
train fp16 60 "${fp16[@]}" --train.loss_scale 1024 --train.loss_scale_growth_steps 20 || fail "fp16: $(tail -1 "$scratch/log")"
train high 60 "${fp16[@]}" --train.loss_scale 1e10 --train.stop_after_steps 30; [ $? = 75 ] || fail "fp16 from 1e10: $(tail -1 "$scratch/log")"
"$python" - "$scratch" <<'P' || fail "an fp16 run is not what it should be"
import json, sys
def run(name):
    events = [json.loads(line) for line in open(f"{sys.argv[1]}/{name}/metrics.jsonl")]
    return [e for e in events if e["event"] == "train"]
fp32, fp16, high = run("fp32"), run("fp16"), run("high")
assert [e["step"] for e in fp32] == [e["step"] for e in fp16] == list(range(1, 61))
assert [e["step"] for e in high] == list(range(1, 31))
def apart(a, b): return max(abs(x["loss"] - y["loss"]) / y["loss"] for x, y in zip(a, b))
print(f"loss from {fp32[0]['loss']:.4f} to {fp32[-1]['loss']:.4f}; fp16 apart from fp32 by {apart(fp16, fp32):.2%} at most")
assert apart(fp16, fp32) < 0.005 and fp16[-1]["loss"] < fp16[0]["loss"] - 0.5
# 1024, doubled after 20 and 40 steps
assert [e["loss_scale"] for e in fp16] == [1024.0 * 2 ** ((e["step"] - 1) // 20) for e in fp16]
assert fp16[-1]["skipped_steps"] == 0
# Too high a scale: halved until nothing overflows; those batches are used up, the schedule waits.
skipped = high[0]["skipped_steps"]
print(f"from a scale of 1e10: {skipped} steps skipped before the first, {high[-1]['skipped_steps']} in all; last scale {high[-1]['loss_scale']:g}")
assert skipped > 5 and high[0]["loss_scale"] == 1e10 / 2 ** skipped
assert [e["learning_rate"] for e in high] == [e["learning_rate"] for e in fp32[:30]]
for e in high:
    assert e["loss_scale"] == 1e10 / 2 ** e["skipped_steps"]
    assert e["samples"] == 16 * (e["step"] + e["skipped_steps"])
P
[ "$(state high skipped_steps)" -gt 5 ] || fail "the checkpoint does not know the skipped steps"

# 12 = 5 + 7 steps, bit for bit, in the middle of what the scale counts.
scales=("${fp16[@]}" --train.loss_scale 1e9 --train.loss_scale_growth_steps 4)
train whole 12 "${scales[@]}" && { train parts 12 "${scales[@]}" --train.stop_after_steps 5; [ $? = 75 ]; } && train parts 12 "${scales[@]}" ||
  fail "resume: $(tail -1 "$scratch/log")"
for file in model.safetensors optimizer-00000-of-00001.safetensors; do
  cmp "$scratch"/{whole,parts}/checkpoints/step-00000012/$file || fail "$file differs after a resume"
done
[ "$(losses "$scratch/whole/metrics.jsonl")" = "$(losses "$scratch/parts/metrics.jsonl")" ] || fail "losses differ after a resume"
[ "$(state whole loss_scale)" = "$(state parts loss_scale)" ] || fail "loss scales differ after a resume"

# Fine-tuning alike: the batches of skipped steps are used up, the schedule waits for the weights; stops among skipped
# steps and after them change nothing.
"$python" -c 'for i in range(160): print("this town is a good place" if i % 2 else "the river of no one", "yes" if i % 2 else "no", sep="\t")' >"$scratch/rows.tsv"
tune() { # folder options...
  "$bertha" finetune --train.init "$scratch/fp32" --task.train "$scratch/rows.tsv" --task.max_length 24 --task.batch_size 8 \
    --task.epochs 2 --task.validation_fraction 0.2 --task.test_fraction 0 --train.threads 1 --train.log_every 1 --train.output "$scratch/$1" \
    --optimizer.learning_rate 1e-3 --metrics.tensorboard false --metrics.progress false "${@:2}" >"$scratch/log" 2>&1
}
high=("${fp16[@]}" --train.loss_scale 1e10 --train.loss_scale_most_skips 30)
tune tuned32 --train.precision fp32 && tune tuned16 "${high[@]}" || fail "fine-tuning: $(tail -1 "$scratch/log")"
for steps in 3 15; do tune stopped16 "${high[@]}" --train.stop_after_steps $steps; [ $? = 75 ] || fail "a stop after $steps: $(tail -1 "$scratch/log")"; done
tune stopped16 "${high[@]}" || fail "fine-tuning goes on: $(tail -1 "$scratch/log")"
"$python" - "$scratch" <<'P' || fail "fine-tuning in fp16 is not what it should be"
import json, sys
def run(name):
    events = [json.loads(line) for line in open(f"{sys.argv[1]}/{name}/metrics.jsonl")]
    return [e for e in events if e["event"] == "train"]
fp32, fp16, stopped = run("tuned32"), run("tuned16"), run("stopped16")
assert [e["step"] for e in fp32] == list(range(1, 33)) and fp32[-1]["samples"] == 256, len(fp32)
assert all(e["skipped_steps"] == 0 and e["loss_scale"] == 1 and e["tokens"] > 0 for e in fp32)
skipped = fp16[-1]["skipped_steps"]
print(f"fine-tuning from a scale of 1e10: {skipped} steps skipped, {len(fp16)} updates")
assert skipped > 5 and len(fp16) == 32 - skipped
assert [e["learning_rate"] for e in fp16] == [e["learning_rate"] for e in fp32[:len(fp16)]]
for update, e in enumerate(fp16, 1):
    assert e["step"] == update + e["skipped_steps"] and e["samples"] == 8 * e["step"], e
    assert e["loss_scale"] == 1e10 / 2 ** e["skipped_steps"], e
same = ("step", "samples", "tokens", "loss", "learning_rate", "gradient_norm", "loss_scale", "skipped_steps")
assert [[e[k] for k in same] for e in stopped] == [[e[k] for k in same] for e in fp16]
P
cmp "$scratch"/{tuned16,stopped16}/model/model.safetensors || fail "tuned weights differ after stops"

# One loss that is no number: skipped on both ranks, and training goes on.
BERTHA_FAULT=1:forward:3:nan ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" "${fp16[@]}" --train.loss_scale 1024 \
  --train.steps 6 --train.output "$scratch/nan" >"$scratch/log" 2>&1 || fail "a NaN on one rank ended the run: $(tail -1 "$scratch/log")"
[ "$(state nan skipped_steps) $(state nan step) $(state nan loss_scale)" = "1 6 512.0" ] || fail "a NaN is not one skipped step"

# A run that breaks down: an error that says what to do, and nothing over the good checkpoint.
train broken 5 "${fp16[@]}" --train.loss_scale 1024 || fail "five good steps: $(tail -1 "$scratch/log")"
before=$(cat "$scratch"/broken/checkpoints/step-00000005/* | sha256sum)
named='step [0-9]+: first parameter (bert|cls)\.[A-Za-z0-9_.]+; .*rank 0.s samples [0-9]+ [0-9]+ .* nothing was saved over it'
expect 70 "overflowed in 7 steps in a row, at a loss scale of 8; loss or gradient is not a finite number in $named" "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" "${fp16[@]}" \
  --train.output "$scratch/broken" --train.steps 100 --train.save_every 50 --optimizer.learning_rate 1e9 --schedule.warmup_steps 0 \
  --train.resume_changed true --train.loss_scale_most_skips 7
[ "$before" = "$(cat "$scratch"/broken/checkpoints/step-00000005/* | sha256sum)" ] || fail "the good checkpoint was touched"
[ "$(basename "$(ls -d "$scratch"/broken/checkpoints/step-* | tail -1)")" = step-00000005 ] || fail "something was saved after it"
# One rank's loss alone, and no second try: all ranks end, with the words of that rank.
BERTHA_FAULT=1:forward:3:nan expect 70 'overflowed in 1 steps in a row.* in step 4: first parameter .*; the loss of rank 1 is the first; rank 1.s samples [0-9]+ ' \
  ranks 2 "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" "${fp16[@]}" --train.loss_scale 1024 --train.loss_scale_most_skips 1 \
  --train.steps 6 --train.output "$scratch/once"
expect 64 'train.loss_scale_growth_steps' "$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" "${fp16[@]}" --train.steps 1 \
  --train.output "$scratch/no" --train.loss_scale_growth_steps 0
finish
