#!/usr/bin/env bash
# Labelled data as people have it: each kind of dirt works, or ends with the right code and a line that says where.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
made_up_start
"$python" - <<'P'
import json
rows = [("good tea , one cup", "yes") if i % 2 else ("bad tea , two cups", "no") for i in range(24)]
def table(name, rows, head="", end="\n", separator="\t", quote=""):
    lines = [separator.join(("text", "label")), *(f"{quote}{t}{quote}{separator}{l}" for t, l in rows)]
    with open(name, "w", newline="", encoding="utf-8") as f: f.write(head + end.join(lines) + end)
table("plain.tsv", rows)
table("marked.tsv", rows, head="\ufeff")
table("windows.csv", rows, end="\r\n", separator=",", quote='"')
table("newlines.csv", [(t.replace(" ,", "\n,\n\n"), l) for t, l in rows], separator=",", quote='"')
table("empty_texts.tsv", [("", l) if i < 6 else (t, l) for i, (t, l) in enumerate(rows)])
table("long.tsv", rows + [("tea " * 25_000, "yes"), ("é" * 100_000, "no")])
table("one_class.tsv", [(t, "yes") for t, _ in rows])
table("two_rows.tsv", rows[:2])
table("nothing.tsv", [])
table("unseen.tsv", rows + [("good or bad ?", "maybe")])
table("gaps.tsv", rows[:5] + [("no label here", "")] + rows[5:])
table("wide.csv", rows[:3] + [("one, two", "yes")], separator=",")
with open("no_labels.tsv", "w") as f: f.write("text\n" + "".join(t + "\n" for t, _ in rows))
with open("bad.jsonl", "w") as f:
    for i, (t, l) in enumerate(rows): f.write(json.dumps(dict(text=t, label=l if i != 3 else ["yes"])) + "\n")
with open("bytes.tsv", "wb") as f: f.write(b"text\tlabel\n" + b"good \xff tea\tyes\nbad\0tea\tno\n" * 8)
with open("utf16.tsv", "w", encoding="utf-16") as f: f.write("text\tlabel\ngood\tyes\n")
P
tune() { # OUTPUT FILE [OPTIONS]
  local output=$1 file=$2
  shift 2
  "$bertha" finetune --train.init start --train.output "$output" --task.train "$file" --task.max_length 24 --task.epochs 1 \
    --train.threads 1 --metrics.tensorboard false --metrics.progress false "$@"
}
works() { # WHAT-IT-SAYS NAME FILE [OPTIONS]
  local said=$1
  shift
  tune "$@" >log 2>&1 || fail "$2: $(tail -1 log)"
  grep -qE -- "$said" log || fail "$2: nothing about \"$said\""
  [ -e "$1/scores.json" ] || fail "$2: no scores"
}
works 'done' marked marked.tsv
works 'done' windows windows.csv
works 'done' newlines newlines.csv
works 'done' empty_texts empty_texts.tsv
works '2 byte|8 byte' bytes bytes.tsv
# The same rows in other clothes are the same data: the same scores.
works 'done' plain plain.tsv
for same in marked windows; do cmp -s plain/scores.json $same/scores.json || fail "$same: other scores than plain.tsv's"; done
# 100,000 characters: of words they are cut and counted, as one word they are unknown.
works '1 of 26 examples were cut to task.max_length 24; they lost 24978 tokens' long long.tsv --task.validation_fraction 0.2
"$python" -c 'import json; t = json.load(open("long/scores.json"))["truncated"]; assert t == dict(examples=1, tokens=24978), t' || fail "truncated texts are not counted"
# Labels of validation that training lacks are told, and are labels of the model.
works 'labels that training has no example of.*: maybe' unseen plain.tsv --task.validation unseen.tsv --task.test unseen.tsv
"$python" -c 'import json; l = json.load(open("unseen/scores.json"))["labels"]; assert l == ["maybe", "no", "yes"], l' || fail "unseen labels are no labels"
expect 65 "unseen.tsv:26: label 'maybe' is none of the labels the model is trained for \(column label\)" \
  "$bertha" evaluate --train.init plain/model --task.test unseen.tsv
