#!/usr/bin/env bash
# Question answering from file to answers: learns a handful of questions by heart, on any number of
# ranks, resumed or not; long contexts, questions without an answer, hostile files.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
awk 'BEGIN { for (d = 0; d < 60; ++d) { for (s = 0; s < 8; ++s) print "who ? where ? when ? why ? anna bert carla dora or emil went to rome oslo lima bonn or riga in 19" (d * s) % 90 + 10 " ."; print "" } }' >text.txt
"$bertha" vocab --input.paths text.txt --vocab.size 200 --vocab.output vocab.txt >log 2>&1 &&
  "$bertha" prepare --input.paths text.txt --input.format sentences --tokenizer.vocab vocab.txt --prepare.output corpus \
    --prepare.validation_fraction 0 >>log 2>&1 &&
  "$bertha" pretrain "${tiny[@]}" --data.corpus corpus --train.output start --train.steps 2 >>log 2>&1 || { cat log; exit 1; }
"$python" - <<'P'
import json, random
random.seed(3)
names, places = "anna bert carla dora emil".split(), "rome oslo lima bonn riga".split()
def paragraph(number, filler=0, missing=False):
    name, place, year = random.choice(names), random.choice(places), str(1900 + number)
    context = "É " * filler + f"{name} went to {place} in {year} ."  # a character of two bytes before the answers
    asked = [("who ?", name), ("where ?", place), ("when ?", year)]
    qas = [dict(id=f"{number}-{i}", question=q, is_impossible=False, answers=[dict(text=a, answer_start=context.index(a))])
           for i, (q, a) in enumerate(asked)]
    if missing:
        qas.append(dict(id=f"{number}-why", question="why ?", answers=[], is_impossible=True))
    return dict(context=context, qas=qas)
def write(name, paragraphs, version):
    json.dump(dict(version=version, data=[dict(title="t", paragraphs=paragraphs)]), open(name, "w"))
write("one.json", [paragraph(i, 40 if i == 3 else 0) for i in range(8)], "1.1")
write("two.json", [paragraph(i, 0, True) for i in range(8)], "v2.0")
contexts = [p["context"] for p in json.load(open("one.json"))["data"][0]["paragraphs"]]
with open("new.jsonl", "w") as f:
    for context in contexts + ["", "é" * 100_000]:
        f.write(json.dumps(dict(question="where ?", context=context)) + "\n")
P
tune=("$bertha" finetune --train.precision fp32 --train.init start --task.name question_answering --task.test_fraction 0 --task.max_length 24
  --task.document_stride 6 --task.batch_size 12 --optimizer.learning_rate 1e-2 --model.hidden_dropout 0
  --model.attention_dropout 0 --train.threads 1 --train.log_every 1 --metrics.tensorboard false --metrics.progress false)
one=("${tune[@]}" --task.train one.json --task.validation one.json --task.epochs 80)
ranks 2 "${one[@]}" --train.output one >log 2>&1 || fail "finetune: $(tail -2 log)"
"$python" - one/scores.json one/metrics.jsonl one/model/config.json <<'P' || fail "not learnt by heart, or not counted as promised"
import json, sys
s, config = json.load(open(sys.argv[1])), json.load(open(sys.argv[3]))
best = max(s["validation"], key=lambda v: v["f1"])
assert set(best) == {"epoch", "loss", "exact_match", "f1"} and best["exact_match"] == best["f1"] == 100, best
assert s["examples"] == dict(train=24, validation=24, test=0), s["examples"]
assert config["architectures"] == ["BertForQuestionAnswering"] and "unanswerable_questions" not in config, config
P
expect 0 '"exact_match": 100\.0' "$bertha" evaluate --train.init one/model --task.test one.json --task.max_length 24 --task.document_stride 6 --json
# One rank, two ranks, and stopped in the middle on one and resumed on two: the same losses.
short=("${one[@]}" --train.steps 60 --optimizer.learning_rate 1e-3)
"${short[@]}" --train.output a >log 2>&1 || fail "one rank: $(tail -2 log)"
ranks 2 "${short[@]}" --train.output b >log 2>&1 || fail "two ranks: $(tail -2 log)"
"$python" - a b <<'P' || fail "losses differ between 1 and 2 ranks"
import json, sys
a, b = ([e for e in map(json.loads, open(f"{p}/metrics.jsonl")) if e["event"] in ("train", "validation")] for p in sys.argv[1:])
assert len(a) == len(b) > 8
for x, y in zip(a, b):
    assert x["step"] == y["step"] and all(abs(x[k] - y[k]) < 1e-3 for k in ("loss",) if k in x), (x, y)
