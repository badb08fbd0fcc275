#!/usr/bin/env bash
# 10,000 tiny steps on two ranks (test_soak.sh: 1,000), with logs, TensorBoard, validation and checkpoints: memory
# and open files of both must stay what they are after the first tenth, and the log must not grow with the steps. In fp32:
# in bf16 oneDNN keeps what it made for every new number of rows, up to a bound of its own.
#   BERTHA_BINARY=... BERTHA_BUILD=... BERTHA_SOURCE=. tests/system/soak.sh [STEPS]
. "$(dirname "$0")/../support/system.sh"
need_corpus
steps=${1:-10000}
"$python" "$(dirname "$0")/../support/soak.py" "$steps" mpirun --oversubscribe --bind-to none -n 2 "$bertha" pretrain \
  --data.corpus "$corpus" "${tiny[@]/false/true}" --train.steps "$steps" --train.save_every 100 --train.validate_every 500 \
  --train.output "$scratch/run" || fail "soak"
finish
