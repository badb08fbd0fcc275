#!/usr/bin/env bash
# `bertha report`: one page with everything in it, of one run or several, whatever they are called
# and in whatever state their metrics are. Where Chromium is installed, the curves are drawn too.
. "$(dirname "$0")/../support/system.sh"
need_corpus
cd "$scratch" || exit 1
odd='<b>&"a run'
pretrain=("$bertha" pretrain --data.corpus "$corpus" "${tiny[@]}" --train.validate_every 5)
"${pretrain[@]}" --train.steps 10 --train.output one >log 2>&1 || fail "pretrain: $(tail -2 log)"
"${pretrain[@]}" --train.steps 10 --train.output "$odd" --optimizer.learning_rate 2e-3 \
  --train.stop_after_steps 6 >log 2>&1
[ $? = 75 ] || fail "stop_after_steps: $(tail -2 log)"

# check_page FILE CURVES: parses as a page, needs no network, embeds readable curves.
check_page() {
  "$python" - "$@" <<'P' || fail "$1 is not as promised"
import html.parser, json, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.data, self.inside = [], "", False
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        assert not {"src", "href"} & dict(attributes).keys(), (tag, attributes)
        self.inside = dict(attributes).get("id") == "data"
    def handle_endtag(self, tag):
        self.inside = False
    def handle_data(self, text):
        if self.inside: self.data += text
page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
assert page.tags.count("html") == 1 and page.tags.count("script") == 2, page.tags
assert "://" not in text.replace("http://www.w3.org/2000/svg", ""), "an address in the page"
runs = json.loads(page.data)["runs"]
assert len(runs) == int(sys.argv[2]), len(runs)
for run in runs:
    for name in ("train/loss", "train/learning_rate", "train/tokens_per_second", "validation/loss"):
        steps, values = run["curves"][name]
        assert len(steps) == len(values) > 0, name
P
}

# Written at the end of a run, and again on demand.
[ -e one/report.html ] || fail "no report.html after a run"
check_page one/report.html 1
rm one/report.html
expect 0 'one/report.html written' "$bertha" report one
check_page one/report.html 1
expect 0 'report.html written' "$bertha" report one "$odd"
check_page report.html 2
expect 0 'optimizer.learning_rate' cat report.html
expect 0 'stopped \(train.stop_after_steps\), can go on' cat report.html
grep -q '<b>&"a' report.html && fail "a run's name is not escaped"

# Lines that are torn or not ours are counted, not fatal; so is a scores.json that is none.
printf '{"event":"train","st' >>one/metrics.jsonl
head -c 2000000 /dev/zero >>one/metrics.jsonl
echo '[' >one/scores.json
expect 0 'written' "$bertha" report one
expect 0 '1 line\(s\) of metrics.jsonl could not be read' cat one/report.html
check_page one/report.html 1
mkdir empty; : >empty/metrics.jsonl
expect 0 'written' "$bertha" report empty
expect 0 'no curves yet' cat empty/report.html

expect 64 'run folders' "$bertha" report
mkdir nothing
expect 74 'holds no metrics.jsonl' "$bertha" report nothing
expect 74 'no-such-run' "$bertha" report one no-such-run

# A corpus: what it holds, samples with their masks.
cp -r "$corpus" texts
expect 0 'texts/report.html written' "$bertha" report texts
for pattern in 'Bertha corpus report' 'Documents by length' 'Unknown tokens' '<mark>\[MASK\] <b>' 'B follows A|B is random' 'the split train'; do
  expect 0 "$pattern" cat texts/report.html
done
expect 0 '' "$bertha" verify texts
"$python" - texts <<'P' || fail "the corpus report does not count as h5py does"
import glob, h5py, numpy, re, sys
folder = sys.argv[1]
tokens = numpy.concatenate([h5py.File(f)["tokens"][:] for f in sorted(glob.glob(f"{folder}/train-*.h5"))])
words = open(f"{folder}/vocab.txt", encoding="utf-8").read().split("\n")
page = open(f"{folder}/report.html", encoding="utf-8").read()
most = numpy.bincount(tokens).argmax()
first = re.search(r"Most frequent tokens</caption>.*?<tbody>\s*<tr><th scope=\"row\">(.*?)</th><td>([0-9.]+)", page, re.S)
assert first.group(1) == words[most], (first.group(1), words[most])
assert abs(float(first.group(2)) - 100 * (tokens == most).mean()) < 0.01, first.group(2)
assert f"{len(tokens):,}".replace(",", "\u2009") in page
P

# Fine-tuning: the confusion matrix sums to the test split.
{ printf 'text\tlabel\n'; for i in $(seq 30); do printf 'the word %s\ta\nhere stands\tb\n' "$i"; done; } >train.tsv
"$bertha" finetune --train.init one --task.train train.tsv --task.epochs 1 --task.max_length 32 --train.threads 1 \
  --train.output tuned >log 2>&1 || fail "finetune: $(tail -1 log)"
