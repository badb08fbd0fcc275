#!/usr/bin/env bash
# What the Slurm scripts have in common: one bertha command on all tasks of this job, put back into the
# queue while it ends with a code that says it goes on (75 stopped and saved, 76, 137 and 143 a lost rank).
#   run.sh pretrain|finetune OPTIONS...
#   BERTHA            the program, build/release/bertha of the folder sbatch was called in
#   BERTHA_SRUN_MPI   srun's --mpi, pmix
#   BERTHA_REQUEUES   how often the job goes back into the queue, 100
#   BERTHA_EXIT_DIR   a folder that all nodes see, for a file of three bytes; the one sbatch was called in
set -uo pipefail
bertha=${BERTHA:-${SLURM_SUBMIT_DIR:-.}/build/release/bertha}
export OMP_PLACES=cores
# Older Slurms do not tell when the job ends; the run stops and saves before that by itself.
if [ -z "${SLURM_JOB_END_TIME:-}" ]; then
  end=$(squeue -h -j "$SLURM_JOB_ID" -o %e 2>/dev/null) && end=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME=$end
fi
# A rank that gives up makes Slurm kill the others, and srun tells the highest code of all: theirs, 137. So the
# first to give up leaves its own code here. The name is new: what a network file system knows of older ones would mislead.
folder=${BERTHA_EXIT_DIR:-${SLURM_SUBMIT_DIR:-.}}
[ -w "$folder" ] || folder=${TMPDIR:-/tmp}  # rank 0, which tells what all ranks have, mostly runs on this node
export BERTHA_EXIT_FILE=$folder/.bertha-exit-$SLURM_JOB_ID-$(date +%s)
# A job that was told to go on with fewer nodes (scontrol update) still has the number of tasks of its first start.
tasks=()
most=$((${SLURM_JOB_NUM_NODES:-1} * ${SLURM_NTASKS_PER_NODE:-0}))
[ $most = 0 ] || [ "${SLURM_NTASKS:-0}" -le $most ] || tasks=(--ntasks $most)
# A preemption's SIGTERM comes to this shell as well: it must outlive the ranks that save.
trap : TERM USR1 INT
# Ranks that stop (75) end one by one, and none may be killed for it; but a rank that was killed says nothing to the others, who
# would wait for parallel.timeout_seconds: 20 seconds after the first to end, Slurm ends what is left.
srun --mpi="${BERTHA_SRUN_MPI:-pmix}" --kill-on-bad-exit=0 --wait=20 ${tasks[@]+"${tasks[@]}"} "$bertha" "$@"
code=$?
if [ $code != 0 ] && read -r told 2>/dev/null <"$BERTHA_EXIT_FILE"; then code=$told; fi
rm -f "$BERTHA_EXIT_FILE"
case $code in
  75 | 76 | 137 | 143)
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "${BERTHA_REQUEUES:-100}" ]; then
      echo "bertha ended with $code: requeueing job $SLURM_JOB_ID"
      scontrol requeue "$SLURM_JOB_ID"
    fi ;;
esac
exit $code
