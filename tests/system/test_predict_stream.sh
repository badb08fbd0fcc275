#!/usr/bin/env bash
# predict reads as it writes: out of a pipe that its writer holds open, for every task and format, in memory that does not grow
# with the input; and what a bad row, late in a pipe, leaves behind.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
made_up_start
"$python" - <<'P'
import json, random
random.seed(5)
def text(): return " ".join(random.choices("good bad tea one two cups line number".split(), k=random.randint(1, 9)))
def write(name, rows): open(name, "w").writelines(row + "\n" for row in rows)
write("classes.tsv", (f"{text()}\t{'yes' if i % 2 else 'no'}" for i in range(24)))
write("numbers.tsv", (f"{text()}\t{i / 2}" for i in range(24)))
write("several.tsv", (f"{text()}\t{('x', 'x,y', '')[i % 3]}" for i in range(24)))
write("words.conll", ("good B-X\ntea O\n" if i % 2 else "bad B-Y\ntea O\n" for i in range(24)))
write("questions.jsonl", (json.dumps(dict(question="good ?", context="good tea one cup", answers=[dict(text="tea", answer_start=5)])) for i in range(24)))
# To predict, 2,500 rows each: more than two blocks of 1,024.
many = range(2500)
write("new.txt", (text() for i in many))
write("new.tsv", ["id\ttext", *(f"{i}\t{text()}" for i in many)])
write("new.csv", ["text,id", *(f'"{text()},\n""{text()}""",{i}' for i in many)])
write("new.jsonl", (json.dumps(dict(text=text())) for i in many))
write("new.conll", ("".join(f"{word}\n" for word in text().split()) for i in many))
write("plain.txt", (text() for i in many))
write("new_words.jsonl", (json.dumps(dict(words=text().split())) for i in many))
write("new_questions.jsonl", (json.dumps(dict(question=text(), context=text())) for i in many))
P
tune() { # OUTPUT TASK FILE
  "$bertha" finetune --train.init start --train.output "$1" --task.name "$2" --task.train "$3" --task.validation "$3" --task.test_fraction 0 \
    --task.max_length 24 --task.document_stride 4 --task.epochs 1 --train.threads 1 --metrics.tensorboard false --metrics.progress false >log 2>&1 || fail "finetune $2: $(tail -1 log)"
}
tune classes classification classes.tsv
tune numbers regression numbers.tsv
tune several multi_label several.tsv
tune words token_classification words.conll
tune questions question_answering questions.jsonl
predict() { # MODEL FILE [OPTIONS]
  local model=$1 file=$2
  shift 2
  "$bertha" predict --train.init "$model/model" --task.input "$file" --task.max_length 24 --task.document_stride 4 --train.threads 1 --metrics.progress false "$@"
}
# open_pipe NAME: makes a pipe, of which this shell holds the writing end (and a reading end, so that it never waits for one).
open_pipe() { rm -f "$1"; mkfifo "$1"; exec 8<>"$1"; }
put() { timeout 60 "$@" >&8 || fail "nobody reads the pipe: $*"; }
close_pipe() { exec 8>&-; }
# comes COUNT PATTERN: waits until so many lines are in the file of that name; false if predict ends before, or does nothing.
comes() {
  local deadline=$((SECONDS + 40))
  until [ "$(cat $2 2>/dev/null | wc -l)" -ge "$1" ]; do
    kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ] || return 1
    sleep 0.02
  done
}
# Half of the file is written, the pipe held open until the first block is predicted; then comes the rest. A file that is not
# complete has another name.
streams() { # MODEL FILE [OPTIONS]
  local model=$1 file=$2 name=pipe-$2 out=$1-$2.out first
  shift 2
  predict "$model" "$file" "$@" >"$out.expected" 2>log || fail "$model $file: $(tail -1 log)"
  [ "$(wc -l <"$out.expected")" = 2500 ] || fail "$model $file: $(wc -l <"$out.expected") predictions of 2500 rows"
  open_pipe "$name"
  predict "$model" "$name" --task.output_file "$out" "$@" >log 2>&1 8>&- & pid=$!
  first=$(($(wc -l <"$file") * 6 / 10))
  put head -n $first "$file"
  comes 1024 "$out.staging*" || fail "$model $file: no predictions while the pipe is open: $(tail -1 log)"
  [ ! -e "$out" ] || fail "$model $file: there is a file that is not complete"
  put tail -n +$((first + 1)) "$file"
  close_pipe
  wait $pid || fail "$model $file out of a pipe: $(tail -1 log)"
  cmp -s "$out" "$out.expected" || fail "$model $file: predictions out of a pipe are others"
}
# A pipe that waits longer than a hang may take, beside all that follows, is no hang.
put_patiently() { timeout 60 "$@" >&9 || fail "nobody reads the patient pipe: $*"; }
mkfifo patient.tsv; exec 9<>patient.tsv
predict classes patient.tsv --parallel.timeout_seconds 5 --task.output_file patient.jsonl >patient.log 2>&1 9>&- & patient=$! pid=$!
put_patiently head -n 1200 new.tsv
comes 1024 "patient.jsonl.staging*" || fail "a pipe that waits: $(tail -1 patient.log)"
waits_since=$SECONDS
streams classes new.txt
streams classes new.tsv
streams classes new.csv
streams numbers new.jsonl
streams several new.txt
streams words new.conll
streams words plain.txt
streams words new_words.jsonl
streams questions new_questions.jsonl
# What is cut is counted over all blocks, and told once, on any number of ranks; sentences are not cut but read in windows.
"$python" - <<'P'
import json
with open("cut.txt", "w") as f: f.writelines("tea " * (30 if i in (100, 1200, 1300) else 5) + "\n" for i in range(1400))
with open("cut.jsonl", "w") as f:
    for i in range(1100): print(json.dumps(dict(question="tea " * (9 if i % 500 == 0 else 2), context="good tea")), file=f)
