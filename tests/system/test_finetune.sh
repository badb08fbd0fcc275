#!/usr/bin/env bash
# Fine-tuning from a checkpoint on real labelled text: several classes, two ranks, prediction.
. "$(dirname "$0")/../support/system.sh"
need_corpus
[ -e "$samples/reviews/train.tsv" ] || skip "no labelled reviews in $samples"
cd "$scratch" || exit 1
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 3 --train.output run >log 2>&1 || fail "pretrain: $(tail -2 log)"
head -401 "$samples/reviews/train.tsv" >train.tsv
tune=("$bertha" finetune --train.init run --task.train train.tsv --task.max_length 32 --task.epochs 2
  --train.threads 1 --metrics.tensorboard false --optimizer.learning_rate 1e-3)
ranks 2 "${tune[@]}" --train.output tuned >log 2>&1 || fail "finetune: $(tail -2 log)"
"$python" - tuned/scores.json <<'P' || fail "scores.json is not as promised"
import json, sys
s = json.load(open(sys.argv[1]))
assert len(s["validation"]) == 2 and {"loss", "accuracy"} <= set(s["validation"][0]), s["validation"]
assert {"loss", "accuracy", "f1", "matthews_correlation"} <= set(s["test"]), s["test"]
assert s["examples"]["train"] + s["examples"]["validation"] + s["examples"]["test"] == 400, s["examples"]
assert s["labels"] == ["great", "other"], s["labels"]
P
# The same on one rank: the same batches, so the same scores but for rounding.
"${tune[@]}" --train.output tuned1 --model.hidden_dropout 0 --model.attention_dropout 0 >log 2>&1 || fail "one rank: $(tail -2 log)"
ranks 2 "${tune[@]}" --train.output tuned2 --model.hidden_dropout 0 --model.attention_dropout 0 >log 2>&1 || fail "two ranks"
"$python" - tuned1/scores.json tuned2/scores.json <<'P' || fail "scores differ between 1 and 2 ranks"
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
for x, y in zip(a["validation"] + [a["test"]], b["validation"] + [b["test"]]):
    assert abs(x["loss"] - y["loss"]) < 1e-4, (x, y)
P
# Prediction: one JSON line per input, in order, also through standard output.
printf 'this is the best tea ever\nawful, stale and expensive\n' >new.txt
"$bertha" predict --train.init tuned/model --task.input new.txt --task.output_file out.jsonl >log 2>&1 || fail "predict: $(tail -2 log)"
"$python" - out.jsonl <<'P' || fail "predictions are not as promised"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert len(lines) == 2
for l in lines:
    assert set(l["scores"]) == {"great", "other"} and abs(sum(l["scores"].values()) - 1) < 1e-6, l
    assert l["label"] == max(l["scores"], key=l["scores"].get)
P
[ "$("$bertha" predict --train.init tuned/model --task.input new.txt 2>/dev/null)" = "$(cat out.jsonl)" ] || fail "standard output differs"
# Evaluation gives the validation scores again.
expect 0 'accuracy' "$bertha" evaluate --train.init tuned/model --task.test train.tsv --task.max_length 32
# Three classes, CSV with quotes, two text columns, no header.
"$python" - <<'P'
import csv, random
random.seed(1)
with open("three.csv", "w", newline="") as f:
    w = csv.writer(f)
    for i in range(120): w.writerow([f'a "quoted", text {i}', f"second\nline {i}", random.choice(["red", "green", "blue"])])
P
"$bertha" finetune --train.init run --task.train three.csv --task.header false --task.text_column 0 --task.pair_column 1 \
  --task.label_column 2 --task.epochs 1 --train.output three >log 2>&1 || fail "three classes: $(tail -2 log)"
expect 0 'green' cat three/scores.json
finish
