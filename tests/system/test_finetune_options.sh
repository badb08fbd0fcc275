#!/usr/bin/env bash
# Options of fine-tuning in whole runs: stop, kill and resume within an epoch, a sharded optimizer, changed options, early
# stopping, the best epoch by any score, class weights, layer rates, several seeds, evaluation with a matrix, pipes.
. "$(dirname "$0")/../support/system.sh"
need_corpus
cd "$scratch" || exit 1
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 2 --train.output run >log 2>&1 || fail "pretrain: $(tail -2 log)"
"$python" - <<'P'
import random
random.seed(3)
words = "tea coffee bread apple river stone music paper".split()
def row(label): return " ".join(random.choices(words, k=random.randint(2, 30))) + (" good" if label else " bad")
with open("train.tsv", "w") as f:
    print("text", "label", sep="\t", file=f)
    for i in range(120): print(row(i % 4 == 0), "yes" if i % 4 == 0 else "no", sep="\t", file=f)
P
tune=("$bertha" finetune --train.init run --task.train train.tsv --task.max_length 24 --task.batch_size 16
  --task.epochs 3 --train.threads 1 --metrics.tensorboard false --train.log_every 1 --optimizer.learning_rate 3e-3)
"${tune[@]}" --train.output whole >log 2>&1 || fail "whole: $(tail -2 log)"
grep -q 'examples were cut to task.max_length 24; they lost' log || fail "truncated texts are not reported"
[ "$(grep -c 'were cut' log)" = 1 ] || fail "truncated texts are reported more than once"
# Within the second of three epochs of 6 steps: the same losses, scores and weights as in one go.
expect 75 'stopped and saved' "${tune[@]}" --train.output parts --train.stop_after_steps 8
expect 64 'task.batch_size was .16. and is now .8.' "${tune[@]}" --train.output parts --task.batch_size 8
sed 's/tea/milk/' train.tsv >other.tsv
expect 64 'the examples, or how they are split' "${tune[@]}" --train.output parts --task.train other.tsv
expect 64 'the examples, or how they are split' "${tune[@]}" --train.output parts --task.split_seed 5
cp train.tsv moved.tsv
expect 0 'resumed from' "${tune[@]}" --train.output parts --task.train moved.tsv
[ "$(losses whole/metrics.jsonl)" = "$(losses parts/metrics.jsonl)" ] || fail "losses differ after a resume within an epoch"
cmp -s whole/scores.json parts/scores.json || fail "scores differ after a resume within an epoch"
cmp -s whole/model/model.safetensors parts/model/model.safetensors || fail "weights differ after a resume within an epoch"
expect 0 'this run is finished' "${tune[@]}" --train.output parts
# Killed within the first epoch: it goes on from the last state of train.save_every, to the same bits.
BERTHA_FAULT=0:forward:5:kill "${tune[@]}" --train.output killed --train.save_every 2 >log 2>&1
[ $? = 137 ] || fail "not killed: $(tail -2 log)"
expect 0 'resumed from killed/checkpoints/step-00000004' "${tune[@]}" --train.output killed --train.save_every 2
[ "$(losses whole/metrics.jsonl)" = "$(losses killed/metrics.jsonl)" ] || fail "losses differ after a kill"
cmp -s whole/scores.json killed/scores.json || fail "scores differ after a kill"
cmp -s whole/model/model.safetensors killed/model/model.safetensors || fail "weights differ after a kill"
# A loss that is no number, in step 9: the rows of the rank whose loss broke are named by file and line, of both ranks
# together the sixteen of that step; what was saved, of step 8 and of the best epoch, stays as it is.
broken=("${tune[@]}" --train.output broken)
ranks 2 "${broken[@]}" --train.stop_after_steps 8 >log 2>&1; [ $? = 75 ] || fail "to a stop before a NaN: $(tail -2 log)"
digest() { find broken/checkpoints broken/model -type f | sort | xargs sha256sum; }
before=$(digest)
for r in 0 1; do
  BERTHA_FAULT=$r:forward:8:nan ranks 2 "${broken[@]}" >log 2>&1; [ $? = 70 ] || fail "a NaN did not end with 70: $(tail -2 log)"
  grep -oE "in step 9: first parameter bert\.[a-zA-Z0-9_.]+; the loss of rank $r is the first; rank $r's samples train.tsv:[0-9, ]+ \(micro-batch 1 of 1\)" log |
    sort -u | sed -E 's/.*train.tsv:(.*) \(.*/\1/; s/, /\n/g' >rows$r
  [ -s rows$r ] || fail "no rows of rank $r: $(tail -2 log)"
