#!/usr/bin/env bash
# What the Slurm scripts have in common: one bertha command on all tasks of this job, put back into the
# queue while it ends with a code that says it goes on (75 stopped and saved, 76 and 137 a lost rank).
#   run.sh pretrain|finetune OPTIONS...
#   BERTHA            the program, build/release/bertha of the folder sbatch was called in
#   BERTHA_SRUN_MPI   srun's --mpi, pmix
#   BERTHA_REQUEUES   how often the job goes back into the queue, 100
set -uo pipefail
bertha=${BERTHA:-${SLURM_SUBMIT_DIR:-.}/build/release/bertha}
export OMP_PLACES=cores
# Older Slurms do not tell when the job ends; the run stops and saves before that by itself.
if [ -z "${SLURM_JOB_END_TIME:-}" ]; then
  end=$(squeue -h -j "$SLURM_JOB_ID" -o %e 2>/dev/null) && end=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME=$end
fi
# A preemption's SIGTERM comes to this shell as well: it must outlive the ranks that save.
trap : TERM USR1 INT
srun --mpi="${BERTHA_SRUN_MPI:-pmix}" --kill-on-bad-exit=0 "$bertha" "$@"
code=$?
case $code in
  75 | 76 | 137)
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "${BERTHA_REQUEUES:-100}" ]; then
      echo "bertha ended with $code: requeueing job $SLURM_JOB_ID"
      scontrol requeue "$SLURM_JOB_ID"
    fi ;;
esac
exit $code
