#!/usr/bin/env bash
# A rank of `evaluate` or `predict` that is killed, is stopped or stands still ends the job in bounded time and is named; no
# half file of predictions is left, and the same command then tells what it tells when nobody disturbs it.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
made_up_start
"$python" - <<'P'
import random
random.seed(5)
def text(): return " ".join(random.choices("good bad tea one two cups line number".split(), k=random.randint(1, 9)))
with open("classes.tsv", "w") as file:
    file.writelines(f"{text()}\t{'yes' if i % 2 else 'no'}\n" for i in range(240))
with open("new.txt", "w") as file:
    file.writelines(text() + "\n" for _ in range(1000))
P
"$bertha" finetune --train.init start --train.output tuned --task.name classification --task.train classes.tsv --task.validation classes.tsv \
  --task.test_fraction 0 --task.max_length 24 --task.epochs 1 --train.threads 1 --metrics.tensorboard false --metrics.progress false >log 2>&1 || { cat log; exit 1; }
common=(--train.threads 1 --train.micro_batch_tokens 128 --metrics.progress false --parallel.timeout_seconds 3)
declare -A commands=(
  [corpus]="evaluate --train.init start --data.corpus corpus --data.sequence_length 64"
  [labelled]="evaluate --train.init tuned/model --task.test classes.tsv --task.max_length 24"
  [predict]="predict --train.init tuned/model --task.input new.txt --task.max_length 24 --task.output_file out/predictions.jsonl"
)
# told NAME: what the command says, or writes.
told() { if [ "$1" = predict ]; then cat out/predictions.jsonl; else cat said; fi; }
run() { # NAME: on three ranks
  rm -rf out && mkdir out
  # shellcheck disable=SC2086
  ranks 3 timeout 90 "$bertha" ${commands[$1]} "${common[@]}" >said 2>log
}
pids() { pgrep -f -- "--parallel.timeout_seconds 3" | while read -r p; do [ "$(readlink /proc/"$p"/cwd)" = "$(readlink -f .)" ] && [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done; }
for name in "${!commands[@]}"; do
  run "$name" || fail "$name: $(tail -1 log)"
  told "$name" >"$name.expected"
  [ -s "$name.expected" ] || fail "$name: nothing was told"
done
printf '%-9s %-16s %4s %7s  %s\n' command fault code seconds message
# fault NAME RANK:PLACE:KIND CODE SECONDS PATTERN: the time limit is 3 s.
fault() {
  local name=$1 what=$2 code=$3 limit=$4 pattern=$5 began got took left
  began=$(date +%s%N)
  BERTHA_FAULT=${what%:*}:0:${what##*:} run "$name"
  got=$?; took=$((($(date +%s%N) - began) / 1000000))
  printf '%-9s %-16s %4s %5s.%s  %s\n' "$name" "$what" $got $((took / 1000)) $((took % 1000 / 100)) "$(grep -aoE "$pattern" log | head -1 | cut -c1-250)"
  [ $got = "$code" ] || fail "$name, $what: exit code $got, not $code: $(grep -a bertha: log | tail -2)"
  [ $took -le $((limit * 1000)) ] || fail "$name, $what: took $took ms"
  grep -qaE "$pattern" log || fail "$name, $what: no line like '$pattern': $(grep -a bertha: log | tail -3)"
  left=$(pids); [ -z "$left" ] || { fail "$name, $what: processes left"; xargs -r kill -KILL <<<"$left"; }
  [ "$code" = 0 ] || [ ! -e out/predictions.jsonl ] || fail "$name, $what: half of the predictions are there"
  [ "$code" = 0 ] || run "$name" || fail "$name after $what: $(tail -2 log)"
  [ "$(told "$name")" = "$(cat "$name.expected")" ] || fail "$name, $what: another result than undisturbed"
}
stands='bertha: error: .*no progress for [3-9] s in phase'
gone() { echo "bertha: error: rank $1 on $(hostname) is gone without a word: "; }
fault corpus 1:evaluate:stop 76 20 "$stands.*: rank 1 silent for [0-9]+ s"
fault corpus 0:evaluate:kill 137 20 "$(gone 0)"
fault corpus 2:evaluate:throw 70 20 'bertha: error: rank 2: fault in evaluate'
fault labelled 2:predict:hang 76 20 "$stands.*: rank 2 has not arrived: in phase \"predicting\""
fault predict 0:predict:stop 76 20 "$stands.*rank 0 silent for [0-9]+ s"
fault predict 1:predict:hang 76 20 "$stands.*: rank 1 has not arrived: in phase \"predicting\""
fault predict 2:predict:kill 137 20 "$(gone 2)"
finish
