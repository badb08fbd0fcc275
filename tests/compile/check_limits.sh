#!/usr/bin/env bash
# The house's limits that a script can check: lines per file and per line, a purpose comment first.
set -euo pipefail
cd "$1"
failed=0
while IFS= read -r file; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 350 ] && ! head -3 "$file" | grep -q 'data table'; then
    echo "$file: $lines lines, the limit is 350"; failed=1
  fi
  if long=$(grep -nE '^.{101,}' "$file" | head -1) && [ -n "$long" ]; then
    echo "$file:${long%%:*}: over 100 columns"; failed=1
  fi
  case $(head -1 "$file") in '// '*) ;; *) echo "$file: the first line does not say its purpose"; failed=1 ;; esac
done < <(find parallel data_pipeline trainer launch tests \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' \) | sort)
exit $failed
