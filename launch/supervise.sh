#!/usr/bin/env bash
# Runs a command again while it ends with a resumable exit code (75 stopped and saved,
# 76 communication failure): launch/supervise.sh mpirun -n 8 bertha pretrain ...
# A stop that you asked for (a signal to this script) is passed on and not retried.
# BERTHA_RETRIES (default 10) bounds retries after 76; waits double from 10 s to 5 min.
set -u
[ $# -gt 0 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 64; }
retries=${BERTHA_RETRIES:-10} wait_seconds=10 stopped=0 child=''
pass_on() { stopped=1; [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null; }
trap 'pass_on TERM' TERM; trap 'pass_on INT' INT; trap 'pass_on USR1' USR1
while :; do
  "$@" &
  child=$!
  wait $child; code=$?
  # A trapped signal ends `wait` early: wait for the child itself.
  while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
  [ $stopped = 0 ] || exit $code
  case $code in
    75) ;;
    76) [ "$retries" -gt 0 ] || exit 76
        retries=$((retries - 1))
        echo "supervise: communication failure, again in $wait_seconds s ($retries retries left)" >&2
        sleep $wait_seconds; wait_seconds=$((wait_seconds < 150 ? wait_seconds * 2 : 300)) ;;
    *) exit $code ;;
  esac
done
