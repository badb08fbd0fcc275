#!/usr/bin/env bash
# The same dirt in the data of every other task than classification (test_dirty_labels.sh): byte order marks, Windows' line
# ends, empty texts, 100,000 characters, one class only, two rows, labels that only validation has or that the test lacks.
# And: scores are the same on three ranks.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
made_up_start
"$python" - <<'P'
import json, os
def write(task, name, lines, head="", end="\n"):
    os.makedirs(task, exist_ok=True)
    suffix = dict(token_classification="conll", question_answering="jsonl").get(task, "tsv")
    with open(f"{task}/{name}.{suffix}", "w", newline="", encoding="utf-8") as f: f.write(head + end.join(lines) + end)
def kinds(task, line, header=()):  # line(i, text=..., label=...): lines of row i
    def rows(numbers, **fields): return [*header, *(l for i in numbers for l in line(i, **fields))]
    write(task, "plain", rows(range(24)))
    write(task, "marked", rows(range(24)), head="\ufeff")
    write(task, "windows", rows(range(24)), end="\r\n")
    write(task, "empty", rows(range(24)) + rows(range(6), text="")[len(header):])
    write(task, "one", rows(range(24), label=0))
    write(task, "two", rows(range(2)))
    write(task, "unseen", rows(range(4)) + rows(range(1), label="new")[len(header):])
texts = ["bad tea , two cups", "good tea , one cup"]
def several(i, text=None, label=None):
    labels = {None: ["a", "a,b", "b"][i % 3], 0: "a", "new": "maybe,a"}[label]
    return [f"{texts[i % 2] if text is None else text}\t{labels}"]
def number(i, text=None, label=None):
    value = {None: i / 10, 0: 1.5, "new": -100}[label]
    return [f"{texts[i % 2] if text is None else text}\t{value}"]
def words(i, text=None, label=None):
    entity = {None: "B-tea", 0: "O", "new": "B-maybe"}[label]
    return ([f"{('good', 'bad')[i % 2]} O", f"tea {entity}"] if text is None else ["\x01 O"]) + [""]
def question(i, text=None, label=None):
    context = f"tea {i} good"
    answers = [dict(text="good", answer_start=context.index("good"))] if label is None else []
    return [json.dumps(dict(question="good or bad ?" if text is None else text, context=context, answers=answers))]
long = "tea " * 25_000
write("multi_label", "long", ["text\tlabel", *(l for i in range(24) for l in several(i)), f"{long}\ta", f"{long.replace(' ', '')}\ta,b"])
write("regression", "long", ["text\tlabel", *(l for i in range(24) for l in number(i)), f"{long}\t1.5", f"{long.replace(' ', '')}\t-2"])
# Contexts of as many characters, some of two bytes: an answer behind all of them, and one within a word.
contexts = [("é tea " * 16_667 + "good", "good", 100_002), ("é" * 100_000, "é", 99_999)]
write("question_answering", "long", [*(l for i in range(24) for l in question(i)),
    *(json.dumps(dict(question="good ?", context=c, answers=[dict(text=a, answer_start=s)]), ensure_ascii=False) for c, a, s in contexts)])
# A word, and a sentence, of 100,000 characters.
write("token_classification", "long", [*(l for i in range(24) for l in words(i)), "good O", long.replace(" ", "") + " B-tea", "",
                                       *(f"tea {'B-tea' if i % 2 else 'O'}" for i in range(25_000)), ""])
