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
expect_offer "bash zsh" completion ""
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
expect 64 'bash or zsh' "$bertha" completion fish

# Zsh offers the same, word for word; compadd and _files say what they are given, as completion is off in a script.
command -v zsh >/dev/null || { echo "no zsh here: its completion was not tried"; finish; exit; }
"$bertha" completion zsh >script.zsh || fail "no script for zsh"
cat >offers.zsh <<'Z'
compadd() { shift; print -l -- ${(M)@:#${PREFIX}*}; }
_files() { print files $@; }
compdef() { print registered $@ >&2; }
source ./script.zsh
words=(bertha "$@") CURRENT=$(($# + 1)) PREFIX=${@[-1]}
_bertha
Z
zsh_offers() { zsh -f offers.zsh "$@" 2>zsh-errors; grep -qx 'registered _bertha bertha' zsh-errors || fail "zsh: $(cat zsh-errors)"; }
expect_zsh() {  # EXPECTED WORD...
  local expected=$1; shift
  local got; got=$(zsh_offers "$@" | tr '\n' ' ')
  [ "$got" = "$expected " ] || fail "zsh, for '$*': '$got' instead of '$expected'"
}
expect_zsh "pretrain" pret
expect_zsh "fp32 fp16" pretrain --train.precision fp
expect_zsh "files -/" pretrain --data.corpus c
expect_zsh "files" pretrain --config config
expect_zsh "bash zsh" completion ""
while read -r command; do
  diff <(offers "$command" -- | sort) <(zsh_offers "$command" -- | sort) >different || fail "zsh, $command: $(head -3 different)"
done <commands
# As a user has it: completion on, Tab pressed, in a terminal of zsh's own.
cat >tab.zsh <<'Z'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "autoload -Uz compinit && compinit -u -d $PWD/dump && source ./script.zsh && PS1='%% ' && print rea''dy"
zpty -r -m shell line '*ready*' || exit 1
zpty -w -n shell $'bertha pretrain --train.prec\t'
zpty -t shell; zpty -r -m shell line '*--train.precision*' && print completed
zpty -d shell
Z
if zsh -fc 'zmodload zsh/zpty && zpty try true' 2>/dev/null; then
  expect 0 'completed' timeout 60 zsh -f tab.zsh
else
  echo "no pseudo terminal here (a bare root): Tab was not pressed"
fi
finish
