#!/usr/bin/env python3
"""Words of Wikipedia articles: ours beside gensim's WikiCorpus and WikiExtractor's, article by article.

  tests/bench/peer_wikipedia.py WIKIEXTRACTOR [--articles]

WIKIEXTRACTOR is its command (`pip install wikiextractor` into an environment of its own). With BERTHA_BUILD; the
dumps are those of test_wikipedia.py, whose rules of comparison hold: words as bags. WikiExtractor runs with
--no-templates; it reads no UTF-16, so the Bulgarian dump is converted for it.
"""
import bz2
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
os.environ.setdefault("BERTHA_BUILD", str(HERE.parents[1] / "build/release"))
sys.path.insert(0, str(HERE.parent / "parity"))
import test_wikipedia as rules  # noqa: E402


def extracted(command, dump, folder):
    """WikiExtractor's articles by title."""
    plain = Path(folder) / "dump.xml"
    data = bz2.decompress(dump.read_bytes())
    plain.write_text(data.decode("utf-16" if data[:1] == b"\xff" else "utf-8"), encoding="utf-8")
    subprocess.run([command, "--json", "--no-templates", "-o", f"{folder}/out", plain], check=True, capture_output=True)
    articles = {}
    for path in sorted(Path(folder).glob("out/**/wiki_*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            article = json.loads(line)
            articles[article["title"]] = article["text"]
    return articles


def share(part, whole):
    return 100 * (part & whole).total() / max(1, whole.total())


def compare(dump, command, each):
    ours = rules.our_articles(dump)
    gensim = {title: text for title, (_, text) in rules.their_articles(dump).items()}
    with tempfile.TemporaryDirectory() as folder:
        peers = {"gensim": gensim, "WikiExtractor": extracted(command, dump, folder)}
    print(f"{dump.name}: {len(ours)} articles of ours")
    for name, peer in peers.items():
        theirs_of, ours_of, counts = [], [], [0, 0]
        common = sorted(ours.keys() & peer.keys())
        for title in common:
            mine, its = rules.words(ours[title]), rules.words(peer[title])
            counts = [counts[0] + mine.total(), counts[1] + its.total()]
            theirs_of.append(share(mine, its))
            ours_of.append(share(its, mine))
            if each:
                print(f"| {title} | {name} | {mine.total()} | {its.total()} | "
                      f"{theirs_of[-1]:.1f} | {ours_of[-1]:.1f} |")
        print(f"  {name}: {len(peer)} articles, {len(common)} in common; words: {counts[0]} ours, {counts[1]} its; "
              f"of its words we have {statistics.median(theirs_of):.1f} % (median), {min(theirs_of):.1f} % (least); "
              f"of ours it has {statistics.median(ours_of):.1f} % (median), {min(ours_of):.1f} % (least)")


def main():
    for name in ("enwiki.xml.bz2", "bgwiki.xml.bz2"):
        compare(rules.SAMPLES / name, sys.argv[1], "--articles" in sys.argv)


if __name__ == "__main__":
    main()