P
"${short[@]}" --train.output c >log 2>&1 & pid=$!
until grep -q '"train"' c/metrics.jsonl 2>/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -TERM $pid 2>/dev/null
wait $pid; code=$?
[ $code = 75 ] || fail "stopped with $code: $(tail -2 log)"
ranks 2 "${short[@]}" --train.output c >log 2>&1 || fail "resumed: $(tail -2 log)"
"$python" - a c <<'P' || fail "a resumed run ends elsewhere"
import json, sys
a, c = (json.load(open(f"{p}/scores.json"))["validation"] for p in sys.argv[1:])
assert len(a) == len(c) and all(abs(x["loss"] - y["loss"]) < 1e-3 for x, y in zip(a, c)), (a, c)
P
# Answers are parts of the context; empty and very long contexts have one, too.
"$bertha" predict --train.init one/model --task.input new.jsonl --task.max_length 64 --task.document_stride 6 \
  --task.list_n_best true --task.output_file out.jsonl >log 2>&1 || fail "predict: $(tail -2 log)"
"$python" - <<'P' || fail "predictions are not as promised"
import json
rows, lines = ([json.loads(l) for l in open(name)] for name in ("new.jsonl", "out.jsonl"))
assert len(lines) == len(rows) == 10
for i, (row, line) in enumerate(zip(rows, lines)):
    assert line["id"] == str(i) and row["context"][line["start"]:line["end"]] == line["answer"], line
    assert 0 <= line["score"] <= 1 and len(line["n_best"]) <= 20, line
    if row["context"]: assert line["answer"] and line["n_best"][0]["answer"] == line["answer"], line
assert lines[8]["answer"] == "", lines[8]
P
# Version 2.0: no answer is an answer, and the model remembers that.
"${tune[@]}" --task.train two.json --task.validation two.json --optimizer.learning_rate 5e-3 --task.epochs 200 --task.batch_size 32 --train.output two >log 2>&1 || fail "2.0: $(tail -2 log)"
"$python" - two/scores.json <<'P' || fail "2.0 is not learnt by heart"
import json, sys
best = max(json.load(open(sys.argv[1]))["validation"], key=lambda v: v["f1"])
assert best["exact_match"] == best["HasAns_exact"] == best["NoAns_exact"] == best["best_f1"] == 100, best
assert best["HasAns_total"] == 24 and best["NoAns_total"] == 8, best
P
printf '%s\n' '{"id": "y", "question": "why ?", "context": "anna went to rome in 1900 ."}' >why.jsonl
predict=("$bertha" predict --train.init two/model --task.input why.jsonl --task.max_length 24 --task.document_stride 6)
expect 0 '"id":"y","answer":"","start":0,"end":0,.*"null_difference":' "${predict[@]}"
expect 0 '"id":"y","answer":"[^"]' "${predict[@]}" --task.unanswerable false
expect 0 '"id":"y","answer":"[^"]' "${predict[@]}" --task.null_threshold 1000
"$bertha" export --train.init two --train.output exported >log 2>&1 || fail "export: $(tail -2 log)"
expect 0 'BertForQuestionAnswering' cat exported/config.json
# What cannot be used is named.
sed 's/"answer_start": [0-9]*/"answer_start": 1/' one.json >shifted.json
expect 65 "shifted.json.*question '0-0'.*does not stand at answer_start 1" "${tune[@]}" --task.train shifted.json --train.output bad
head -c 500 one.json >cut.json
expect 65 'cut.json: not valid JSON at byte' "${tune[@]}" --task.train cut.json --train.output bad
echo '{"version": "1.1", "data": []}' >none.json
expect 65 'none.json holds no questions' "${tune[@]}" --task.train none.json --train.output bad
expect 64 'task.document_stride is -1' "${tune[@]}" --task.train one.json --task.document_stride -1 --train.output bad
expect 64 'task.n_best is 0' "${tune[@]}" --task.train one.json --task.n_best 0 --train.output bad
expect 64 'is a model for question_answering, not for classification' \
  "$bertha" predict --train.init one/model --task.name classification --task.input new.jsonl
finish
