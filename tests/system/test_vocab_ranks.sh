#!/usr/bin/env bash
# `vocab` under mpirun: the same file from 1, 2 and 3 ranks, written once, by rank 0; and a failure there ends all.
. "$(dirname "$0")/../support/system.sh"
dump=$samples/wikipedia/enwiki.xml.bz2
[ -e "$dump" ] || skip "no Wikipedia dump in $samples (launch/fetch_samples.py wikipedia)"
for n in 1 2 3; do
  ranks $n "$bertha" vocab --input.paths "$dump" --vocab.size 3000 --vocab.output "$scratch/$n/vocab.txt" >"$scratch/log" 2>&1 ||
    fail "$n ranks: $(tail -2 "$scratch/log")"
  [ "$(grep -c '3000 tokens in ' "$scratch/log")" = 1 ] || fail "$n ranks: not one rank that writes: $(tail -3 "$scratch/log")"
  [ "$(ls -A "$scratch/$n")" = vocab.txt ] || fail "$n ranks: left $(ls -A "$scratch/$n")"
  cmp "$scratch/1/vocab.txt" "$scratch/$n/vocab.txt" || fail "$n ranks give another vocabulary than one"
done
[ "$(wc -l <"$scratch/1/vocab.txt")" = 3000 ] || fail "$(wc -l <"$scratch/1/vocab.txt") tokens instead of 3000"
expect 74 'no-such' ranks 3 "$bertha" vocab --input.paths "$scratch/no-such" --vocab.size 3000 --vocab.output "$scratch/vocab.txt"
finish
