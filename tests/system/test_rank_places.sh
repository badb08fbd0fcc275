#!/usr/bin/env bash
# Where the ranks run: cores are divided among those that may use them, and a crowd or an overlap is a warning; mpirun
# --hostfile, on this host and on two that are this machine under other names.
. "$(dirname "$0")/../support/system.sh"
need_corpus
plain=(pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 3 --train.output "$scratch/run")
counting=("${plain[@]/#--train.threads/--data.workers}" --train.dry_run true)  # as many threads as there are cores for
mask=$(awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status)
first=${mask%%[-,]*} cores=$(env -u OMP_NUM_THREADS nproc)
each=$((cores / 2)); [ $each -ge 1 ] || each=1
# says PATTERN...: what the run before said.
says() { local pattern; for pattern in "$@"; do grep -qE -- "$pattern" "$scratch/log" || fail "no line like '$pattern': $(tail -4 "$scratch/log")"; done; }
silent() { ! grep -E 'warning.*(share|may use the cores)' "$scratch/log" || fail "$1: a warning without a reason"; }
on_two() { ranks 2 "$@" "$bertha" "${counting[@]}" >"$scratch/log" 2>&1 || fail "$*: $(tail -2 "$scratch/log")"; }

on_two taskset -c "$first"
says "2 ranks on cpu, 1 thread each" "warning.*2 threads of 2 ranks on .* share 1 core \($first\)"
if [ "$cores" -ge 2 ]; then
  # What Open MPI does to one rank, unless it is told otherwise.
  mpirun -n 1 --bind-to none taskset -c "$first" "$bertha" "${counting[@]}" >"$scratch/log" 2>&1 || fail "one core: $(tail -2 "$scratch/log")"
  says "warning.*rank 0 on .* is bound to 1 of the [0-9]+ cores that could be used; .*--bind-to none"
  [ "$(grep -c 'that could be used' "$scratch/log")" = 1 ] || fail "idle cores are told of more than once"
  if [ "$cores" = "$(env -u OMP_NUM_THREADS nproc --all)" ]; then  # else this test itself may be bound
    expect 0 'on cpu' ranks 1 "$bertha" "${counting[@]}"
    ! ranks 1 "$bertha" "${counting[@]}" 2>&1 | grep 'that could be used' || fail "an unbound rank is said to be bound"
  fi
  on_two
  says "2 ranks on cpu, $each threads? each"
  silent "two ranks on $cores cores"
  mpirun --oversubscribe --bind-to none -n 1 taskset -c "$first" "$bertha" "${counting[@]}" : \
    -n 1 taskset -c "$mask" "$bertha" "${counting[@]}" >"$scratch/log" 2>&1 || fail "overlap: $(tail -2 "$scratch/log")"
  says "warning.*rank 0 on .* may use the cores $first, rank 1 the cores .*: they share $first and not the rest"
fi

printf 'localhost slots=2\n' >"$scratch/hosts"
expect 0 '2 ranks on cpu' mpirun --hostfile "$scratch/hosts" --bind-to none -n 2 "$bertha" "${plain[@]}"
# What mpirun starts by ssh elsewhere starts here, as a host of that name: two daemons, and TCP between their ranks.
if unshare --uts true 2>/dev/null; then
  printf '#!/usr/bin/env bash\nhost=$1; shift\nexec unshare --uts bash -c "hostname $host; $*"\n' >"$scratch/agent"
  chmod +x "$scratch/agent"
  printf 'bertha-node1 slots=1\nbertha-node2 slots=1\n' >"$scratch/hosts"
  two_hosts=(timeout 100 mpirun --mca plm_rsh_agent "$scratch/agent" --mca plm rsh --hostfile "$scratch/hosts" --bind-to none -n 2)
  [ "$("${two_hosts[@]}" hostname 2>/dev/null | sort | tr '\n' ' ')" = "bertha-node1 bertha-node2 " ] || fail "not one rank on each of two hosts"
  rm -rf "$scratch/run"
  expect 0 '2 ranks on cpu' "${two_hosts[@]}" "$bertha" "${plain[@]}"
  # The hosts are one machine: its cores are divided, whatever it is called.
  rm -rf "$scratch/run"
  "${two_hosts[@]}" "$bertha" "${counting[@]}" >"$scratch/log" 2>&1 || fail "two hosts: $(tail -2 "$scratch/log")"
  says "2 ranks on cpu, $each threads? each"
else
  echo "no host names of our own here: mpirun --hostfile ran on one host only"
fi
finish
