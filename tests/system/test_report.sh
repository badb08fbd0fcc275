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
expect 74 'holds no metrics.jsonl' "$bertha" report "$corpus"
expect 74 'no-such-run' "$bertha" report one no-such-run

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
fi
finish
