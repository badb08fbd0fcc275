#!/usr/bin/env bash
# A rank of `prepare` or `vocab` that is stopped or stands still ends the job in bounded time, with 76, and is named, as one
# is that was killed; the
# same command then makes what a run makes that nobody disturbs. A slow rank that gets on is waited for, however long.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
mkdir text few
# Three units of the input, one for each rank: files of over 16 MiB, 700 documents each. For words one is enough.
awk 'BEGIN { for (f = 0; f < 3; ++f) for (d = 0; d < 700; ++d) {
  for (s = 0; s < 400; ++s) print "word" (d * s) % 977 " and word" (d + s) % 611 " are in line " s " of document " d " in file " f " ." > ("text/" f ".txt")
  print "" > ("text/" f ".txt") } }'
ln text/0.txt few/0.txt
input=(--input.paths text --input.format sentences) few=(--input.paths few --input.format sentences)
"$bertha" vocab "${few[@]}" --vocab.size 400 --vocab.output vocab.txt >log 2>&1 || { cat log; exit 1; }
prepare=(prepare "${input[@]}" --tokenizer.vocab vocab.txt --prepare.shard_tokens 1000000)
"$bertha" "${prepare[@]}" --prepare.output expected >log 2>&1 || { cat log; exit 1; }
pids() { pgrep -f "corpus-or-vocab" | while read -r p; do [ "$(readlink /proc/"$p"/exe)" = "$(readlink -f "$bertha")" ] && echo "$p"; done; }
same() { if [ "$1" = prepare ]; then diff -rq expected out/corpus-or-vocab; else cmp vocab.txt out/corpus-or-vocab; fi; }
printf '%-8s %-16s %4s %7s  %s\n' command fault code seconds message
# fault COMMAND RANK:PLACE:KIND CODE SECONDS PATTERN: on three ranks of one thread; the time limit is 3 s.
fault() {
  local command=$1 what=$2 code=$3 limit=$4 pattern=$5 began got took left
  local words=("${prepare[@]}" --prepare.workers 1 --prepare.output out/corpus-or-vocab)
  [ "$command" = prepare ] || words=(vocab "${few[@]}" --vocab.size 400 --vocab.output out/corpus-or-vocab)
  rm -rf out && mkdir out
  began=$(date +%s%N)
  BERTHA_FAULT=${what%:*}:0:${what##*:} ranks 3 timeout 90 "$bertha" "${words[@]}" --parallel.timeout_seconds 3 >log 2>&1
  got=$?; took=$((($(date +%s%N) - began) / 1000000))
  printf '%-8s %-16s %4s %5s.%s  %s\n' "$command" "$what" $got $((took / 1000)) $((took % 1000 / 100)) "$(grep -aoE "$pattern" log | head -1 | cut -c1-250)"
  [ $got = "$code" ] || fail "$command, $what: exit code $got, not $code: $(grep -a bertha: log | tail -2)"
  [ $took -le $((limit * 1000)) ] || fail "$command, $what: took $took ms"
  grep -qaE "$pattern" log || fail "$command, $what: no line like '$pattern': $(grep -a bertha: log | tail -3)"
  [ "${what##*:}" = kill ] || ! grep -qa 'without a word' log || fail "$command, $what: $(grep -a 'without a word' log)"
  left=$(pids); [ -z "$left" ] || { fail "$command, $what: processes left"; xargs -r kill -KILL <<<"$left"; }
  [ "$code" = 0 ] || ranks 3 "$bertha" "${words[@]}" >log 2>&1 || fail "$command after $what: $(tail -2 log)"
  same "$command" || fail "$command, $what: not what a run makes that nobody disturbs"
  [ "$(ls -A out)" = corpus-or-vocab ] || fail "$command, $what: left $(ls -A out)"
  # Slow means slower than the time limit, or nothing was shown.
  [ "$code" != 0 ] || [ $took -ge 5000 ] || fail "$command, $what: took only $took ms"
}
stands='bertha: error: .*no progress for [3-9] s in phase'
fault prepare 1:tokenize:stop 76 20 "$stands \"preparing the corpus\".*: rank 1 silent for [0-9]+ s"
fault prepare 0:shard:stop 76 20 "$stands \"preparing the corpus\".*rank 0 silent for [0-9]+ s"
fault prepare 2:tokenize:hang 76 20 "$stands \"preparing the corpus\": rank 2 gets no further"
fault prepare 1:tokenize:slow10 0 60 'corpus in out/corpus-or-vocab'
fault prepare 2:shard:slow20 0 60 'corpus in out/corpus-or-vocab'
gone() { echo "bertha: error: rank $1 on $(hostname) is gone without a word: "; }
fault prepare 1:tokenize:kill 137 20 "$(gone 1)"
fault prepare 0:shard:kill 137 20 "$(gone 0)"
fault vocab 0:count:kill 137 20 "$(gone 0)"
fault prepare 1:shard:throw 70 20 'bertha: error: .*fault in shard'
fault vocab 0:count:stop 76 20 "$stands \"making the vocabulary\".*rank 0 silent for [0-9]+ s"
fault vocab 0:count:hang 76 20 "$stands \"making the vocabulary\": rank 0 gets no further"
fault vocab 0:count:slow10 0 60 '400 tokens in out/corpus-or-vocab'
# A rank that only waits: stopped from outside while rank 0 works.
BERTHA_FAULT=0:count:0:slow20 ranks 3 timeout 90 "$bertha" vocab "${few[@]}" --vocab.size 400 --vocab.output out/corpus-or-vocab \
  --parallel.timeout_seconds 3 >log 2>&1 &
job=$!
for ((i = 0; i < 100; ++i)); do
  sleep 0.1
  waiting=$(pids | while read -r p; do grep -qzx OMPI_COMM_WORLD_RANK=2 "/proc/$p/environ" && echo "$p"; done)
  [ -z "$waiting" ] || [ $i -lt 15 ] || break
done
kill -STOP "$waiting" || fail "no rank 2 to stop"
wait $job; got=$?
[ $got = 76 ] || fail "a waiting rank stopped: exit code $got: $(tail -2 log)"
grep -qaE "$stands \"making the vocabulary\".*: rank 2 silent for [0-9]+ s" log || fail "a waiting rank stopped: $(grep -a bertha: log | tail -3)"
[ -z "$(pids)" ] || { fail "processes left"; pids | xargs -r kill -KILL; }
finish