done
cat rows0 rows1 | sort -n | awk '$1 < 2 || $1 > 121 || $1 == last { exit 1 } { last = $1 } END { if (NR != 16) exit 1 }' ||
  fail "not the 16 rows of step 9: $(cat rows0 rows1 | tr '\n' ' ')"
[ -n "$before" ] && [ "$(digest)" = "$before" ] || fail "a NaN changed what was saved before it"
expect 0 'resumed from broken/checkpoints/step-00000008' ranks 2 "${broken[@]}"
# A number whose square is beyond fp32: the row that holds it is among the four of its batch.
"$python" -c 'for i in range(1, 41): print("tea " * i, 3e38 if i == 23 else i / 40, sep="\t")' >numbers.tsv
"${tune[@]}" --task.name regression --task.train numbers.tsv --task.validation numbers.tsv --task.test_fraction 0 --task.batch_size 4 \
  --train.output numbers >log 2>&1; [ $? = 70 ] || fail "a label of 3e38 did not end with 70: $(tail -2 log)"
grep -qE "rank 0's samples numbers.tsv:([0-9]+, )*23(, [0-9]+)* \(micro-batch 1 of 1\)" log || fail "row 23 is not named: $(tail -2 log)"
[ ! -e numbers/model ] || fail "a model was saved after a loss that is no number"
# A line every three steps, a stop in the midst of them.
expect 0 'finished|test' "${tune[@]}" --train.output thirds --train.log_every 3
expect 75 'stopped and saved' "${tune[@]}" --train.output two_thirds --train.log_every 3 --train.stop_after_steps 8
expect 0 'resumed from' "${tune[@]}" --train.output two_thirds --train.log_every 3
[ "$(train_lines thirds/metrics.jsonl | wc -l)" = 6 ] || fail "not 6 lines of 18 steps: $(train_lines thirds/metrics.jsonl)"
[ "$(train_lines thirds/metrics.jsonl)" = "$(train_lines two_thirds/metrics.jsonl)" ] || fail "lines of three steps differ after a stop"
# Each rank with its part of the moments: the same bits as with all of them, also after a stop.
ranks 2 "${tune[@]}" --train.output both >log 2>&1 || fail "two ranks: $(tail -2 log)"
sharded=("${tune[@]}" --train.output shards --parallel.shard_optimizer true)
ranks 2 "${sharded[@]}" --train.stop_after_steps 8 >log 2>&1; [ $? = 75 ] || fail "sharded, to a stop: $(tail -2 log)"
ranks 2 "${sharded[@]}" >log 2>&1 || fail "sharded, from a stop: $(tail -2 log)"
[ "$(losses both/metrics.jsonl)" = "$(losses shards/metrics.jsonl)" ] || fail "losses differ with a sharded optimizer"
cmp -s both/model/model.safetensors shards/model/model.safetensors || fail "weights differ with a sharded optimizer"
"$python" - shards <<'P' || fail "not each rank has its part of the moments"
import glob, sys
from safetensors.numpy import load_file
newest = sorted(glob.glob(f"{sys.argv[1]}/checkpoints/step-*"))[-1]
files = sorted(glob.glob(f"{newest}/optimizer-*.safetensors"))
sizes = [sum(v.size for v in load_file(f).values()) for f in files]
assert len(sizes) == 2 and 0.4 < sizes[0] / sum(sizes) < 0.6, (files, sizes)
P
"$python" - whole <<'P' || fail "metrics or scores are not as promised"
import json, sys
events = [json.loads(l) for l in open(f"{sys.argv[1]}/metrics.jsonl")]
train = [e for e in events if e["event"] == "train"]
assert len(train) == 18 and all(e["tokens_per_second"] > 0 and e["sequences_per_second"] > 0 for e in train)
start = next(e for e in events if e["event"] == "start")
assert start["task"] == "classification" and start["total_steps"] == 18 and start["world_size"] == 1, start
scores = json.load(open(f"{sys.argv[1]}/scores.json"))
assert scores["truncated"]["examples"] > 0 and scores["truncated"]["tokens"] > 0, scores
P
# Early stopping by a score that cannot rise: a learning rate of almost nothing.
still=("${tune[@]}" --task.epochs 9 --task.patience 2 --task.metric accuracy --optimizer.learning_rate 1e-12)
"${still[@]}" --train.output still >log 2>&1 || fail "early stopping: $(tail -2 log)"
epochs() { "$python" -c 'import json,sys; s = json.load(open(sys.argv[1])); print(len(s["validation"]), s["best_epoch"])' "$1"; }
[ "$(epochs still/scores.json)" = "3 1" ] || fail "early stopping: $(epochs still/scores.json), not 3 1"
expect 0 'this run is finished' "${still[@]}" --train.output still
# Of any score the best epoch is kept; a loss is best when smallest.
for metric in loss f1 matthews_correlation; do
  "${tune[@]}" --task.epochs 4 --task.metric $metric --train.output "best-$metric" >log 2>&1 || fail "$metric: $(tail -2 log)"
  "$python" - "best-$metric/scores.json" $metric <<'P' || fail "the best epoch by $metric is another"
