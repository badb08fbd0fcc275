#!/usr/bin/env bash
# Completion: a shell that has sourced the script offers commands, options, words, folders and files;
# it knows every option that the program has now.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
mkdir corpus; : >config.ini
"$bertha" completion bash >script || fail "no script"
bash -n script || fail "the script does not parse"
. ./script
offers() {  # WORD...: what is offered for the last word
  COMP_WORDS=(bertha "$@") COMP_CWORD=$#
  _bertha 2>errors
  printf '%s\n' "${COMPREPLY[@]}"
}
expect_offer() {  # EXPECTED WORD...
  local expected=$1; shift
  local got; got=$(offers "$@" | tr '\n' ' ')
  [ -s errors ] && fail "for '$*': $(cat errors)"
  [ "$got" = "$expected " ] || fail "for '$*': '$got' instead of '$expected'"
}
expect_offer pretrain pret
expect_offer "--train.steps --train.stop_after_steps --train.stop_before_seconds" pretrain --train.st
expect_offer "fp32 fp16" pretrain --train.precision fp
expect_offer "true" pretrain --train.deterministic t
expect_offer "corpus" pretrain --data.corpus c
expect_offer "config.ini" pretrain --config config
expect_offer "--samples" inspect corpus --sam
expect_offer "bash" completion b
expect_offer "options" help opt
[[ $(offers vocab --model) != *model* ]] || fail "vocab does not read [model]"

# Not stale: every command and option of the help is offered.
"$bertha" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 12 ] || fail "no commands in the help"
options=0
while read -r command; do
  # No -q: it would end before the list does, and pipefail takes that for a failure.
  offers "" | grep -x -- "$command" >/dev/null || fail "$command is not offered"
  [ "$command" = help ] && continue
  offers "$command" --x >/dev/null
  "$bertha" help "$command" | sed -n 's/^  \(--[a-z0-9_.]*\).*/\1/p' | sort >known
  offers "$command" -- | grep -F . | sort >offered
  comm -23 known offered | grep . && fail "$command: options that are not offered"
  comm -13 known offered | grep . && fail "$command: offered, but not known"
  options=$((options + $(wc -l <known)))
done <commands
echo "$options options of $(wc -l <commands) commands"
expect 64 'bash is the only one' "$bertha" completion fish
finish
