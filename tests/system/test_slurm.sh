#!/usr/bin/env bash
# A real Slurm of two virtual nodes runs the scripts of launch/slurm: two phases over both nodes under srun
# --mpi=pmix, the first preempted (USR1), saved, requeued and done as if nothing had happened, the second
# from its weights; beside them an array of fine-tunings, a job that stops before its time limit by itself, and
# one on spare nodes that really is preempted by the others, waits, and goes on, and one with a mistake, that ends; and one that
# loses a rank, which ends long before the other rank's watchdog would end it.
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
printf '[train]\nsteps = 600\n' >"$scratch/phase1.ini"
printf '[train]\nsteps = 5\n' >"$scratch/phase2.ini"
head -201 "$samples/reviews/train.tsv" >"$scratch/train.tsv"
"$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 2 --train.output "$scratch/small" >/dev/null 2>&1 || fail "two steps"
for seed in 1 2; do echo "--train.seed $seed --train.output $scratch/tuned$seed"; done >"$scratch/runs.txt"
cat >"$scratch/submit.sh" <<S
cd "$scratch"
sbatch --partition spare --nodes 1 --cpus-per-task 4 --time 10 --output "$scratch/spare.out" "$slurm/preemptible.sbatch" ${spared[*]} \
  --train.output "$scratch/spare"
for _ in \$(seq 300); do [ "\$(grep -sc '"train"' "$scratch/spare/metrics.jsonl")" -gt 20 ] 2>/dev/null && break; sleep 0.1; done
bash "$slurm/two_phase.sh" phase1.ini phase2.ini "$run" --nodes 2 --ntasks-per-node 1 --time 10 -- ${options[*]}
sbatch --array=1-2 --time 10 --output "$scratch/tune-%a.out" "$slurm/finetune_array.sbatch" "$scratch/runs.txt" --train.init "$scratch/small" \
  --task.train "$scratch/train.tsv" --task.max_length 32 --task.epochs 1 --train.threads 1 --metrics.tensorboard false
# A limit of a minute, and no signal before it: only the end time that Slurm tells counts.
BERTHA_REQUEUES=0 sbatch --nodes 1 --time 1 --output "$scratch/limit.out" --wrap \
  "bash $slurm/run.sh pretrain ${unsaved[*]} --train.output $scratch/limit"
for _ in \$(seq 300); do [ "\$(grep -sc '"train"' "$run/phase1/metrics.jsonl")" -gt 20 ] 2>/dev/null && break; sleep 0.1; done
# Rank 0 of two says what is wrong, and Slurm kills the other: 64 all the same, and not again.
wrong=\$(sbatch --parsable --nodes 2 --time 10 --output "$scratch/wrong.out" "$slurm/pretrain.sbatch" ${options[*]} --train.stepz 5 --train.output "$scratch/wrong")
scancel --name bertha-phase1 --signal=USR1
killed=\$(BERTHA_REQUEUES=0 sbatch --parsable --nodes 2 --time 10 --output "$scratch/killed.out" "$slurm/pretrain.sbatch" ${unsaved[*]} --train.output "$scratch/killed")
for _ in \$(seq 600); do [ "\$(grep -sc '"train"' "$scratch/killed/metrics.jsonl" || true)" -gt 20 ] 2>/dev/null && break; sleep 0.1; done
for pid in \$(pgrep -f "train.output $scratch/killed( |\$)"); do
  [ "\$(readlink /proc/\$pid/exe)" = "$(readlink -f "$bertha")" ] && grep -qzx SLURM_PROCID=1 "/proc/\$pid/environ" && kill -9 "\$pid" && date +%s >"$scratch/killed.at"
done
for _ in \$(seq 240); do squeue -h -o '%T %r' >>"$scratch/queue"; [ -z "\$(squeue -h)" ] && break; sleep 0.5; done
for job in wrong killed; do scontrol show job "\${!job}" >"$scratch/\$job.job"; done
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
grep -q '"reason":"SIGTERM"' "$scratch/spare/metrics.jsonl" || fail "the spare job was not preempted: $(logs)"
grep -q '"resume"' "$scratch/spare/metrics.jsonl" && grep -q '"end"' "$scratch/spare/metrics.jsonl" || fail "the preempted job did not go on to its end: $(logs)"
grep -q 'unknown option train.stepz' "$scratch/wrong.out" || fail "the job with a mistake does not say so: $(logs)"
grep -q 'ExitCode=64:0' "$scratch/wrong.job" && grep -q 'Restarts=0' "$scratch/wrong.job" && ! grep -q requeueing "$scratch/wrong.out" ||
  fail "a mistake in the options was tried again, or lost its exit code: $(grep -oE '(ExitCode|Restarts)=[^ ]*' "$scratch/wrong.job") $(tail -3 "$scratch/wrong.out")"
grep -q 'ExitCode=137:0' "$scratch/killed.job" || fail "the job that lost a rank did not end with 137: $(grep -o 'ExitCode=[^ ]*' "$scratch/killed.job") $(tail -3 "$scratch/killed.out")"
outlived=$(($(date -d "$(grep -oP 'EndTime=\K\S+' "$scratch/killed.job")" +%s) - $(cat "$scratch/killed.at" || echo 0)))
echo "a job that lost a rank: over after $outlived s"
[ $outlived -le 60 ] || fail "the job that lost a rank took $outlived s to end"
[ -z "$(ls "$scratch"/.bertha-exit-* 2>/dev/null)" ] || fail "files of exit codes are left"
ls "$scratch"/limit/checkpoints/step-*/manifest.json >/dev/null || fail "nothing saved before the time limit"
# As if nobody had preempted it: the same weights as a run in one go.
ranks 2 "$bertha" pretrain --config "$scratch/phase1.ini" "${options[@]}" --train.output "$scratch/whole" >"$scratch/log" 2>&1 || fail "one go: $(tail -2 "$scratch/log")"
cmp "$run/phase1/checkpoints/step-00000600/model.safetensors" "$scratch/whole/checkpoints/step-00000600/model.safetensors" ||
  fail "the run stopped by USR1 differs from one that was not"
"$bertha" pretrain "${spared[@]}" --train.output "$scratch/unspared" >"$scratch/log" 2>&1 || fail "one go, one rank: $(tail -2 "$scratch/log")"
cmp "$scratch/spare/checkpoints/step-00001500/model.safetensors" "$scratch/unspared/checkpoints/step-00001500/model.safetensors" ||
  fail "the preempted run differs from one that was not"
finish
