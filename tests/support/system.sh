# Sourced by the system tests: the binary, a scratch folder, a corpus of real text, small assertions.
set -uo pipefail
: "${BERTHA_BINARY:?}" "${BERTHA_BUILD:?}" "${BERTHA_SOURCE:?}"
bertha=$BERTHA_BINARY
python=${BERTHA_PEER_PYTHON:-python3}
samples=${BERTHA_SAMPLES:-${BERTHA_DEPS:-$HOME/.cache/bertha}/downloads}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=${OMPI_MCA_btl:-^uct,openib,ofi} HWLOC_HIDE_ERRORS=2
export OMP_NUM_THREADS=1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; failures=$((failures + 1)); }
finish() { [ $failures = 0 ] && echo "all checks passed" || { echo "$failures check(s) failed" >&2; exit 1; }; }
ranks() { local n=$1; shift; mpirun --oversubscribe --bind-to none -n "$n" "$@"; }

# expect CODE 'pattern' command...: the exit code, and a line of the output that matches.
expect() {
  local code=$1 pattern=$2; shift 2
  local output; output=$("$@" 2>&1); local got=$?
  [ $got = "$code" ] || fail "exit code $got instead of $code: $* :: $(tail -3 <<<"$output")"
  grep -qE -- "$pattern" <<<"$output" || fail "no line like '$pattern': $* :: $(tail -3 <<<"$output")"
}

# rank_pids OUTPUT [RANK]: the processes of the run that writes to OUTPUT; with RANK that of one of mpirun's ranks.
rank_pids() {
  pgrep -f "train.output $1( |\$)" | while read -r pid; do
    [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$bertha")" ] || continue
    [ -z "${2:-}" ] || grep -qzx "OMPI_COMM_WORLD_RANK=$2" "/proc/$pid/environ" 2>/dev/null || continue
    echo "$pid"
  done
}

# Makes $corpus and $vocab from the real Wikipedia dump once per build; skips without the dump.
need_corpus() {
  local dump=$samples/wikipedia/enwiki.xml.bz2 made=$BERTHA_BUILD/system-corpus
  [ -e "$dump" ] || skip "no Wikipedia dump in $samples (launch/fetch_samples.py wikipedia)"
  mkdir -p "$made"
  exec 9>"$made/lock"; flock 9
  vocab=$made/vocab.txt corpus=$made/corpus
  if [ ! -e "$corpus/manifest.json" ] || [ "$bertha" -nt "$corpus/manifest.json" ]; then
    rm -rf "$corpus"
    "$bertha" vocab --input.paths "$dump" --vocab.size 4000 --vocab.output "$vocab" &&
      ranks 2 "$bertha" prepare --input.paths "$dump" --tokenizer.vocab "$vocab" \
        --prepare.output "$corpus" --prepare.shard_tokens 100000 --prepare.validation_fraction 0.05 ||
      { echo "the corpus could not be made" >&2; exit 1; }
    touch "$corpus/manifest.json"
  fi
  exec 9>&-
}

# A model so small that a step takes milliseconds; the arguments follow.
tiny=(--model.size tiny --model.layers 1 --model.hidden_size 32 --model.attention_heads 2
  --model.intermediate_size 64 --data.sequence_length 64 --train.global_batch 16 --train.log_every 1
  --train.validation_batches 1 --train.threads 1 --metrics.tensorboard false
  --train.precision fp32)  # the same on every machine

# losses FILE: the loss of every train line, full precision.
losses() {
  "$python" -c 'import json,sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event"] == "train": print(e["step"], repr(e["loss"]), repr(e["gradient_norm"]))' "$1"
}

# train_lines FILE: everything that train lines tell, full precision, but for times and memory.
train_lines() {
  "$python" -c 'import json,sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e.pop("event") == "train":
        print({k: v for k, v in e.items() if not k.startswith("time") and not k.endswith(("_seconds", "_per_second", "_fraction", "_utilization", "_bytes"))})' "$1"
}

# Makes text.txt, vocab.txt, corpus and start, a model of one step, here: of sentences about tea, for rows about tea.
made_up_start() {
  awk 'BEGIN { for (d = 0; d < 30; ++d) { for (s = 0; s < 8; ++s) print "good tea or bad tea , one cup or two cups , said line number " (d * s) % 90 " ."; print "" } }' >text.txt
  "$bertha" vocab --input.paths text.txt --vocab.size 120 --vocab.output vocab.txt >log 2>&1 &&
    "$bertha" prepare --input.paths text.txt --input.format sentences --tokenizer.vocab vocab.txt --prepare.output corpus \
      --prepare.validation_fraction 0 >>log 2>&1 &&
    "$bertha" pretrain "${tiny[@]}" --data.corpus corpus --train.output start --train.steps 1 >>log 2>&1 || { cat log; exit 1; }
}
