"""Sound files of every kind that Bertha reads, to be damaged (damaged_files.cpp): make_seeds(FOLDER).

Real text out of the sample dump, shards by h5py and by `prepare`, labelled data as published sets have it."""
import bz2
import csv
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys

import h5py

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "parity"))
import foreign_writer  # noqa: E402

DEPENDENCIES = os.environ.get("BERTHA_DEPS", os.path.expanduser("~/.cache/bertha"))
DUMPS = os.path.join(os.environ.get("BERTHA_SAMPLES", f"{DEPENDENCIES}/downloads"), "wikipedia")
ROW, PREDICTIONS, VOCABULARY = 64, 10, 300
BIG_ENDIAN = {"ids": ">i4", "flags": "u1"}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


def compressed(path, data):
    """The file plain, and as each compression has it."""
    data = data.encode() if isinstance(data, str) else data
    write(path, data)
    write(path + ".gz", gzip.compress(data))
    write(path + ".bz2", bz2.compress(data))
    zstd = shutil.which("zstd")
    if zstd:
        write(path + ".zst", subprocess.run([zstd, "-c"], input=data, capture_output=True, check=True).stdout)


def pages(name, count):
    """Head of a dump, and its shortest articles with a redirect between them."""
    with bz2.open(os.path.join(DUMPS, name)) as file:
        dump = file.read()
    # The Bulgarian one is in UTF-16, with carriage returns.
    dump = dump.decode("utf-16" if dump[:1] == b"\xff" else "utf-8").replace("\r\n", "\n")
    found = re.findall(r"  <page>.*?</page>\n", dump, re.DOTALL)
    redirects = [page for page in found if "<redirect" in page]
    articles = sorted((page for page in found if page not in redirects and len(page) > 1500), key=len)
    return dump[:dump.index("  <page>")], articles[:1] + redirects[:1] + articles[1:count]


def write_documents(folder):
    head, articles = pages("enwiki.xml.bz2", 6)
    bulgarian_head, bulgarian = pages("bgwiki.xml.bz2", 4)
    dump = head + "".join(articles) + "</mediawiki>\n"
    compressed(f"{folder}/documents-mediawiki/en.xml", dump)
    dump = (bulgarian_head + "".join(bulgarian) + "</mediawiki>\n")
    write(f"{folder}/documents-mediawiki/bg.xml", dump)
    write(f"{folder}/documents-mediawiki/bg-utf16.xml", dump.encode("utf-16"))
    streams = [head] + articles + ["</mediawiki>\n"]
    write(f"{folder}/documents-mediawiki/streams.xml.bz2", b"".join(bz2.compress(s.encode()) for s in streams))
    texts = [re.search(r"<text[^>]*>(.*?)(</text>|$)", page, re.DOTALL) for page in articles + bulgarian]
    texts = [match[1] for match in texts if match]
    lines = "".join(json.dumps({"id": n, "text": text}, ensure_ascii=n % 2 == 0) + "\n" for n, text in enumerate(texts))
    compressed(f"{folder}/documents-jsonl/lines.jsonl", lines)
    compressed(f"{folder}/documents-text/plain.txt", "\n\n".join(texts))
    compressed(f"{folder}/documents-sentences/sentences.txt", "\n\n".join(text.replace(". ", ".\n") for text in texts))


def write_foreign(folder):
    rows = foreign_writer.sequences(40, 5, ROW, VOCABULARY, PREDICTIONS)

    def padded(path, types=foreign_writer.DLE, **options):
        foreign_writer.write_padded(path, rows, ROW, PREDICTIONS, types, **options)
    layouts = {
        "gzip": lambda path: padded(path, compression="gzip"),
        "lzf": lambda path: padded(path, compression="lzf"),  # our own decoder
        "plain": padded,
        "filters": lambda path: padded(path, BIG_ENDIAN, compression="gzip", shuffle=True, fletcher32=True,
                                       odd_chunks=True),
        "variable": lambda path: foreign_writer.write_variable(path, rows),
        "packed": lambda path: foreign_writer.write_packed(path, rows, ROW),
    }
    for name, make in layouts.items():
        os.makedirs(f"{folder}/foreign-{name}")
        make(f"{folder}/foreign-{name}/books_training_1.hdf5")
        foreign_writer.write_vocabulary(f"{folder}/foreign-{name}/vocab.txt", VOCABULARY)


