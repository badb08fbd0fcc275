# Bash completion for bertha: commands, then options of the command, then paths. Names come from the
# program's own help, so they never go stale.
_bertha() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]:-} program=${COMP_WORDS[0]}
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$("$program" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') help --help --version" -- "$word")
  elif [[ $word == --* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--config $("$program" help "$command" 2>/dev/null | sed -n 's/^  \(--[a-z0-9_.]*\).*/\1/p')" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _bertha bertha
