#!/usr/bin/env bash
# A real Slurm of two virtual nodes: launch/slurm/pretrain.sbatch runs under srun --mpi=pmix, saves on
# USR1, is requeued, and goes on to the end.
. "$(dirname "$0")/../support/system.sh"
[ "$(id -u)" = 0 ] || skip "Slurm in namespaces needs root"
command -v slurmctld >/dev/null && command -v munged >/dev/null || skip "slurm-wlm and munge are not installed"
unshare --net --mount --pid --uts --fork true 2>/dev/null || skip "no namespaces here"
need_corpus
# Both nodes are this machine, where Open MPI's shared memory would meet itself: TCP only.
export OMPI_MCA_btl=self,tcp BERTHA=$bertha
out=$scratch/run
cat >"$scratch/submit.sh" <<S
cd "$scratch"
sbatch --nodes 2 --ntasks-per-node 1 --time 10 --output "$scratch/job.out" "$BERTHA_SOURCE/launch/slurm/pretrain.sbatch" \
  --data.corpus "$corpus" ${tiny[*]} --train.steps 2000 --train.save_every 100 --train.output "$out" --train.global_batch 64
job=\$(squeue -h -o %i | head -1)
for _ in \$(seq 300); do [ "\$(grep -sc '"train"' "$out/metrics.jsonl")" -gt 20 ] 2>/dev/null && break; sleep 0.2; done
scancel --signal=USR1 "\$job"
for _ in \$(seq 600); do [ -z "\$(squeue -h)" ] && break; sleep 0.5; done
S
"$BERTHA_SOURCE/tests/support/with_slurm.sh" "bash $scratch/submit.sh" >"$scratch/slurm.log" 2>&1 || { tail -5 "$scratch/slurm.log"; fail "Slurm run"; }
grep -q 'requeueing' "$scratch/job.out" || fail "not requeued: $(tail -5 "$scratch/job.out")"
grep -q '"resume"' "$out/metrics.jsonl" || fail "no resume event"
grep -q '"end"' "$out/metrics.jsonl" || fail "did not reach the end: $(tail -5 "$scratch/job.out")"
finish