import json, sys
s, metric = json.load(open(sys.argv[1])), sys.argv[2]
values = [v[metric] for v in s["validation"]]
assert s["best_epoch"] == 1 + values.index(min(values) if metric == "loss" else max(values)), (values, s["best_epoch"])
P
done
# Before anything is trained, and for people who try first.
for dry in true false; do
  expect 64 'expected auto or one of loss, accuracy' "${tune[@]}" --task.metric bleu --train.output no-metric --train.dry_run $dry
done
[ ! -e no-metric/metrics.jsonl ] || fail "a score that is not there was trained for"
# Lengths and schedules that are none.
for epochs in 0 -1 1e30; do expect 64 'task.epochs = .*: expected a number above 0, at most 1000000' "${tune[@]}" --task.epochs $epochs --train.output bad; done
expect 64 'task.patience = -1: expected 1 or more epochs, or 0' "${tune[@]}" --task.patience -1 --train.output bad
for share in 1.5 -0.2; do expect 64 "schedule.warmup_fraction = '$share' .*expected a number from 0 to 1" "${tune[@]}" --schedule.warmup_fraction $share --train.output bad; done
# Frozen layers keep their bits, on two ranks too; the head learns.
for n in 1 2; do
  ranks $n "${tune[@]}" --task.epochs 1 --task.freeze_layers 1 --task.layer_decay 0.5 --task.class_weights balanced \
    --train.output frozen$n >log 2>&1 || fail "frozen, $n rank(s): $(tail -2 log)"
done
"$python" - run frozen1 frozen2 <<'P' || fail "frozen weights moved, or the others did not"
import glob, sys
from safetensors.numpy import load_file
before = load_file(sorted(glob.glob(f"{sys.argv[1]}/checkpoints/step-*/model.safetensors"))[-1])
for run in sys.argv[2:]:
    after = load_file(f"{run}/model/model.safetensors")
    for name, value in after.items():
        if "embeddings" in name or "encoder.layer.0." in name:
            assert (value == before[name]).all(), (run, name)
        elif name in before:
            assert (value != before[name]).any(), (run, name)
P
# Who asked for the fused path is told that it cannot be, once; who left it to the program is not.
for n in 1 2; do
  ranks $n "${tune[@]}" --task.epochs 1 --task.freeze_layers 1 --model.implementation fused --train.output fused$n >log 2>&1 || fail "frozen, fused: $(tail -2 log)"
  [ "$(grep -c 'takes the reference path' log)" = 1 ] || fail "$n rank(s) warn of the reference path $(grep -c 'reference path' log) times"
  grep -qE '^implementation *= *reference' fused$n/resolved.ini || fail "resolved.ini says another path than was taken"