expect 0 'Confusion matrix of the test split' cat tuned/report.html
"$python" -c '
import json
errors, scores = json.load(open("tuned/test_errors.json")), json.load(open("tuned/scores.json"))
counts = errors["confusion_matrix"]["counts"]
total, right = sum(map(sum, counts)), sum(counts[i][i] for i in range(len(counts)))
assert total == scores["examples"]["test"], (total, scores)
assert abs(right / total - scores["test"]["accuracy"]) < 1e-9, (counts, scores)
assert len(errors["worst_errors"]) == min(20, total - right)' || fail "test_errors.json does not fit scores.json"

# Where a text has several labels, each has its counts; numbers have their errors, the largest first.
{ printf 'text\tlabel\n'; for i in $(seq 30); do printf 'the word %s\ta,b\nhere stands\tb\nhere %s\t\n' "$i" "$i"; done; } >several.tsv
"$bertha" finetune --train.init one --task.name multi_label --task.train several.tsv --task.epochs 1 --task.max_length 32 \
  --train.threads 1 --train.output several >log 2>&1 || fail "finetune multi_label: $(tail -1 log)"
expect 0 'Scores per label' cat several/report.html
{ printf 'text\tlabel\n'; for i in $(seq 60); do printf 'the word %s\t%s\n' "$i" "$i"; done; } >numbers.tsv
"$bertha" finetune --train.init one --task.name regression --task.train numbers.tsv --task.epochs 1 --task.max_length 32 \
  --train.threads 1 --train.output numbers >log 2>&1 || fail "finetune regression: $(tail -1 log)"
"$python" - <<'P' || fail "test_errors.json of several labels or of numbers is not as promised"
import json
counts, scores = json.load(open("several/test_errors.json"))["label_counts"], json.load(open("several/scores.json"))
assert counts["labels"] == ["a", "b"], counts
assert all(sum(map(sum, label)) == scores["examples"]["test"] for label in counts["counts"]), (counts, scores)
found = sum(label[1][1] for label in counts["counts"])
wrong = sum(label[0][1] + label[1][0] for label in counts["counts"])
micro = 2 * found / (2 * found + wrong) if found + wrong else 0
assert abs(micro - scores["test"]["micro_f1"]) < 1e-9, (micro, scores)
worst = [error["error"] for error in json.load(open("numbers/test_errors.json"))["worst_errors"]]
assert worst == sorted(worst, reverse=True) and worst[0] > worst[-1], worst
P

# A run of a million steps, every one of them logged: quickly (of the processor's time: others may be at work), and small.
"$python" - <<'P'
import math, os
os.mkdir("long")
row = ('{"event":"train","step":%d,"time":%.3f,"epoch":%d,"samples":%d,"tokens":%d,"loss":%r,"mlm_loss":%r,"nsp_loss":%r,'
       '"mlm_accuracy":%r,"nsp_accuracy":0.91,"learning_rate":%r,"gradient_norm":%r,"loss_scale":1.0,"skipped_steps":0,'
       '"tokens_per_second":%r,"sequences_per_second":500.5,"model_flops_utilization":0.41,"data_wait_fraction":0.001}\n')
with open("long/metrics.jsonl", "w") as file:
    file.write('{"event":"start","step":0,"time":1700000000,"total_steps":1000000}\n')
    for step in range(1, 1000001):
        noise = math.sin(step * 12.9898) / 7
        loss = 2.2 + 7 * math.exp(-step / 60000) + noise
        file.write(row % (step, 1.7e9 + step / 2, step // 20000, step * 256, step * 29000, loss, loss - 0.3, 0.3 + noise,
                          0.6 - noise, 1e-4 * (1 - step / 1e6), 1 + noise, 58000 + 999 * noise))
        if step % 5000 == 0: file.write('{"event":"save","step":%d,"checkpoint":"step-%08d"}\n' % (step, step))
P
TIMEFORMAT='%U %S %R'
{ time "$bertha" report long >log 2>&1; } 2>taken || fail "a million steps: $(tail -1 log)"
read -r user system real <taken
size=$(stat -c %s long/report.html)
echo "a million steps, $(($(stat -c %s long/metrics.jsonl) / 1000000)) MB of metrics: $user s of processor time, $real s, $((size / 1000)) kB"
awk -v t="$user" -v s="$system" 'BEGIN { exit !(t + s < 5) }' || fail "a report of a million steps took $user + $system s"
[ "$size" -lt 2000000 ] || fail "a report of a million steps has $size bytes"
rm long/metrics.jsonl

# A profile of its own: with the default one a second Chromium hands its page to the first and prints
# nothing. A browser that does not come up on a loaded machine is asked again; a page is judged once.
if command -v chromium >/dev/null; then
  for _ in 1 2 3; do
    timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
      --user-data-dir="$scratch/chromium" --virtual-time-budget=10000 --dump-dom \
      "file://$scratch/report.html" >page 2>browser.log && grep -q '</html>' page && break
  done
  grep -q '</html>' page || fail "Chromium printed no page: $(tail -3 browser.log)"
  drawn=$(grep -o '<path class="curve' page | wc -l)
  [ "$drawn" -ge 8 ] || fail "the page drew $drawn curves"
  echo "Chromium drew $drawn curves"
  # As a browser has drawn them: names for what can have the focus, alternative texts, contrast.
  "$python" "$BERTHA_SOURCE/tests/support/page_checks.py" page texts/report.html tuned/report.html several/report.html || fail "not accessible"
fi
finish
