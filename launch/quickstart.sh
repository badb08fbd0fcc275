#!/usr/bin/env bash
# From nothing to a fine-tuned model on this machine: sets up, builds, fetches a real Wikipedia dump,
# trains a vocabulary, prepares a corpus, pretrains a small BERT, evaluates and fine-tunes it.
#   launch/quickstart.sh [--corpus PATH] [--ranks N] [--pretrained] [--gpu] [--work FOLDER]
#   --corpus PATH   your own text instead of Wikipedia (file, folder; txt, jsonl, xml; gz, bz2, zst)
#   --ranks N       processes that share the work (default 2)
#   --pretrained    fine-tune from real published weights (6-layer MiniLM) instead of our own
#   --gpu           train on CUDA devices, one rank each
#   --work FOLDER   where results go (default quickstart)
# Run again, it re-uses what is done; interrupted, it goes on.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

corpus='' ranks=2 pretrained=0 gpu=0 work=''
while [ $# -gt 0 ]; do
  case $1 in
    --corpus) corpus=$(realpath "${2:?--corpus needs a path}"); shift ;;
    --ranks) ranks=${2:?--ranks needs a number}; shift ;;
    --pretrained) pretrained=1 ;;
    --gpu) gpu=1 ;;
    --work) work=${2:?--work needs a folder}; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "quickstart: error: unknown option $1; try --help" >&2; exit 64 ;;
  esac
  shift
done
[[ $ranks =~ ^[1-9][0-9]*$ ]] || { echo "quickstart: error: --ranks $ranks: expected a number from 1" >&2; exit 64; }
[ -z "$corpus" ] || [ -e "$corpus" ] || { echo "quickstart: error: $corpus does not exist" >&2; exit 74; }
[ -z "$corpus" ] || [ -n "$(find -L "$corpus" -type f -size +0 -print -quit)" ] || {
  echo "quickstart: error: $corpus holds no text" >&2; exit 65
}
if [ -z "$work" ]; then
  work=$root/quickstart
  [ -z "$corpus" ] || work=$root/quickstart/$(basename "$corpus")
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)
# What is there is used again, so it has to be of the same text.
[ ! -e "$work/text" ] || [ "$(cat "$work/text")" = "$corpus" ] || {
  echo "quickstart: error: $work holds the results of '$(cat "$work/text")'; name another folder (--work FOLDER) or remove it" >&2
  exit 64
}
echo "$corpus" >"$work/text"
cd "$root"

bertha=build/release/bertha
deps=${BERTHA_DEPS:-$HOME/.cache/bertha}
started=$(date +%s)
device=cpu
doing=''
step() { doing=$*; echo; echo "== $* (after $(($(date +%s) - started)) s)"; } >&2
ended() {
  local code=$?
  [ $code = 0 ] || [ -z "$doing" ] || echo "quickstart: error: stopped while $doing (exit code $code, see above and" \
    "launch/guides/failures.md); the same command goes on from here, once what was wrong is mended" >&2
}
trap ended EXIT
# Open MPI refuses root unless told twice, and its hwloc complains where there is no /sys; the ranks share
# this machine's cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=${OMPI_MCA_btl:-^uct,openib,ofi} HWLOC_HIDE_ERRORS=2
# Quiet: else mpirun has the last word after our error.
ranked() { mpirun --quiet --oversubscribe --bind-to none -n "$ranks" "$bertha" "$@"; }

step "setting up"
if [ "$gpu" = 1 ]; then device=cuda; launch/setup.sh --gpu; else launch/setup.sh; fi
step "building"
launch/build.sh bertha
if [ "$gpu" = 1 ] && ! "$bertha" --version | grep '^devices.*cuda ([1-9]' >/dev/null; then
  echo "quickstart: error: --gpu: this build sees no GPU: $("$bertha" --version | grep '^devices')" \
    "(nvidia-smi should list one; a build for it wants a CUDA toolkit); without --gpu all of it runs on CPUs" >&2
  doing=''
  exit 64
fi

step "fetching samples"
python=$deps/python/bin/python
"$python" launch/fetch_samples.py reviews "$deps/downloads/reviews"
[ "$pretrained" = 0 ] || "$python" launch/fetch_samples.py minilm "$deps/downloads/minilm"
if [ -z "$corpus" ]; then
  "$python" launch/fetch_samples.py wikipedia "$deps/downloads/wikipedia"
  corpus=$deps/downloads/wikipedia/enwiki.xml.bz2
fi

step "training a vocabulary"
[ -e "$work/vocab.txt" ] || "$bertha" vocab --input.paths "$corpus" --vocab.size 8000 --vocab.output "$work/vocab.txt"

step "preparing the corpus with $ranks ranks"
[ -e "$work/corpus/manifest.json" ] || ranked prepare --input.paths "$corpus" \
  --tokenizer.vocab "$work/vocab.txt" --prepare.output "$work/corpus" --prepare.validation_fraction 0.1

# A file of plain text is one document; pairs of texts need two.
pairs=()
[ "$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["splits"]["train"]["documents"])' \
  "$work/corpus/manifest.json")" -ge 2 ] || {
  echo "quickstart: one document: training without next-sentence prediction" >&2
  pairs=(--data.next_sentence false)
}

step "pretraining with $ranks ranks"
ranked pretrain --config configs/quickstart.ini --data.corpus "$work/corpus" "${pairs[@]}" \
  --train.output "$work/run" --train.device $device

step "evaluating on the held-out documents"
[ -s "$work/evaluation.json" ] && [ "$work/evaluation.json" -nt "$work/run/metrics.jsonl" ] ||
  ranked evaluate --config configs/quickstart.ini --train.init "$work/run" "${pairs[@]}" \
    --data.corpus "$work/corpus" --train.device $device --json >"$work/evaluation.json"

step "fine-tuning on food reviews"
init=$work/run tuned=$work/tuned recipe=()
if [ "$pretrained" = 1 ]; then
  # A trained model of seven times the size: one epoch at the usual learning rate does.
  init=$deps/downloads/minilm tuned=$work/tuned-from-minilm
  recipe=(--task.epochs 1 --optimizer.learning_rate 5e-5)
fi
[ -e "$tuned/scores.json" ] || ranked finetune --config configs/finetune_quickstart.ini --train.init "$init" \
  --task.train "$deps/downloads/reviews/train.tsv" --task.test "$deps/downloads/reviews/test.tsv" \
  --train.output "$tuned" --train.device $device "${recipe[@]}"

step "done"
"$python" launch/summarize_quickstart.py "$work" "$tuned"
