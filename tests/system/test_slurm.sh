#!/usr/bin/env bash
# A real Slurm of two virtual nodes runs the scripts of launch/slurm: two phases over both nodes under srun
# --mpi=pmix, the first preempted (USR1), saved, requeued and done as if nothing had happened, the second
# from its weights; beside them an array of fine-tunings, a job that stops before its time limit by itself, one on one
# node whose limit Slurm announces by the script's --signal, one on spare nodes that really is preempted by the others,
# waits, and goes on, and one with a mistake, that ends. One loses a rank, long before the other rank's watchdog would
# end it, and one a node: both go back into the queue by themselves and end as if nothing had happened, the second on
# the node that is left. What srun --mpi=none starts is refused.
. "$(dirname "$0")/../support/system.sh"
[ "$(id -u)" = 0 ] || skip "Slurm in namespaces needs root"
command -v slurmctld >/dev/null && command -v munged >/dev/null || skip "slurm-wlm and munge are not installed"
unshare --net --mount --pid --uts --fork true 2>/dev/null || skip "no namespaces here"
need_corpus
[ -e "$samples/reviews/train.tsv" ] || skip "no labelled reviews in $samples"
# Both nodes are this machine, where Open MPI's shared memory would meet itself: TCP only.
export OMPI_MCA_btl=self,tcp BERTHA=$bertha BERTHA_HOME=$BERTHA_SOURCE
slurm=$BERTHA_SOURCE/launch/slurm
run=$scratch/run
options=(--data.corpus "$corpus" "${tiny[@]}" --train.save_every 50)
unsaved=(--data.corpus "$corpus" "${tiny[@]}" --train.steps 1000000)
spared=("${unsaved[@]/1000000/1500}")
lossy=(--data.corpus "$corpus" "${tiny[@]}" --train.save_every 20 --train.steps 200 --train.deterministic true)  # whatever the number of ranks
printf '[train]\nsteps = 600\n' >"$scratch/phase1.ini"
printf '[train]\nsteps = 5\n' >"$scratch/phase2.ini"
head -201 "$samples/reviews/train.tsv" >"$scratch/train.tsv"
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 2 --train.output "$scratch/small" >/dev/null 2>&1 || fail "two steps"
for seed in 1 2; do echo "--train.seed $seed --train.output $scratch/tuned$seed"; done >"$scratch/runs.txt"
# Slow in its first go, so that there is a middle to be caught in; what it computes is the same.
cat >"$scratch/slow_first" <<S
#!/bin/sh
[ -n "\${SLURM_RESTART_COUNT:-}" ] || export BERTHA_FAULT="\$SLURM_PROCID:forward:0:slow\$SLOW_MS"
exec "$bertha" "\$@"
S
chmod +x "$scratch/slow_first"
cat >"$scratch/submit.sh" <<S
cd "$scratch"
# await FILE EVENT TIMES: until the file tells the event more often than that, for a minute.
await() { for _ in \$(seq 600); do [ "\$(grep -sc "\"event\":\"\$2\"" "\$1")" -gt "\$3" ] 2>/dev/null && return; sleep 0.1; done; }
# kill_ranks OUTPUT PATTERN: by signal 9.
kill_ranks() {
  for pid in \$(pgrep -f "train.output \$1( |\\$)"); do
    [ "\$(readlink /proc/\$pid/exe)" = "$(readlink -f "$bertha")" ] && grep -qzx "SLURM_PROCID=\$2" "/proc/\$pid/environ" && kill -9 "\$pid" && date +%s >"\$1.killed"
  done
}
for n in 1 2; do
  srun --mpi=none --ntasks \$n --time 5 "$bertha" pretrain ${options[*]} --train.steps 5 --train.output "$scratch/none\$n" >"$scratch/none\$n.out" 2>&1
  echo \$? >"$scratch/none\$n.code"
done
sbatch --partition spare --nodes 1 --cpus-per-task 8 --time 10 --output "$scratch/spare.out" "$slurm/preemptible.sbatch" ${spared[*]} \
  --train.output "$scratch/spare"
await "$scratch/spare/metrics.jsonl" train 20
bash "$slurm/two_phase.sh" phase1.ini phase2.ini "$run" --nodes 2 --ntasks-per-node 1 --time 10 -- ${options[*]}
sbatch --array=1-2 --time 10 --output "$scratch/tune-%a.out" "$slurm/finetune_array.sbatch" "$scratch/runs.txt" --train.init "$scratch/small" \
  --task.train "$scratch/train.tsv" --task.max_length 32 --task.epochs 1 --train.threads 1 --metrics.tensorboard false
# A limit of a minute, and no signal before it: only the end time that Slurm tells counts.
BERTHA_REQUEUES=0 sbatch --nodes 1 --nodelist n1 --time 1 --output "$scratch/limit.out" --wrap \
  "bash $slurm/run.sh pretrain ${unsaved[*]} --train.output $scratch/limit"
# Slurm looks every 30 seconds and signals up to 30 seconds early: 10 to 40 seconds after the start, by itself the run would stop after 54.
SLOW_MS=200 BERTHA=$scratch/slow_first sbatch --nodes 1 --nodelist n1 --ntasks-per-node 2 --time 1 --signal USR1@20 --output "$scratch/signal.out" \
  "$slurm/pretrain.sbatch" --config phase1.ini ${options[*]} --train.output "$scratch/signal"
await "$run/phase1/metrics.jsonl" train 20
# Rank 0 of two says what is wrong, and Slurm kills the other: 64 all the same, and not again.
wrong=\$(sbatch --parsable --nodes 2 --time 10 --output "$scratch/wrong.out" "$slurm/pretrain.sbatch" ${options[*]} --train.stepz 5 --train.output "$scratch/wrong")
scancel --name bertha-phase1 --signal=USR1
killed=\$(SLOW_MS=10 BERTHA=$scratch/slow_first BERTHA_REQUEUES=1 sbatch --parsable --nodes 2 --time 10 --output "$scratch/killed.out" \
  "$slurm/pretrain.sbatch" --config phase1.ini ${options[*]} --train.output "$scratch/killed")
await "$scratch/killed/metrics.jsonl" train 60
kill_ranks "$scratch/killed" 1
# A node is lost when nothing else needs it; Slurm, which would see that after its SlurmdTimeout, is told. It puts the job back
# and waits for another node, until it is told to do with one.
for job in killed spare; do await "$scratch/\$job/metrics.jsonl" end 0; done
lost=\$(SLOW_MS=10 BERTHA=$scratch/slow_first sbatch --parsable --nodes 2 --ntasks-per-node 2 --time 10 --output "$scratch/lost.out" \
  "$slurm/pretrain.sbatch" ${lossy[*]} --train.output "$scratch/lost")
await "$scratch/lost/metrics.jsonl" train 30
kill_ranks "$scratch/lost" '[23]'
for state in down drain; do scontrol update nodename=n2 state=\$state reason=lost; done  # down alone, it would come back
for _ in \$(seq 600); do [ "\$(squeue -h -j \$lost -o %T)" = PENDING ] && break; sleep 0.1; done
scontrol update jobid=\$lost numnodes=1 numtasks=2
for _ in \$(seq 240); do squeue -h -o '%T %r' >>"$scratch/queue"; [ -z "\$(squeue -h)" ] && break; sleep 0.5; done
for job in wrong killed lost; do scontrol show job "\${!job}" >"$scratch/\$job.job"; done
S
started=$SECONDS
"$BERTHA_SOURCE/tests/support/with_slurm.sh" "bash $scratch/submit.sh" >"$scratch/slurm.log" 2>&1 || { tail -5 "$scratch/slurm.log"; fail "Slurm run"; }
echo "Slurm: $((SECONDS - started)) s"
logs() { tail -n 3 "$run"/*.out "$scratch"/*.out "$scratch/slurm.log" 2>&1; }
grep -q 'ended with 75: requeueing' "$run"/bertha-phase1-*.out || fail "not requeued: $(logs)"
grep -q '"resume"' "$run/phase1/metrics.jsonl" || fail "phase 1 was not resumed: $(logs)"
for phase in 1 2; do grep -q '"end"' "$run/phase$phase/metrics.jsonl" || fail "phase $phase did not end: $(logs)"; done
grep -q "weights from $run/phase1" "$run/phase2/metrics.jsonl" || fail "phase 2 did not begin with the weights of phase 1"
for seed in 1 2; do [ -e "$scratch/tuned$seed/scores.json" ] || fail "no fine-tuning $seed: $(logs)"; done
grep -q '"reason":"time limit"' "$scratch/limit/metrics.jsonl" || fail "no stop before the time limit: $(logs)"
ls "$scratch"/limit/checkpoints/step-*/manifest.json >/dev/null || fail "nothing saved before the time limit"
grep -q '"reason":"SIGUSR1"' "$scratch/signal/metrics.jsonl" || fail "no signal of Slurm's own: $(logs)"
grep -q '"resume"' "$scratch/signal/metrics.jsonl" && grep -q '"end"' "$scratch/signal/metrics.jsonl" || fail "after Slurm's own signal the job did not go on to its end: $(logs)"
grep -q '"reason":"SIGTERM"' "$scratch/spare/metrics.jsonl" || fail "the spare job was not preempted: $(logs)"
grep -q '"resume"' "$scratch/spare/metrics.jsonl" && grep -q '"end"' "$scratch/spare/metrics.jsonl" || fail "the preempted job did not go on to its end: $(logs)"
grep -q 'unknown option train.stepz' "$scratch/wrong.out" || fail "the job with a mistake does not say so: $(logs)"
grep -q 'ExitCode=64:0' "$scratch/wrong.job" && grep -q 'Restarts=0' "$scratch/wrong.job" && ! grep -q requeueing "$scratch/wrong.out" ||
  fail "a mistake in the options was tried again, or lost its exit code: $(grep -oE '(ExitCode|Restarts)=[^ ]*' "$scratch/wrong.job") $(tail -3 "$scratch/wrong.out")"
grep -q 'ended with 137: requeueing' "$scratch/killed.out" || fail "the job that lost a rank did not end with 137: $(tail -3 "$scratch/killed.out")"
for job in killed lost; do
  grep -q 'ExitCode=0:0' "$scratch/$job.job" && grep -q 'Restarts=1' "$scratch/$job.job" ||
    fail "$job: not put back into the queue once, and done: $(grep -oE '(JobState|ExitCode|Restarts)=[^ ]*' "$scratch/$job.job" | xargs) $(tail -3 "$scratch/$job.out")"
  resumed=$(grep '"event":"resume"' "$scratch/$job/metrics.jsonl" | tail -1 | grep -oP '"time":\K[0-9]+')
  took=$((${resumed:-$(date +%s)} - $(cat "$scratch/$job.killed" || echo 0)))
  echo "$job: goes on $took s after its rank was killed"
  [ $took -le 90 ] || fail "$job: goes on $took s after its rank was killed"
done
[ "$(grep -E '"event":"(start|resume)"' "$scratch/lost/metrics.jsonl" | grep -oP '"world_size":\K[0-9]+' | xargs)" = "4 2" ] ||
  fail "the job that lost a node did not go on with two ranks of four: $(tail -3 "$scratch/lost.out")"
[ -z "$(ls "$scratch"/.bertha-exit-* 2>/dev/null)" ] || fail "files of exit codes are left"
[ "$(cat "$scratch/none2.code")" = 64 ] && grep -q 'bertha: error: the launcher announced 2 ranks .*every process would run alone.*--mpi=pmix' "$scratch/none2.out" ||
  fail "two tasks of srun --mpi=none: code $(cat "$scratch/none2.code"): $(tail -5 "$scratch/none2.out")"
[ ! -e "$scratch/none2/checkpoints" ] || fail "two tasks of srun --mpi=none trained something"
[ "$(cat "$scratch/none1.code")" = 0 ] || fail "one task of srun --mpi=none: code $(cat "$scratch/none1.code"): $(tail -5 "$scratch/none1.out")"
# As if nobody had disturbed them: the same weights as a run in one go.
same_weights() { cmp "$1/checkpoints/$2/model.safetensors" "$scratch/$3/checkpoints/$2/model.safetensors" || fail "$1 differs from a run that nobody disturbed"; }
ranks 2 "$bertha" pretrain --config "$scratch/phase1.ini" "${options[@]}" --train.output "$scratch/whole" >"$scratch/log" 2>&1 || fail "one go: $(tail -2 "$scratch/log")"
for job in "$run/phase1" "$scratch/signal" "$scratch/killed"; do same_weights "$job" step-00000600 whole; done
"$bertha" pretrain "${lossy[@]}" --train.output "$scratch/alone" >"$scratch/log" 2>&1 ||
  fail "one go, deterministic, one rank: $(tail -2 "$scratch/log")"
same_weights "$scratch/lost" step-00000200 alone
"$bertha" pretrain "${spared[@]}" --train.output "$scratch/unspared" >"$scratch/log" 2>&1 || fail "one go, one rank: $(tail -2 "$scratch/log")"
same_weights "$scratch/spare" step-00001500 unspared
finish