kinds("multi_label", several, ["text\tlabel"])
kinds("regression", number, ["text\tlabel"])
kinds("token_classification", words)
kinds("question_answering", question)
P
tune() { # OUTPUT FILE [OPTIONS]
  "$bertha" finetune --train.init start --train.output "$task/$1" --task.name $task --task.train "$2" --task.max_length 24 --train.steps 2 \
    --task.batch_size 8 --task.validation_fraction 0.2 --train.threads 1 --metrics.tensorboard false --metrics.progress false "${@:3}"
}
works() { # WHAT-IT-SAYS NAME FILE [OPTIONS]
  tune "${@:2}" >log 2>&1 || fail "$task, $2: $(tail -1 log)"
  grep -qE -- "$1" log || fail "$task, $2: nothing about \"$1\""
  [ -e "$task/$2/scores.json" ] || fail "$task, $2: no scores"
}
for task in multi_label regression token_classification question_answering; do
  file() { echo $task/$1.*; }
  plain=$(file plain) unseen=$(file unseen)
  for kind in plain marked windows; do
    works 'done' $kind "$(file $kind)"
    cmp -s $task/plain/scores.json $task/$kind/scores.json || fail "$task: $kind has other scores than plain"
  done
  works 'done' empty "$(file empty)"
  expect 65 "$task/two.* leaves 2 training and 0 validation examples" tune bad "$(file two)"
  works 'done' two "$(file two)" --task.validation "$plain"
  # Texts are cut, and counted. Sentences and contexts are not, but read in windows.
  long=$(file long) said='done' more=()
  case $task in
    multi_label | regression) said='1 of 26 examples were cut to task.max_length 24; they lost 24978 tokens' ;;
    # 33,335 tokens in windows of 19 that share 4, and 25 contexts of one window: 2,248 sequences, eight a step.
    question_answering) said='2 steps, 281 an epoch' more=(--task.validation "$plain" --task.test "$long" --task.document_stride 4) ;;
  esac
  works "$said" long "$long" "${more[@]}"
  "$bertha" predict --train.init $task/long/model --task.input "$long" --task.output_file $task/predicted.jsonl >log 2>&1 ||
    fail "$task: predict long: $(tail -1 log)"
  "$python" - $task "$long" $task/predicted.jsonl <<'P' || fail "$task: predictions of long texts"
import json, math, sys
task, rows, lines = sys.argv[1], *(open(name, encoding="utf-8") for name in sys.argv[2:])
lines = [json.loads(line) for line in lines]
assert len(lines) == 26, len(lines)
if task == "token_classification":  # every word has its label
    assert [len(line["labels"]) for line in lines] == [2] * 25 + [25_000], [len(line["labels"]) for line in lines]
if task == "regression":
    assert all(math.isfinite(line["value"]) for line in lines) and len({line["value"] for line in lines}) > 3, lines
if task == "question_answering":
    for row, line in zip(map(json.loads, rows), lines, strict=True):
        assert line["answer"] and row["context"][line["start"]:line["end"]] == line["answer"], line["id"]
P
  case $task in
    multi_label | token_classification)
      expect 65 "$task/one.* has 1 label\(s\); $task needs two or more" tune bad "$(file one)"
      works 'labels that training has no example of.*: (B-)?maybe' unseen "$plain" --task.validation "$unseen" ;;
    *) works 'done' one "$(file one)"
      works 'done' unseen "$plain" --task.validation "$unseen" ;;
  esac
  for n in 1 3; do
    ranks $n "$bertha" evaluate --train.init $task/plain/model --task.test "$plain" --task.max_length 24 --json >$task/$n.json 2>log ||
      fail "$task: evaluate on $n rank(s): $(tail -1 log)"
  done
  "$python" - $task/1.json $task/3.json <<'P' || fail "$task: evaluation differs between 1 and 3 ranks"
import json, sys
one, three = (json.load(open(p)) for p in sys.argv[1:])
assert one["sequences"] == 24 and one.keys() == three.keys(), (one, three)
counts = one.get("confusion_matrix", one.get("label_counts", {})).get("counts", [])
for label in counts:  # of words; or of each label, whose texts are all there
    assert (sum(map(sum, label)) if "label_counts" in one else sum(label)) == 24, counts
assert bool(counts) == ("precision" in one or "micro_f1" in one), one
for name, value in one.items():
    assert abs(three[name] - value) < 1e-4 if isinstance(value, float) else three[name] == value, (name, value, three[name])