expect 65 "no_labels.tsv.*no column 'label'" tune bad plain.tsv --task.test no_labels.tsv
expect 65 'gaps.tsv:7: the label is empty \(column label\)' tune bad plain.tsv --task.test gaps.tsv
expect 65 'gaps.tsv:7: the label is empty' "$bertha" evaluate --train.init plain/model --task.test gaps.tsv
expect 0 '"label":' "$bertha" predict --train.init plain/model --task.input no_labels.tsv
expect 65 'one_class.tsv has 1 label\(s\); classification needs two or more' tune bad one_class.tsv
expect 65 'two_rows.tsv leaves 2 training and 0 validation examples' tune bad two_rows.tsv
works 'done' two_rows two_rows.tsv --task.validation plain.tsv
expect 65 'nothing.tsv holds no examples' tune bad nothing.tsv
expect 65 'wide.csv:2: 3 column\(s\)' tune bad wide.csv
printf 'text,label\ngood,yes\nbad,"no\n' >quote.csv
expect 65 'quote.csv:3: a quote is opened here and never closed \(column 1, from 0\)' tune bad quote.csv
expect 65 "bad.jsonl:4: field 'label' is array" tune bad bad.jsonl
expect 65 'utf16.tsv.*UTF-16' tune bad utf16.tsv
expect 74 'absent.tsv' tune bad absent.tsv
# Numbers.
"$python" -c 'for i in range(24): print("good tea" if i % 2 else "bad tea", 0.5 * (i % 2) - 3e-1, sep="\t")' >numbers.tsv
works 'pearson' regression numbers.tsv --task.name regression
expect 0 '"value":-?[0-9.]+' "$bertha" predict --train.init regression/model --task.input no_labels.tsv
expect 0 '"spearman"' "$bertha" evaluate --train.init regression/model --task.test numbers.tsv --json
sed '5s/\t.*/\tmany/' numbers.tsv >words.tsv
expect 65 "words.tsv:5: label 'many' is not a finite number \(column label\)" tune bad words.tsv --task.name regression
expect 64 'regression has no classes to weigh' tune bad numbers.tsv --task.name regression --task.class_weights balanced
# Headers of other names, in other letters, and none.
sed '1s/.*/Text\tLABEL/' plain.tsv >capitals.tsv
works 'done' capitals capitals.tsv
cmp -s plain/scores.json capitals/scores.json || fail "capitals: other scores than plain.tsv's"
sed '1s/.*/review\tsentiment/' plain.tsv >review.tsv
expect 65 "review.tsv:1: the first row seems to name the columns \(review, sentiment\)" tune bad review.tsv
expect 65 "review.tsv:1: the first row seems to name the columns" "$bertha" evaluate --train.init plain/model --task.test review.tsv
works 'done' review review.tsv --task.header true --task.text_column review --task.label_column sentiment
cmp -s plain/scores.json review/scores.json || fail "review: other scores than plain.tsv's"
sed 1d plain.tsv >headless.tsv
works 'headless.tsv: no header; column 0 is the text, 1 the label' headless headless.tsv
cmp -s plain/scores.json headless/scores.json || fail "headless: other scores than plain.tsv's"
{ printf 'id\tcomment\n'; for i in 1 2 3; do printf '%s\tgood tea\n' $i; done; } >comments.tsv
expect 65 "comments.tsv:1: the first row seems to name the columns.*below 'id' there are numbers" \
  "$bertha" predict --train.init plain/model --task.input comments.tsv
tr '\n' '\r' <plain.tsv >mac.tsv
expect 65 'mac.tsv: lines end with CR alone' tune bad mac.tsv
# Weights of classes: in order, by name.
works 'done' weights plain.tsv --task.class_weights no:1,yes:3
works 'done' ordered plain.tsv --task.class_weights 1,3
cmp -s weights/scores.json ordered/scores.json || fail "the same weights have other scores"
expect 64 "class_weights = '1,2,3': 3 weights for 2 labels.*" tune bad plain.tsv --task.class_weights 1,2,3
# Predictions come block by block, in order, on any number of ranks; what fails leaves no file.
"$python" -c 'for i in range(2500): print("good" if i % 3 else "bad", *["tea"] * (i % 7))' >many.txt
"$bertha" predict --train.init plain/model --task.input many.txt --task.output_file many.jsonl >log 2>&1 || fail "predict: $(tail -1 log)"
[ "$(wc -l <many.jsonl)" = 2500 ] || fail "$(wc -l <many.jsonl) predictions of 2500 texts"
ranks 2 "$bertha" predict --train.init plain/model --task.input many.txt --task.output_file many2.jsonl >log 2>&1 || fail "predict: $(tail -1 log)"
"$python" - <<'P' || fail "predictions of blocks or ranks differ"
import json
one, two = ([json.loads(line) for line in open(name)] for name in ("many.jsonl", "many2.jsonl"))
assert len(one) == len(two) == 2500
assert all(abs(a["scores"]["yes"] - b["scores"]["yes"]) < 1e-5 for a, b in zip(one, two))
assert all(abs(one[i]["scores"]["yes"] - one[i % 21]["scores"]["yes"]) < 1e-5 for i in range(2500)), "not in order"
P
"$bertha" predict --train.init plain/model --task.input many.txt 2>/dev/null | cmp -s - many.jsonl || fail "standard output differs from the file"
expect 74 '' "$bertha" predict --train.init plain/model --task.input many.txt --task.output_file /proc/nowhere/out.jsonl
(ulimit -f 64; trap '' XFSZ; "$bertha" predict --train.init plain/model --task.input many.txt --task.output_file cut.jsonl >log 2>&1)
[ $? = 74 ] && [ ! -e cut.jsonl ] && [ -z "$(ls cut.jsonl.staging* 2>/dev/null)" ] || fail "a full disk: $(tail -1 log); $(ls cut.jsonl*)"
# Positions beyond the model's.
expect 64 'task.max_length 600 exceeds the model.s [0-9]+ positions' tune bad plain.tsv --task.max_length 600
expect 64 'task.max_length 600 exceeds' "$bertha" evaluate --train.init plain/model --task.test plain.tsv --task.max_length 600
expect 64 'task.max_length 600 exceeds' "$bertha" predict --train.init plain/model --task.input many.txt --task.max_length 600
expect 65 'position_embeddings.weight is \[[0-9]+, 32\] in the file and \[600, 32\] in the model' \
  "$bertha" pretrain "${tiny[@]}" --data.corpus corpus --train.init start --model.max_positions 600 --train.steps 1 --train.output bad
expect 64 'data.sequence_length 600 exceeds the model.s [0-9]+ positions' \
  "$bertha" pretrain "${tiny[@]}" --data.corpus corpus --train.init start --data.sequence_length 600 --train.steps 1 --train.output bad
# Questions are cut by an option of their own.
"$python" -c 'import json
for i in range(6): print(json.dumps(dict(question="good or bad or good or bad tea ?", context=f"tea {i} good", answers=[dict(text="good", answer_start=6)])))' >questions.jsonl
works '[0-9] of 6 examples were cut to task.max_query_length 4; they lost' questions questions.jsonl --task.name question_answering \
  --task.max_query_length 4 --task.validation_fraction 0.3 --task.test_fraction 0
finish
