#!/usr/bin/env bash
# Passes when a command fails as it should: expect_failure.sh CODE|any MESSAGE COMMAND...
# within a minute, with that exit code, after saying MESSAGE and $ALSO_SAID (extended regular expressions).
set -uo pipefail
code=$1 message=$2
shift 2
started=$SECONDS
output=$(timeout --kill-after=5 60 "$@" 2>&1)
got=$?
printf '%s\n' "$output"
# 137 alone may be mpirun's way to say that a rank was killed.
if [ $((SECONDS - started)) -ge 60 ]; then
  echo "expected a failure within a minute, but the command went on"; exit 1
fi
if [ "$code" = any ] && [ "$got" -eq 0 ]; then echo "expected a failure, got exit code 0"; exit 1; fi
if [ "$code" != any ] && [ "$got" -ne "$code" ]; then echo "expected exit code $code, got $got"; exit 1; fi
for expected in "$message" "${ALSO_SAID:-}"; do
  if ! grep -qE "$expected" <<<"$output"; then echo "nothing said: $expected"; exit 1; fi
done
echo "failed as expected: exit code $got"