P
done
# Comments are no words; labels are of one kind.
task=token_classification
{ printf '# sent_id = 1\n'; cat token_classification/plain.conll; } >comments.conll
works 'done' comments comments.conll
cmp -s $task/plain/scores.json $task/comments/scores.json || fail "$task: comments has other scores than plain"
sed '4s/O$/o/' token_classification/plain.conll >kinds.conll
expect 65 "kinds.conll:4: label 'o' is neither O nor" tune bad kinds.conll
sed 's/B-tea$/NN/' token_classification/plain.conll >classes.conll
works "classes.conll:[0-9]+: label 'NN', as all others but O, is no part of an entity" classes classes.conll
task=multi_label
works 'done' weighted $task/plain.tsv --task.class_weights b:3
works 'done' balanced $task/plain.tsv --task.class_weights balanced
expect 64 "class_weights = '1': 1 weights for 2 labels" tune bad $task/plain.tsv --task.class_weights 1
task=question_answering
sed 's/"context": "tea [0-9]* good"/"context": "tea good"/; s/"answer_start": [0-9]*/"answer_start": 4/' $task/plain.jsonl >one_context.jsonl
expect 65 'one_context.jsonl: all 24 questions share one context' tune bad one_context.jsonl
# What is wrong is named with its file, row and column.
task=multi_label
printf 'text\tlabel\ngood\ta\nbad\t[a\ngood\t[b]\n' >list.tsv
expect 65 "list.tsv:4: '\[b\]' is no list of labels \(column label\)" tune bad list.tsv
expect 65 "unseen.tsv:6: label 'maybe' is none of the labels the model is trained for \(column label\)" \
  "$bertha" evaluate --train.init multi_label/plain/model --task.test multi_label/unseen.tsv
task=token_classification
printf 'good O\ntea\n' >bare.conll
expect 65 'bare.conll:2: a word without a label \(column 0, from 0\)' tune bad bare.conll
# In the test alone: before anything is trained.
expect 65 'bare.conll:2: a word without a label \(column 0, from 0\)' tune bad token_classification/plain.conll --task.test bare.conll
untrained() { [ ! -e $task/bad/model ] || fail "$task: trained on what cannot be tested"; }
untrained
expect 65 'bare.conll:2: a word without a label' "$bertha" evaluate --train.init token_classification/plain/model --task.test bare.conll
printf 'good\tO\ntea\t\t\n' >gap.conll
expect 65 'gap.conll:2: the label is empty \(column 1, from 0\)' tune bad gap.conll --task.delimiter tab
# Numbers and answers that the test alone lacks.
printf 'text\tlabel\ngood tea\t0.5\nbad tea\t\n' >gap.tsv
printf 'text\ngood tea\n' >bare.tsv
printf 'text\tlabel\ngood tea\tnan\n' >nan.tsv
answered='"context": "good tea", "answers": [{"text": "tea", "answer_start": 5}]'
printf '{"question": "good ?", %s}\n{"id": "two", "question": "bad ?", "context": "bad tea"}\n' "$answered" >gap.jsonl
printf '{"data": [{"paragraphs": [{"context": "bad tea", "qas": [{"id": "one", "question": "bad ?", "answers": null}]}]}]}' >null.json
lacks() { # PATTERN FILE
  expect 65 "$1" tune bad $task/plain.* --task.test "$2"
  untrained
  expect 65 "$1" "$bertha" evaluate --train.init $task/plain/model --task.test "$2"
}
task=regression
lacks 'gap.tsv:3: the label is empty \(column label\)' gap.tsv
lacks "bare.tsv.*no column 'label'" bare.tsv
lacks "nan.tsv:2: label 'nan' is not a finite number \(column label\)" nan.tsv
task=question_answering
lacks "gap.jsonl:2 \(question 'two'\): no field 'answers'; the fields are: context, id, question" gap.jsonl
lacks "null.json: .*data\[0\].paragraphs\[0\].qas\[0\] \(question 'one'\): field 'answers' is null, not a list" null.json
expect 0 '"accuracy"' "$bertha" evaluate --train.init token_classification/plain/model --task.test token_classification/unseen.conll --json
finish