done
"${tune[@]}" --task.epochs 1 --task.freeze_layers 1 --train.output silent >log 2>&1 || fail "frozen: $(tail -2 log)"
if grep -q 'reference path' log; then fail "a warning of a path that nobody asked for"; fi
expect 64 'freeze_layers = 2: the model has 1 layers' "${tune[@]}" --task.freeze_layers 2 --train.output bad
expect 64 'class_weights = rare: expected|class_weights = .rare.: expected' "${tune[@]}" --task.class_weights rare --train.output bad
# Several seeds: a folder each, the same split, no finished one again; a stop is gone on from; the best one's model.
seeds=("${tune[@]}" --task.epochs 1 --task.seeds 3 --train.seed 5 --train.output seeds)
expect 75 'stopped and saved' "${seeds[@]}" --train.stop_after_steps 3
"${seeds[@]}" >log 2>&1 || fail "seeds: $(tail -2 log)"
grep -q 'resumed from seeds/seed-5/' log || fail "the stopped seed was not gone on from"
grep -qE '3 seeds: test loss [0-9.]+ ± [0-9.]+, test accuracy [0-9.]+ ± [0-9.]+' log || fail "no mean and deviation: $(tail -2 log)"
"$python" - <<'P' || fail "scores of several seeds are not as promised"
import glob, json, statistics
s = json.load(open("seeds/scores.json"))
runs = [json.load(open(f"seeds/seed-{n}/scores.json")) for n in (5, 6, 7)]
for name, value in s["test"].items():
    values = [r["test"][name] for r in runs]
    assert abs(value["mean"] - statistics.mean(values)) < 1e-9 and abs(value["deviation"] - statistics.stdev(values)) < 1e-9, name
assert len({r["test"]["loss"] for r in runs}) == 3, "the seeds are the same run"
digests = {json.load(open(p))["corpus_digest"] for p in glob.glob("seeds/seed-*/checkpoints/*/trainer_state.json")}
assert len(digests) == 1, "the seeds have different splits"
best = max(s["runs"], key=lambda run: run["validation"]["accuracy"])  # the first of equal ones
assert s["metric"] == "accuracy" and s["best_seed"] == best["seed"], s
P
best=$("$python" -c 'import json; print(json.load(open("seeds/scores.json"))["best_seed"])')
grep -qE "the best is seed $best, validation accuracy [0-9.]+: its model is seeds/model" log || fail "the best seed is not told: $(tail -3 log)"
cut -f1 train.tsv | tail -n 5 >texts.txt
expect 0 '"label"' "$bertha" predict --train.init seeds --task.input texts.txt
# Again, after a kill while the model was laid out, and with another one there: whole, and the best seed's.
mkdir seeds/model.staging && cp seeds/model/config.json seeds/model.staging
rm seeds/model/model.safetensors && echo old >seeds/model/model.safetensors
expect 0 'this run is finished: seeds/seed-6' "${seeds[@]}"
diff -r seeds/model seeds/seed-$best/model >log || fail "the model is not the best seed's: $(head -3 log)"
[ ! -e seeds/model.staging ] || fail "a staging folder is left"
# One folder holds either kind of run.
cp seeds/scores.json before.json
expect 64 'seeds holds runs of several seeds' "${tune[@]}" --train.output seeds
for dry in true false; do
  expect 64 'whole holds a single run' "${tune[@]}" --task.seeds 2 --train.output whole --train.dry_run $dry
done
{ cmp -s before.json seeds/scores.json && [ ! -e seeds/checkpoints ] && [ ! -e whole/seed-1 ]; } || fail "a refused run wrote something"
# On two ranks the same seeds have the same mean and deviation: of what is counted exactly, of losses but for rounding. In
# fp32, as the 8 bits of bf16 hide what so small a model has learnt.
exact=("${seeds[@]}" --task.epochs 2 --task.class_weights balanced --optimizer.learning_rate 3e-2 --train.precision fp32)
for n in 1 2; do
  ranks $n "${exact[@]}" --train.output ranks$n >log 2>&1 || fail "seeds on $n rank(s): $(tail -2 log)"
  [ "$(grep -c '3 seeds: test loss' log)" = 1 ] || fail "$n rank(s) tell of the seeds $(grep -c '3 seeds: test loss' log) times"
