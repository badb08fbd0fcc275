#!/usr/bin/env bash
# Every recipe in configs/ trains two steps: model, batch and data made small by options only.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
awk 'BEGIN { for (d = 0; d < 80; ++d) { for (s = 0; s < 8; ++s) print "the word " d " and the word " (d * s) % 17 " stand here."; print "" } }' >text.txt
"$bertha" vocab --input.paths text.txt --vocab.size 200 --vocab.output vocab.txt >log 2>&1 &&
  "$bertha" prepare --input.paths text.txt --input.format sentences --tokenizer.vocab vocab.txt \
    --prepare.output corpus --prepare.validation_fraction 0.1 >>log 2>&1 &&
  "$bertha" prepare --config "$BERTHA_SOURCE/configs/bert_base_cased.ini" --input.paths text.txt --input.format sentences \
    --tokenizer.vocab vocab.txt --prepare.output corpus_cased --prepare.validation_fraction 0.1 >>log 2>&1 || { cat log; exit 1; }
small=("${tiny[@]}" --train.micro_batch_tokens 1024 --train.global_batch 4 --metrics.progress false)
# A model for the recipes that start from one.
"$bertha" pretrain "${tiny[@]}" --data.corpus corpus --train.output start --train.steps 1 >log 2>&1 || { cat log; exit 1; }

# Labelled data of every kind; a recipe takes the one that its task.name asks for.
{ printf 'text\tpair\tlabel\n'; for i in $(seq 24); do printf 'word %s\tstand\t1\nhere\tthe %s\t0\n' "$i" "$i"; done; } >table.tsv
for i in $(seq 24); do printf 'the B-A\nword I-A\nhere O\n\nand O\nstand B-A\n\n'; done >words.conll
python3 - <<'P'
import json
text = "the word stand here and the word"
questions = [{"id": f"q{i}", "question": "word ?", "answers": [{"text": "word", "answer_start": 4}]} for i in range(24)]
json.dump({"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": text, "qas": questions}]}]}, open("squad.json", "w"))
P
name_of() {  # FILE: its task.name, or that of the file it includes
  local name; name=$(sed -n '/^\[task\]/,/^\[/s/^name = //p' "$1")
  [ -n "$name" ] || name=$(name_of "$(dirname "$1")/$(sed -n 's/^include = //p' "$1")")
  echo "$name"
}

count=0
for recipe in "$BERTHA_SOURCE"/configs/*.ini; do
  name=$(basename "$recipe" .ini)
  [ "$(head -2 "$recipe" | grep -c '^# ')" -ge 1 ] || fail "$name says nothing about itself"
  if [[ $name == finetune_* ]]; then
    case $(name_of "$recipe") in
      token_classification) data=(--task.train words.conll --task.validation words.conll --task.test words.conll) ;;
      question_answering) data=(--task.train squad.json --task.validation squad.json --task.test squad.json) ;;
      *) data=(--task.train table.tsv --task.text_column text --task.label_column label) ;;
    esac
    grep -q '^pair_column' "$recipe" && data+=(--task.pair_column pair)
    command=(finetune --train.init start "${data[@]}" --task.epochs 1 --task.batch_size 24 --task.max_length 32)
  else
    command=(pretrain --data.corpus corpus "${small[@]}" --train.steps 2)
    grep -q '^lower_case = false' "$recipe" && command+=(--data.corpus corpus_cased)
    [[ $name == domain_adaptation ]] && command+=(--train.init start)
  fi
  "$bertha" "${command[0]}" --config "$recipe" "${command[@]:1}" --train.output "run-$name" >log 2>&1 ||
    fail "$name: $(tail -1 log)"
  [[ $name == finetune_* ]] || [ "$(losses "run-$name/metrics.jsonl" | wc -l)" = 2 ] || fail "$name: not two steps"
  count=$((count + 1))
done
echo "$count recipes"
finish