P
says_cut() { # WHAT COMMAND...
  local what=$1
  shift
  "$@" >out.jsonl 2>log || fail "$*: $(tail -1 log)"
  [ "$(grep -o '[0-9]* of [0-9]* examples were cut.*' log)" = "$what" ] || fail "not '$what': $* :: $(grep cut log)"
}
cut='3 of 1400 examples were cut to task.max_length 24; they lost 24 tokens'
says_cut "$cut" predict classes cut.txt
says_cut "$cut" predict numbers cut.txt --task.output_file cut.out
says_cut "$cut" ranks 2 "$bertha" predict --train.init several/model --task.input cut.txt --task.max_length 24 --metrics.progress false
says_cut '3 of 1100 examples were cut to task.max_query_length 4; they lost 15 tokens' predict questions cut.jsonl --task.max_query_length 4
says_cut '' predict questions cut.jsonl
says_cut '' predict words cut.txt
# Standard output has each block at once; a bad row behind it ends with its line, and leaves what came before.
open_pipe pipe.tsv
predict classes pipe.tsv >out.jsonl 2>log 8>&- & pid=$!
put cat new.tsv
comes 2048 out.jsonl || fail "no predictions on standard output while the pipe is open: $(tail -1 log)"
head -n 2048 classes-new.tsv.out | cmp -s - <(head -n 2048 out.jsonl) || fail "predictions on standard output are others"
put printf 'one\ttoo\tmany\n'
close_pipe
wait $pid; code=$?
[ $code = 65 ] && grep -q 'pipe.tsv:2502: 3 column(s) where the first row has 2' log || fail "a bad row: $code, $(tail -1 log)"
predict classes <(cat new.tsv; printf 'one\ttoo\tmany\n') --task.delimiter tab --task.output_file bad.jsonl >log 2>&1
code=$?
[ $code = 65 ] && grep -q ':2502: 3 column(s)' log || fail "a bad row: $code, $(tail -1 log)"
[ -z "$(ls bad.jsonl* 2>/dev/null)" ] || fail "a bad row leaves $(ls bad.jsonl*)"
# A pipe that never ends is left by SIGTERM, at once and without a file that looks complete.
open_pipe endless.tsv
predict classes endless.tsv --task.output_file endless.jsonl >log 2>&1 8>&- & pid=$!
put head -n 1200 new.tsv
comes 1024 "endless.jsonl.staging*" || fail "an endless pipe: $(tail -1 log)"
kill -TERM $pid
for ((i = 0; i < 100; ++i)); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
kill -KILL $pid 2>/dev/null && fail "SIGTERM does not end predict"
wait $pid; code=$?
close_pipe
[ $code = 143 ] && [ ! -e endless.jsonl ] || fail "SIGTERM: $code, $(ls endless.jsonl*)"
# The pipe that waited all the time.
while [ $SECONDS -le $((waits_since + 6)) ]; do sleep 0.1; done
put_patiently tail -n +1201 new.tsv
exec 9>&-
wait $patient && cmp -s patient.jsonl classes-new.tsv.out || fail "a pipe that waits: $(tail -1 patient.log)"
# Memory: 10 and 100 MB of texts, of which a model so small reads the beginnings in two seconds.
"$python" - <<'P' || fail "the memory of predict grows with its input"
import os, resource, subprocess
def peak(megabytes):
    rows = megabytes * 1000
    with open("large.tsv", "w") as f:
        print("id", "text", sep="\t", file=f)
        for i in range(rows): print(i, "good tea or bad tea " * 50, sep="\t", file=f)
    done = subprocess.run([os.environ["BERTHA_BINARY"], "predict", "--train.init", "classes/model", "--task.input", "large.tsv",
        "--train.threads", "1", "--metrics.progress", "false", "--task.output_file", "large.jsonl"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 and sum(1 for _ in open("large.jsonl")) == rows, done.stderr
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest so far
small, large = peak(10), peak(100)
print(f"peak memory: {small:.0f} MB for 10 MB of rows, {large:.0f} MB for 100 MB")
assert large < small + 24, (small, large)
P
finish
