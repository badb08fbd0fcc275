"""Text of Wikipedia articles against gensim's WikiCorpus, article by article, on the sample dumps.

gensim keeps what we leave out on purpose (titles of sections, sections of pointers, the code of time
lines) and drops templates that show text, which we keep; so words are compared as bags: ours must stand in
the article's source, and most of gensim's among ours. Skipped without gensim (`setup.sh --tests` installs
it); one that is there and cannot be imported is a failure.
"""
import html
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

BUILD = Path(os.environ["BERTHA_BUILD"])
SAMPLES = Path(os.environ.get("BERTHA_SAMPLES", Path.home() / ".cache/bertha/downloads")) / "wikipedia"
IN_SOURCE, OF_PEER = 0.98, 0.90  # of our words, in every article; of gensim's, median over articles

if importlib.util.find_spec("gensim") is None:
    print("skipped: no gensim here (launch/setup.sh --tests)")
    sys.exit(77)
import bz2

from gensim.corpora.wikicorpus import extract_pages, filter_wiki
from gensim.utils import tokenize


def words(text):
    return Counter(tokenize(text, lowercase=True))


def our_articles(path):
    lines = subprocess.run([BUILD / "tests/documents_probe", path], capture_output=True, check=True).stdout
    articles = [json.loads(line) for line in lines.decode().splitlines()]
    return {article["title"]: "\n".join(article["paragraphs"]) for article in articles if "title" in article}


def their_articles(path):
    with bz2.open(path) as dump:
        pages = {title: text for title, text, _ in extract_pages(dump, ("0",))}
    return {title: (text, filter_wiki(text)) for title, text in pages.items()}


def compare(path):
    ours, theirs = our_articles(path), their_articles(path)
    failures = 0
    if not ours.keys() <= theirs.keys():
        print(f"FAILED articles that gensim has not: {sorted(ours.keys() - theirs.keys())[:10]}")
        failures += 1
    kept, counts = [], [0, 0]
    for title in sorted(ours.keys() & theirs.keys()):
        source, peer_text = theirs[title]
        mine, peer = words(ours[title]), words(peer_text)
        counts = [counts[0] + mine.total(), counts[1] + peer.total()]
        kept.append((mine & peer).total() / max(1, peer.total()))
        source = html.unescape(source)
        found = (mine & (words(source) | words(source.replace("]]", "")))).total()  # [[eel]]s is a word, too
        if found < IN_SOURCE * mine.total():
            print(f"FAILED {title}: of {mine.total()} words {found} are in the source")
            failures += 1
    if len(kept) >= 20 and statistics.median(kept) < OF_PEER:
        print("FAILED too much of gensim's text is missing")
        failures += 1
    print(f"{path.name}: {len(ours)} articles, {counts[0]} words of ours, {counts[1]} of gensim's; of gensim's we have "
          f"{100 * statistics.median(kept):.1f} % (median), {100 * min(kept):.0f} % (least)")
    return failures


def main():
    dumps = [SAMPLES / name for name in ("enwiki.xml.bz2", "bgwiki.xml.bz2") if (SAMPLES / name).exists()]
    if not dumps:
        print(f"skipped: no dumps in {SAMPLES}")
        return 77
    return 1 if sum(compare(path) for path in dumps) else 0


if __name__ == "__main__":
    sys.exit(main())