done
"$python" - <<'P' || fail "scores of several seeds differ between 1 and 2 ranks"
import json
def read(path): return json.load(open(path))
one, two = read("ranks1/scores.json"), read("ranks2/scores.json")
assert [(r["seed"], r["best_epoch"]) for r in one["runs"]] == [(r["seed"], r["best_epoch"]) for r in two["runs"]], two
for part in ("validation", "test"):
    assert {"loss", "accuracy", "f1"} <= one[part].keys() == two[part].keys(), two
    for name, value in one[part].items():
        for kind in ("mean", "deviation"):
            bound = 1e-5 if name == "loss" else 1e-12
            assert abs(value[kind] - two[part][name][kind]) <= bound, (part, name, value, two[part][name])
    assert one[part]["loss"]["deviation"] > 1e-3, "the seeds are the same run"
for seed in (5, 6, 7):
    a, b = (read(f"{run}/seed-{seed}/scores.json") for run in ("ranks1", "ranks2"))
    assert all(a[name] == b[name] for name in ("examples", "labels", "truncated")), (a, b)
    events = map(json.loads, open(f"ranks2/seed-{seed}/metrics.jsonl"))
    assert next(e for e in events if e["event"] == "start")["world_size"] == 2
P
expect 64 'task.seeds = 0: expected' "${tune[@]}" --task.seeds 0 --train.output bad
# Evaluation: a matrix in JSON and as a table, truncated texts counted.
expect 0 'labels in rows, predictions in columns' "$bertha" evaluate --train.init whole/model --task.test train.tsv --task.max_length 24
"$bertha" evaluate --train.init whole/model --task.test train.tsv --task.max_length 24 --json 2>log >evaluation.json || fail "evaluate: $(tail -2 log)"
grep -q 'of 120 examples were cut' log || fail "evaluate does not report truncated texts"
"$python" - <<'P' || fail "the confusion matrix is not as promised"
import json
e = json.load(open("evaluation.json"))
m = e["confusion_matrix"]
assert m["labels"] == ["no", "yes"] and [sum(r) for r in m["counts"]] == [90, 30], m
assert abs((m["counts"][0][0] + m["counts"][1][1]) / 120 - e["accuracy"]) < 1e-9 and e["truncated"]["examples"] > 0, e
P
# On three ranks the same, also where one of them has nothing to do.
head -3 train.tsv >two.tsv
for file in train two; do
  for n in 1 3; do
    ranks $n "$bertha" evaluate --train.init whole/model --task.test $file.tsv --task.max_length 24 --json >$file-$n.json 2>log ||
      fail "evaluate $file.tsv on $n rank(s): $(tail -2 log)"
  done
  "$python" - $file-1.json $file-3.json $file.tsv <<'P' || fail "evaluation of $file.tsv differs between 1 and 3 ranks"
import json, sys
one, three = (json.load(open(p)) for p in sys.argv[1:3])
rows = len(open(sys.argv[3]).readlines()) - 1
assert one["sequences"] == rows == sum(map(sum, one["confusion_matrix"]["counts"])), one
assert one.keys() == three.keys(), (one, three)
for name, value in one.items():
    assert abs(three[name] - value) < 1e-5 if isinstance(value, float) else three[name] == value, (name, value, three[name])
P
done
# Texts from a pipe: each has its line; several ranks cannot read it.
tail -n +2 train.tsv | cut -f1 >new.txt
"$bertha" predict --train.init whole/model --task.input new.txt >file.jsonl 2>log || fail "predict: $(tail -2 log)"
"$bertha" predict --train.init whole/model --task.input /dev/stdin < <(cat new.txt) >pipe.jsonl 2>log || fail "predict from a pipe: $(tail -2 log)"
[ "$(wc -l <file.jsonl)" = 120 ] && cmp file.jsonl pipe.jsonl || fail "predictions from a pipe are others"
expect 64 '/dev/stdin is no file that 2 ranks can read' ranks 2 "$bertha" predict --train.init whole/model --task.input /dev/stdin < <(cat new.txt)
expect 0 '[0-9.]+ tokens/s' "$bertha" predict --train.init whole/model --task.input train.tsv --task.output_file out.jsonl
finish
