#!/usr/bin/env bash
# Options of fine-tuning in whole runs: stop and resume within an epoch, changed options, early stopping,
# the best epoch by any score, class weights, layer rates, several seeds, evaluation with a matrix.
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
expect 64 'expected auto or one of loss, accuracy' "${tune[@]}" --task.metric bleu --train.output bad
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
expect 64 'freeze_layers = 2: the model has 1 layers' "${tune[@]}" --task.freeze_layers 2 --train.output bad
expect 64 'class_weights = rare: expected|class_weights = .rare.: expected' "${tune[@]}" --task.class_weights rare --train.output bad
# Several seeds: a folder each, the same split, no finished one again; a stop is gone on from.
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
P
expect 0 'this run is finished: seeds/seed-6' "${seeds[@]}"
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
expect 0 '[0-9.]+ tokens/s' "$bertha" predict --train.init whole/model --task.input train.tsv --task.output_file out.jsonl
finish
