#!/usr/bin/env bash
# Configures and builds the release preset into build/release: launch/build.sh [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
log=build/release/build.log
mkdir -p build/release
if ! cmake --preset release >"$log" 2>&1; then
  tail -20 "$log" >&2; echo "build: error: configuration failed; all of it: $log" >&2; exit 70
fi
echo "build: compiling (output in $log)" >&2
# A plain count now and then; ninja's own line is kept for terminals.
if [ -t 2 ]; then
  nice cmake --build build/release ${@:+--target "$@"} || exit 70
else
  nice cmake --build build/release ${@:+--target "$@"} >>"$log" 2>&1 &
  build=$!
  while kill -0 $build 2>/dev/null; do
    for _ in $(seq 15); do sleep 1; kill -0 $build 2>/dev/null || break; done
    echo "build: $(grep -aoE '^\[[0-9]+/[0-9]+\]' "$log" | tail -1)" >&2
  done
  wait $build || { grep -aE 'error|FAILED' -A5 "$log" | tail -30 >&2; echo "build: error: compilation failed; all of it: $log" >&2; exit 70; }
fi
