#!/usr/bin/env bash
# launch/supervise.sh: again after 75, 76 and a killed rank, so often and no more, never after 64 or 65;
# signals are passed on and end it.
. "$(dirname "$0")/../support/system.sh"
export BERTHA_WAIT=0
supervise=$BERTHA_SOURCE/launch/supervise.sh
# A command that ends with the codes of a list, one a run; the last one for ever.
cat >"$scratch/command" <<'S'
#!/usr/bin/env bash
echo run >>"$1/runs"
code=$(sed -n "$(wc -l <"$1/runs")p" "$1/codes")
exit "${code:-$(tail -1 "$1/codes")}"
S
# ends CODE RUNS codes...: what comes out and how often the command ran.
ends() {
  local code=$1 runs=$2; shift 2
  rm -f "$scratch/runs"; printf '%s\n' "$@" >"$scratch/codes"
  timeout 20 bash "$supervise" bash "$scratch/command" "$scratch" 2>"$scratch/log"; local got=$?
  [ $got = "$code" ] || fail "codes $*: ended with $got, not $code"
  [ "$(wc -l <"$scratch/runs")" = "$runs" ] || fail "codes $*: ran $(wc -l <"$scratch/runs") times, not $runs"
}
ends 0 1 0
ends 0 3 75 75 0
ends 0 6 76 137 143 205 75 0
for code in 64 65 70 74 1 255; do ends $code 1 $code; done
ends 65 2 75 65
BERTHA_RETRIES=3 ends 76 4 76
BERTHA_RESTARTS=5 ends 75 6 75
grep -q 'no more restarts' "$scratch/log" || fail "the bound is not told"
expect 64 'launch/supervise.sh' bash "$supervise"
# Waits double: 1 + 2 s.
started=$SECONDS; BERTHA_WAIT=1 BERTHA_RETRIES=2 ends 76 3 76
[ $((SECONDS - started)) -ge 3 ] || fail "no back-off: three runs in $((SECONDS - started)) s"
grep -q 'again in 2 s' "$scratch/log" || fail "the second wait is not twice the first: $(cat "$scratch/log")"
# A signal reaches the command, which saves and ends with 75: that is not retried.
cat >"$scratch/saves" <<'S'
#!/usr/bin/env bash
trap 'exit 75' TERM; trap 'exit 75' USR1; trap 'exit 75' INT
echo run >>"$1/runs"; sleep 30 & wait
S
for signal in TERM USR1; do
  rm -f "$scratch/runs"
  bash "$supervise" bash "$scratch/saves" "$scratch" & job=$!
  for _ in $(seq 100); do [ -e "$scratch/runs" ] && break; sleep 0.05; done
  sleep 0.3; kill -s $signal $job; wait $job; code=$?
  [ $code = 75 ] || fail "$signal: ended with $code"
  [ "$(wc -l <"$scratch/runs")" = 1 ] || fail "$signal: ran again"
done
# And while it waits before a retry.
BERTHA_WAIT=20 bash "$supervise" bash -c 'exit 76' 2>/dev/null & job=$!
sleep 0.5; started=$SECONDS; kill $job; wait $job; code=$?
[ $code = 76 ] && [ $((SECONDS - started)) -le 3 ] || fail "a signal while waiting: code $code after $((SECONDS - started)) s"
finish
