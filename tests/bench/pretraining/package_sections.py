"""Summaries of Debian's packages with the section each is filed under, as a labelled table: a task near to the text of
fetch_text.py, but of other authors and packages.

package_sections.py OUTPUT.tsv [ROWS]     needs apt-cache and package lists; 5,000 rows in a fixed random order
Sections of at least 800 packages; summaries that two packages share appear once, so that none is in two parts.
"""
import collections
import random
import subprocess
import sys


def packages():
    """Section and summary of every package that the lists know."""
    lists = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True, text=True).stdout
    for paragraph in lists.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        summary = fields.get("Description", fields.get("Description-en"))
        if summary and "Section" in fields:
            yield fields["Section"], " ".join(summary.split())


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rows = int(sys.argv[2]) if len(sys.argv) == 3 else 5000
    sections = collections.defaultdict(set)
    for section, summary in packages():
        sections[summary].add(section)
    once = sorted((summary, next(iter(names))) for summary, names in sections.items() if len(names) == 1)
    sizes = collections.Counter(section for _, section in once)
    kept = [(summary, section) for summary, section in once if sizes[section] >= 800]
    random.Random(1).shuffle(kept)
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        output.write("text\tlabel\n" + "".join(f"{summary}\t{section}\n" for summary, section in kept[:rows]))
    largest = collections.Counter(section for _, section in kept[:rows]).most_common(1)[0]
    print(f"{min(rows, len(kept))} of {len(kept)} summaries, {len(set(s for _, s in kept))} sections; "
          f"the largest, {largest[0]}, is {100 * largest[1] / min(rows, len(kept)):.1f} %")


if __name__ == "__main__":
    main()
