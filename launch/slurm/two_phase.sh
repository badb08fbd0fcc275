#!/usr/bin/env bash
# BERT's two phases as two jobs: short sequences first, then long ones from the weights of the first. The
# second job waits until the first is done, through as many requeues as it takes.
#   launch/slurm/two_phase.sh configs/bert_base_phase1.ini configs/bert_base_phase2.ini /data/run \
#     --nodes 4 --ntasks-per-node 8 --gpus-per-node 8 -- --data.corpus /data/corpus
# Options before -- are sbatch's, those after it bertha's, for both phases. Results: RUN/phase1, RUN/phase2.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 64; }
first=$1 second=$2 run=$3
shift 3
for_sbatch=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do for_sbatch+=("$1"); shift; done
[ $# -eq 0 ] || shift
here=$(cd "$(dirname "$0")" && pwd)
export BERTHA_HOME=${BERTHA_HOME:-$(cd "$here/../.." && pwd)}
mkdir -p "$run"
submit() { sbatch --parsable --output "$run/%x-%j.out" "${for_sbatch[@]}" "$@" | cut -d';' -f1; }
job1=$(submit --job-name bertha-phase1 "$here/pretrain.sbatch" --config "$first" "${@}" --train.output "$run/phase1")
job2=$(submit --job-name bertha-phase2 --dependency "afterok:$job1" --kill-on-invalid-dep=yes \
  "$here/pretrain.sbatch" --config "$second" "${@}" --train.init "$run/phase1" --train.output "$run/phase2")
echo "phase 1: job $job1, phase 2: job $job2; squeue --me"