def write_corpora(folder, program, scratch):
    """One by `prepare`; and one whose shards have HDF5's oldest format, without checksums."""
    random.seed(7)
    words = [f"w{n}" for n in range(5, VOCABULARY)]
    foreign_writer.write_vocabulary(f"{scratch}/vocab.txt", VOCABULARY)
    sentences = [[" ".join(random.choices(words, k=random.randint(3, 20))) for _ in range(random.randint(1, 9))]
                 for _ in range(60)]
    documents = [" . ".join(some) for some in sentences]
    write(f"{scratch}/text/all.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in documents))
    ours, old = f"{folder}/corpus-ours", f"{folder}/corpus-old"
    subprocess.run([program, "corpus", f"{scratch}/text", f"{scratch}/vocab.txt", ours], check=True)
    shutil.copytree(ours, old)
    with open(f"{old}/manifest.json", encoding="utf-8") as file:
        manifest = file.read()
    for name in sorted(os.listdir(old)):
        if not name.endswith(".h5"):
            continue
        before = os.path.getsize(f"{old}/{name}")
        with h5py.File(f"{ours}/{name}") as source, h5py.File(f"{old}/{name}", "w") as target:
            for key in source:
                target.create_dataset(key, data=source[key][:])
            for key, value in source.attrs.items():
                target.attrs[key] = value
        manifest = manifest.replace(f'"bytes": {before}', f'"bytes": {os.path.getsize(f"{old}/{name}")}')
    write(f"{old}/manifest.json", manifest)


def write_labelled(folder):
    _, articles = pages("enwiki.xml.bz2", 12)
    sentences = [s.strip() for s in re.findall(r"[A-Z][a-zA-Z ,]{40,200}\.", " ".join(articles))][:60]
    contexts = [" ".join(sentences[i:i + 6]) for i in range(0, len(sentences), 6)]
    asked = []
    for n, context in enumerate(contexts):
        begin = context.index(" ") + 1
        text = context[begin:begin + 12]
        answers = [{"text": text, "answer_start": begin}] if n % 3 else []
        asked.append({"id": f"q{n}", "question": f"What of {text}?", "answers": answers, "is_impossible": not answers})
    data = [{"title": "t", "paragraphs": [{"context": c, "qas": [q]}]} for c, q in zip(contexts, asked)]
    compressed(f"{folder}/questions-squad/squad.json", json.dumps({"version": "v2.0", "data": data}))
    write(f"{folder}/questions-squad/squad.jsonl",
          "".join(json.dumps({"context": c, **q}) + "\n" for c, q in zip(contexts, asked)))
    labels = ["O", "B-PER", "I-PER", "B-LOC", "O"]
    tagged = [[(word, labels[(n + i) % 5]) for i, word in enumerate(s.split())] for n, s in enumerate(sentences)]
    write(f"{folder}/words-conll/train.txt",
          "-DOCSTART- O\n\n" + "\n".join("".join(f"{w} NN {t}\n" for w, t in s) for s in tagged))
    write(f"{folder}/words-conll/train.jsonl",
          "".join(json.dumps({"words": [w for w, _ in s], "labels": [t for _, t in s]}) + "\n" for s in tagged))
    os.makedirs(f"{folder}/table-classes")
    for extension, delimiter in (("csv", ","), ("tsv", "\t")):
        with open(f"{folder}/table-classes/train.{extension}", "w", newline="", encoding="utf-8") as file:
            if extension == "csv":
                rows = csv.writer(file)
                rows.writerow(["text", "label"])
                rows.writerows([s.replace(" the ", ' "the" '), f"class {n % 2}"] for n, s in enumerate(sentences))
            else:
                file.write("text\tlabel\n" + "".join(f"{s}{delimiter}{n % 3}\n" for n, s in enumerate(sentences)))
    compressed(f"{folder}/table-classes/train.jsonl",
               "".join(json.dumps({"text": s, "label": n % 2 == 0}) + "\n" for n, s in enumerate(sentences)))


def make_seeds(folder, program, scratch):
    """False without the sample dump."""
    if not os.path.exists(os.path.join(DUMPS, "enwiki.xml.bz2")):
        return False
    os.makedirs(folder)
    write_documents(folder)
    write_foreign(folder)
    write_corpora(folder, program, scratch)
    write_labelled(folder)
    return True
