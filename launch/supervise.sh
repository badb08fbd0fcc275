#!/usr/bin/env bash
# Runs a command again while it ends with a code that says that the same command goes on: 75 (stopped
# and saved), 76 (communication failure), 137 and 143 (a rank was killed), 205 (mpirun lost a host):
#   launch/supervise.sh mpirun -n 8 bertha pretrain ...
# Any other code ends it, above all 64 (usage) and 65 (bad data), which would only come again. A stop
# that you asked for (TERM, INT or USR1 to this script, Ctrl-C) is passed on, to mpirun as USR1, and not
# retried; a second INT ends the command at once. After a failure it waits, twice as long each time; a
# run that lasted an hour begins the count anew.
#   launch/supervise.sh --hosts hosts mpirun --hostfile hosts.up bertha pretrain ...
# Before every start, hosts.up gets the lines of hosts (an mpirun hostfile) whose host answers `ssh HOST true`
# within ten seconds; a host that is lost costs its ranks, and not the run. Leave mpirun's -n out.
#   BERTHA_RETRIES   failures in a row that are retried, 10
#   BERTHA_RESTARTS  restarts after 75, 1000
#   BERTHA_WAIT      seconds before the first retry, 10; never more than 30 times as long
set -u
hosts=''
if [ "${1:-}" = --hosts ]; then
  hosts=${2:-}
  [ -r "$hosts" ] || { echo "supervise: cannot read the hosts in '$hosts'" >&2; exit 74; }
  shift 2
fi
case ${1:-} in '' | -*) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 64 ;; esac
most_retries=${BERTHA_RETRIES:-10} restarts=${BERTHA_RESTARTS:-1000} first_wait=${BERTHA_WAIT:-10}
retries=$most_retries wait_seconds=$first_wait stopped=0 interrupts=0 child=''
# mpirun answers TERM and INT by killing its ranks seconds later, in the middle of a save; USR1 it hands to them.
pass_on() {
  local signal=$1 name=''
  stopped=1 interrupted=1
  [ "$1" != INT ] || interrupts=$((interrupts + 1))
  [ -n "$child" ] || return 0
  read -r name 2>/dev/null <"/proc/$child/comm"
  case $name in mpirun* | mpiexec* | orterun* | prterun*) [ $interrupts -gt 1 ] || signal=USR1 ;; esac
  kill -s "$signal" "$child" 2>/dev/null
}
trap 'pass_on TERM' TERM HUP; trap 'pass_on INT' INT; trap 'pass_on USR1' USR1

# Writes $hosts.up, and whether other hosts answer than before.
find_hosts() {
  local line host before
  before=$(cat "$hosts.up" 2>/dev/null)
  while read -r line || [ -n "$line" ]; do
    host=${line%%[[:space:]#]*}
    case $host in
      '') continue ;;
      localhost | "$(hostname)") ;;
      *) timeout 10 ssh -o BatchMode=yes "$host" true </dev/null >/dev/null 2>&1 ||
           { echo "supervise: $host does not answer, going on without it" >&2; continue; } ;;
    esac
    printf '%s\n' "$line"
  done <"$hosts" >"$hosts.up.new"
  mv "$hosts.up.new" "$hosts.up"
  [ "$(cat "$hosts.up")" != "$before" ]
}

# Sleeps so that a signal is not kept waiting.
pause() { sleep "$1" & wait $! || true; }

# Runs the command once; its code is in $code.
go() {
  # In a session of its own: Ctrl-C reaches this script only.
  setsid "$@" &
  child=$!
  [ $stopped = 0 ] || pass_on TERM  # came before there was a child to tell
  # A trapped signal ends `wait` early, perhaps when the child is gone already: only a wait that no
  # signal came into tells the child's own code (127: told before).
  code=127 interrupted=1
  while [ $interrupted = 1 ]; do
    interrupted=0
    wait $child; waited=$?
    [ $waited = 127 ] || code=$waited
  done
  child=''
}

while :; do
  began=$SECONDS
  [ -z "$hosts" ] || find_hosts
  if [ -z "$hosts" ] || [ -s "$hosts.up" ]; then
    go "$@"
    # mpirun's codes where it could not start something on a host.
    case $code in 1 | 255) [ -z "$hosts" ] || ! find_hosts || code=76 ;; esac
  else
    echo "supervise: no host of $hosts answers" >&2
    code=76
  fi
  [ $stopped = 0 ] || exit $code
  if [ $((SECONDS - began)) -ge 3600 ]; then retries=$most_retries wait_seconds=$first_wait; fi
  case $code in
    75) [ "$restarts" -gt 0 ] || { echo "supervise: stopped and saved too often, no more restarts" >&2; exit 75; }
        restarts=$((restarts - 1)) ;;
    76 | 137 | 143 | 205)
        [ "$retries" -gt 0 ] || { echo "supervise: failed with $code too often, no more retries" >&2; exit $code; }
        retries=$((retries - 1))
        echo "supervise: ended with $code, again in $wait_seconds s ($retries retries left)" >&2
        pause "$wait_seconds"
        [ $stopped = 0 ] || exit $code
        wait_seconds=$((wait_seconds * 2))
        [ $wait_seconds -le $((30 * first_wait)) ] || wait_seconds=$((30 * first_wait)) ;;
    *) exit $code ;;
  esac
done
