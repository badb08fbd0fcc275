"""Some 160 MB of English prose and manuals out of Debian's packages, as JSON lines.

fetch_text.py OUTPUT.jsonl     needs apt-get and dpkg-deb; nothing is installed
A page is a document: HTML without its tags, scripts and navigation; plain text and reStructuredText as they are.
"""
import gzip
import html.parser
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = """anarchism apache2-doc cmake-doc debian-policy debian-reference-en developers-reference dict-gcide
    doc-debian gdb-doc git-doc jargon-text libreoffice-help-en-us linux-doc-6.1 maxima-doc miscfiles nodejs-doc
    octave-doc perl-doc postgresql-doc-15 python3.11-doc""".split()
BLOCKS = {"p", "div", "li", "dd", "dt", "td", "th", "tr", "pre", "h1", "h2", "h3", "h4", "h5", "br", "table", "section"}
HIDDEN = {"script", "style", "nav", "head", "footer", "svg"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in HIDDEN
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        self.hidden -= tag in HIDDEN and self.hidden > 0
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def page_text(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    text = data.decode("utf-8", "replace")
    if ".htm" in path.name or ".xhp" in path.name:
        page = Page()
        page.feed(text)
        text = "".join(page.parts)
    # A line that says something: words, not tables of numbers or lists of symbols.
    lines = [re.sub(r"\s+", " ", line).strip() for line in re.split(r"\n\s*\n" if path.suffix != ".html" else "\n", text)]
    return "\n\n".join(line for line in lines if len(line) > 40 and sum(map(str.isalpha, line)) > 0.6 * len(line))


def pages_of(package, folder):
    done = subprocess.run(["apt-get", "download", "-q", package], cwd=folder, capture_output=True, text=True)
    archives = list(folder.glob("*.deb"))
    if done.returncode or not archives:
        print(f"{package}: not to be had, left out", file=sys.stderr)
        return
    subprocess.run(["dpkg-deb", "-x", archives[0], folder / "files"], check=True)
    wanted = re.compile(r"\.(html?|txt|rst|pod|info|dict|xhp)([.-]\w+)?(\.gz|\.dz)?$")
    for path in sorted((folder / "files").rglob("*")):
        if path.is_file() and not path.is_symlink() and wanted.search(path.name):
            yield path


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    total = 0
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        for package in PACKAGES:
            before, pages = total, 0
            with tempfile.TemporaryDirectory() as name:
                for path in pages_of(package, Path(name)):
                    try:
                        text = page_text(path)
                    except (OSError, EOFError, AssertionError):
                        continue
                    if len(text) > 500:
                        output.write(json.dumps({"text": text, "source": package}, ensure_ascii=False) + "\n")
                        total, pages = total + len(text), pages + 1
            print(f"{package}: {pages} pages, {(total - before) / 1e6:.1f} M characters", file=sys.stderr, flush=True)
    print(f"in all {total / 1e6:.1f} M characters", file=sys.stderr)


if __name__ == "__main__":
    main()
