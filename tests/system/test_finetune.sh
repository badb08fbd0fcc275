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
# A label for each word, on two ranks; sentences far longer than the window lose nothing.
"$python" - <<'P'
import random
random.seed(2)
names, places = "Anna Bert Carla Dora Emil".split(), "Rome Oslo Lima Bonn Riga".split()
def sentence():
    return [(random.choice(names), "B-PER"), ("went", "O"), ("to", "O"), (random.choice(places), "B-LOC"), (".", "O")]
with open("words.conll", "w") as f:
    for i in range(150):
        words = sum((sentence() for _ in range(30 if i % 50 == 0 else 1)), [])
        f.write("\n".join(f"{w} X {l}" for w, l in words) + "\n\n")
P
words=("$bertha" finetune --train.init run --task.name token_classification --task.train words.conll --task.max_length 24
  --task.epochs 3 --task.batch_size 8 --train.threads 1 --metrics.tensorboard false --optimizer.learning_rate 3e-3)
ranks 2 "${words[@]}" --train.output words >log 2>&1 || fail "token classification: $(tail -2 log)"
"$python" - words/scores.json <<'P' || fail "token classification's scores are not as promised"
import json, sys
s = json.load(open(sys.argv[1]))
assert {"loss", "accuracy", "precision", "recall", "f1"} <= set(s["test"]) and s["test"]["f1"] > 0.9, s["test"]
assert s["labels"] == ["B-LOC", "B-PER", "O"] and sum(s["examples"].values()) == 150, s
P
expect 0 '"f1": (0\.9|1)' "$bertha" evaluate --train.init words/model --task.test words.conll --task.max_length 24 --json
printf 'Anna went to Oslo .\n\nEmil went\n' >plain.txt
expect 0 'Anna.*"labels":."B-PER","O","O","B-LOC","O"' "$bertha" predict --train.init words/model --task.input plain.txt
expect 0 '"words":\[\],"labels":\[\]' "$bertha" predict --train.init words/model --task.input plain.txt
expect 64 'is a model for token_classification, not for regression' \
  "$bertha" predict --train.init words/model --task.name regression --task.input plain.txt
expect 65 'words.conll:1: a word without a label \(column 2, from 0\)' "${words[@]}" --task.text_column 2 --train.output bad
# Words of which the tokenizer leaves nothing are no training data.
printf '\x01 B-PER\n\n\xe2\x80\x8b O\n\n' >gone.conll
expect 65 'gone.conll: the tokenizer leaves nothing of any of 2 example' "${words[@]}" --task.train gone.conll --task.validation words.conll --train.output bad
# Any number of labels.
"$python" -c 'for i in range(90): print(f"text {i}", ",".join(n for n, d in (("odd", 2), ("third", 3)) if i % d), sep="\t")' >several.tsv
"$bertha" finetune --train.init run --task.name multi_label --task.train several.tsv --task.epochs 1 --train.output several \
  --metrics.tensorboard false >log 2>&1 || fail "multi-label: $(tail -2 log)"
expect 0 'micro_f1' cat several/scores.json
expect 0 '"labels":\[.*"scores":\{"odd":' "$bertha" predict --train.init several/model --task.input plain.txt
finish
