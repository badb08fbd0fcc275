#!/usr/bin/env bash
# launch/supervise.sh with the real program: a rank is killed, in the next go the other stops dead, and the run ends by
# itself as if nothing had happened; a host of two is lost, and the run goes on with the rank that is left.
. "$(dirname "$0")/../support/system.sh"
need_corpus
export BERTHA_WAIT=1
supervise=$BERTHA_SOURCE/launch/supervise.sh
train=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.steps 90 --train.save_every 5 --parallel.timeout_seconds 6)
# trained RESUMES: steps since the run was resumed for that time, 0 before.
trained() {
  awk -v n="$1" '/"event":"resume"/ {++r; t = 0} /"event":"train"/ {++t} END {print r + 0 == n ? t + 0 : 0}' "$out/metrics.jsonl" 2>/dev/null || echo 0
}
# caught RANK RESUMES: the process of that rank, in the middle of that go.
caught() {
  for _ in $(seq 600); do
    [ "$(trained "$2")" -le 10 ] || break
    kill -0 "$job" 2>/dev/null || break
    sleep 0.1
  done
  rank_pids "$out" "$1"
}
moments() { "$python" "$BERTHA_SOURCE/tests/support/moments.py" "$1/checkpoints/step-00000090"; }
# ends_as WHOLE: losses without a gap or a repeated step, weights, moments.
ends_as() {
  local model=checkpoints/step-00000090/model.safetensors
  [ "$(losses "$out/metrics.jsonl" | wc -l)" = 90 ] && [ "$(losses "$out/metrics.jsonl")" = "$(losses "$1/metrics.jsonl")" ] ||
    fail "$out: losses differ from those of a run that nobody disturbed"
  cmp "$out/$model" "$1/$model" || fail "$out: weights differ"
  [ -n "$(moments "$1")" ] && [ "$(moments "$out")" = "$(moments "$1")" ] || fail "$out: moments differ"
  [ -z "$(rank_pids "$out")" ] || fail "$out: ranks left behind"
}

# Slow, so that there is a middle to be caught in; what is computed is the same.
out=$scratch/run
BERTHA_FAULT=1:forward:0:slow40 bash "$supervise" mpirun --oversubscribe --bind-to none -n 2 "${train[@]}" --train.output "$out" >"$scratch/log" 2>&1 &
job=$!
resumes=0
for hit in KILL:1 STOP:0; do
  pid=$(caught "${hit#*:}" $resumes)
  [ "$(wc -w <<<"$pid")" = 1 ] || { fail "$hit: '$pid' is not one process: $(tail -3 "$scratch/log")"; kill $job; break; }
  kill -s "${hit%:*}" "$pid"
  resumes=$((resumes + 1))
done
wait $job; code=$?
[ $code = 0 ] || fail "killed and stopped: ended with $code: $(tail -3 "$scratch/log")"
for ended in 137 76; do
  grep -q "supervise: ended with $ended, again in" "$scratch/log" || fail "not started again after $ended: $(grep supervise: "$scratch/log")"
done
ranks 2 "${train[@]}" --train.output "$scratch/whole" >"$scratch/log" 2>&1 || fail "one go: $(tail -2 "$scratch/log")"
ends_as "$scratch/whole"

# Two hosts that are this machine, reached by a stand-in for ssh; one is lost with its daemon and its rank.
unshare --uts true 2>/dev/null || { echo "no host names of our own here: no host was lost"; finish; exit; }
mkdir "$scratch/bin"
cat >"$scratch/bin/ssh" <<SSH
#!/usr/bin/env bash
while [[ \$1 = -* ]]; do [ "\$1" != -o ] || shift; shift; done
host=\$1; shift
[ ! -e "$scratch/\$host.lost" ] || exit 255
exec unshare --uts bash -c "hostname \$host; \$*"
SSH
chmod +x "$scratch/bin/ssh"
export PATH=$scratch/bin:$PATH
printf '# ours\nbertha-node1 slots=1\nbertha-node2 slots=1\n' >"$scratch/hosts"
out=$scratch/hosts_run
train+=(--train.deterministic true)
BERTHA_FAULT=1:forward:0:slow40 bash "$supervise" --hosts "$scratch/hosts" mpirun --hostfile "$scratch/hosts.up" --bind-to none \
  "${train[@]}" --train.output "$out" >"$scratch/log" 2>&1 &
job=$!
pid=$(caught 1 0)
if [ "$(wc -w <<<"$pid")" = 1 ]; then
  touch "$scratch/bertha-node2.lost"
  kill -9 "$pid" "$(ps -o ppid= -p "$pid" | tr -d ' ')"
else
  fail "rank 1 on bertha-node2: '$pid' is not one process: $(tail -3 "$scratch/log")"; kill $job
fi
wait $job; code=$?
[ $code = 0 ] || fail "a host lost: ended with $code: $(tail -3 "$scratch/log")"
grep -q 'supervise: bertha-node2 does not answer' "$scratch/log" || fail "the lost host is not named: $(grep supervise: "$scratch/log")"
grep '"event":"resume"' "$out/metrics.jsonl" | grep -q '"world_size":1,' || fail "did not go on with one rank: $(tail -3 "$scratch/log")"
ranks 1 "${train[@]}" --train.output "$scratch/alone" >"$scratch/log" 2>&1 || fail "one rank: $(tail -2 "$scratch/log")"
ends_as "$scratch/alone"
# mpirun, without hosts, would start here.
touch "$scratch/bertha-node1.lost"
expect 76 'no host of .*hosts answers' env BERTHA_RETRIES=0 bash "$supervise" --hosts "$scratch/hosts" true
finish
