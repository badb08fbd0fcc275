#!/usr/bin/env python3
"""Peak memory of `bertha vocab` and of `mpirun bertha prepare` on input that is large, or made to need much.

  tests/bench/run_memory.py FOLDER [--workers N] [--prepare] [SHAPE...]     with BERTHA_BINARY; FOLDER (several GB) is emptied again

Shapes: see SHAPES and FOREIGN below; without any, all of them; `--workers` threads a rank of `prepare`, 4 without; `--prepare`: no `vocab`. "large text" is
for `vocab` alone, 11 GB, and runs only when it is named. Lines for each: what it is, its size, the largest resident set of
any process of the command, seconds. Words come from the sample dump (launch/fetch_samples.py)."""
import bz2
import functools
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

BERTHA = os.environ.get("BERTHA_BINARY", "build/release/bertha")
DUMP = os.path.join(os.environ.get("BERTHA_SAMPLES", os.path.expanduser("~/.cache/bertha/downloads")),
                    "wikipedia/enwiki.xml.bz2")
RECORD = 63 << 20  # bytes; 64 MiB are the limit
HEAD = '<mediawiki xml:lang="en"><siteinfo><sitename>W</sitename></siteinfo>\n'


@functools.cache
def source_words():
    with bz2.open(DUMP, "rt", encoding="utf-8") as file:
        return re.findall(r"[A-Za-z]+", file.read(8 << 20))


def varied_text(number, size):
    """Text of about that size in which every fifth word is changed, so that there are many different ones."""
    draw = random.Random(number)
    tails = ["".join(draw.choices("aeioustrnl", k=draw.randint(2, 6))) for _ in range(2000)]
    source, parts, length = source_words(), [], 0
    while length < size:
        begin = draw.randrange(len(source) - 2000)
        words = source[begin:begin + 2000]
        first, tail = draw.randrange(5), draw.randrange(1500)
        words[first::5] = map("".join, zip(words[first::5], tails[tail:tail + 400]))
        parts.append(" ".join(words))
        length += len(parts[-1]) + 1
    return "\n\n".join(parts)


def write(path, *parts):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(parts)


def large_file(folder):
    """One file of 2.5 GB of varied text, JSON lines of 20 to 200 KB."""
    draw, size = random.Random(1), 0
    with open(f"{folder}/a.jsonl", "w", encoding="utf-8") as file:
        for number in range(1 << 30):
            size += file.write(json.dumps({"text": varied_text(number, draw.randrange(20_000, 200_000))}) + "\n")
            if size > 2_500_000_000:
                return


def records(folder, text):
    """Eight files of one record each, as large as records may be; several readers meet them at once."""
    for number in range(8):
        write(f"{folder}/{number}.jsonl", json.dumps({"text": text(number)}, ensure_ascii=False), "\n")


def articles(folder, text):
    for number in range(8):
        write(f"{folder}/{number}.xml", HEAD, "<page><title>t</title><ns>0</ns><revision><text>", text(number),
              "</text></revision></page>\n</mediawiki>\n")


def texts(folder, text):
    for number in range(6):
        write(f"{folder}/{number}.txt", text(number))


def packed(folder, extension, *command):
    """Eight files of 150 MB of JSON lines, more than the widest window."""
    for number in range(8):
        lines = "".join(json.dumps({"text": varied_text(100 * number + part, 1 << 20)}) + "\n" for part in range(15)).encode() * 10
        with open(f"{folder}/{number:02}.jsonl.{extension}", "wb") as file:
            subprocess.run(command, input=lines, stdout=file, check=True)


def documents(folder):
    """Six million documents of a few words, a third of them like another."""
    draw, words = random.Random(2), source_words()
    with open(f"{folder}/a.jsonl", "w", encoding="utf-8") as file:
        for _ in range(60):
            texts = [" ".join(words[begin:begin + 7]) for begin in (draw.randrange(len(words) - 7) for _ in range(65_000))]
            texts += draw.choices(texts, k=35_000)
            file.writelines(f'{{"text": "{text} {draw.randrange(50)}"}}\n' for text in texts)


def large_text(folder):
    """11 GB of text with many different words: a hundred stretches of 10 MB, their tails changed from file to file."""
    stretches = [varied_text(number, 10 << 20).encode() + b"\n\n" for number in range(20)]
    for number in range(52):
        vowels = bytes.maketrans(b"aeiou", bytes(random.Random(number).sample(b"aeiouyw", 5)))
        with open(f"{folder}/{number:03}.txt", "wb") as file:
            file.writelines(stretch.translate(vowels) for stretch in stretches)


def foreign(folder):
    """NVIDIA's shards: six of 50,000 rows of 512, gzip in chunks."""
    import h5py
    import numpy
    draw = numpy.random.default_rng(3)
    for number in range(6):
        with h5py.File(f"{folder}/books_training_{number}.hdf5", "w") as file:
            ids = draw.integers(5, 80, (50_000, 512), dtype="i4")
            ids[:, 0], ids[:, 255], ids[:, 511] = 2, 3, 3
            ones = numpy.ones_like(ids, dtype="i1")
            segments = ones.copy()
            segments[:, :256] = 0
            places = numpy.tile(numpy.arange(1, 77, dtype="i4"), (50_000, 1))
            for name, data in (("input_ids", ids), ("input_mask", ones), ("segment_ids", segments), ("masked_lm_positions", places),
                               ("masked_lm_ids", ids[:, 1:77]), ("next_sentence_labels", draw.integers(0, 2, 50_000, dtype="i1"))):
                file.create_dataset(name, data=data, compression="gzip", compression_opts=1)


ALONE = {"large text": large_text}  # for `vocab`
FOREIGN = {"foreign shards": foreign}  # for `prepare --input.format nvidia`
SHAPES = {
    "large file": large_file,
    "records of words": lambda folder: records(folder, lambda n: varied_text(n, RECORD - (4 << 20))),
    "records of tiny paragraphs": lambda folder: records(folder, lambda n: "a\n\n" * (RECORD // 5)),
    "records without a space": lambda folder: records(folder, lambda n: "\u0436" * (RECORD // 2)),
    "records of full stops": lambda folder: records(folder, lambda n: "A. " * (RECORD // 3)),
    "records of signs": lambda folder: records(folder, lambda n: "!?" * (RECORD // 2)),
    "articles of words": lambda folder: articles(folder, lambda n: varied_text(n, RECORD)),
    "articles of links that never close": lambda folder: articles(folder, lambda n: "[[" * (RECORD // 2)),
    "articles of templates that never close": lambda folder: articles(folder, lambda n: "{{a|" * (RECORD // 4)),
    "articles of tiny paragraphs": lambda folder: articles(folder, lambda n: "a\n\n" * (RECORD // 3)),
    "texts of words": lambda folder: texts(folder, lambda n: varied_text(n, 100 << 20)),
    "texts of tiny paragraphs": lambda folder: texts(folder, lambda n: "a\n\n" * (RECORD // 3)),
    "texts of long words": lambda folder: texts(
        folder, lambda n: " ".join(f"{random.Random(n * 10 ** 6 + i).getrandbits(380):x}" for i in range(400_000))),
    "zstd windows of 128 MiB": lambda folder: packed(folder, "zst", "zstd", "-c", "-q", "-3", "--long=27"),
    "bzip2": lambda folder: packed(folder, "bz2", "bzip2", "-c", "-9"),
    "millions of documents": documents,
}


def make(name, text):
    """In a process of its own: the peak of a command counts what the process had that began it."""
    child = os.fork()
    if child == 0:
        (SHAPES | FOREIGN | ALONE)[name](text)
        os._exit(0)
    os.waitpid(child, 0)


def measure(name, command):
    """In a process of its own, whose children's peak is that of this command alone."""
    begin = time.time()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        done = subprocess.run(command, capture_output=True, text=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        os.write(writer, json.dumps([done.returncode, peak, last[0] if last else ""]).encode())
        os._exit(0)
    os.close(writer)
    code, peak, last = json.loads(os.read(reader, 65536))
    os.waitpid(child, 0)
    os.close(reader)
    end = "" if code == 0 else f"; exit code {code}: {last}"
    print(f"{name}: at most {peak / 1000:.0f} MB, {time.time() - begin:.0f} s{end}", flush=True)


def vocab(name, text, vocabulary):
    size = sum(entry.stat().st_size for entry in os.scandir(text))
    measure(f"{name}, {size / 1e6:.0f} MB: vocab", [BERTHA, "vocab", "--input.paths", text, "--vocab.size", "30000",
                                                    "--vocab.output", vocabulary, "--metrics.progress", "false"])


def run(name, folder, workers, with_vocab):
    text, vocabulary = f"{folder}/text", f"{folder}/vocab.txt"
    os.makedirs(text)
    make(name, text)
    if name in FOREIGN or not with_vocab:
        print(name, flush=True)
    else:
        vocab(name, text, vocabulary)
    letters = "".join(chr(c) for c in range(ord("a"), ord("z") + 1)) + "0123456789.,!?\u0436\u4e2d"
    pieces = list(letters) + ["##" + c for c in letters]
    write(vocabulary, *(t + "\n" for t in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + pieces))
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    options = ["--input.format", "nvidia"] if name in FOREIGN else ["--prepare.drop_duplicates", "true"]
    if name not in ALONE:
        measure(f"  prepare, two ranks of {workers} workers, {' '.join(options)}",
                ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", BERTHA, "prepare", "--input.paths", text,
                 "--tokenizer.vocab", vocabulary, "--prepare.output", f"{folder}/corpus", "--prepare.workers", str(workers),
                 "--metrics.progress", "false", *options])
    for entry in os.scandir(folder):
        shutil.rmtree(entry.path) if entry.is_dir() else os.remove(entry.path)


def main():
    folder, *names = sys.argv[1:]
    workers, with_vocab = 4, True
    if names[:1] == ["--workers"]:
        workers, names = int(names[1]), names[2:]
    if names[:1] == ["--prepare"]:
        with_vocab, names = False, names[1:]
    os.makedirs(folder, exist_ok=True)
    for name in names or [*SHAPES, *FOREIGN]:
        run(name, folder, workers, with_vocab)


if __name__ == "__main__":
    main()
