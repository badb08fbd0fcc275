"""A corpus of real text as other programs see it: h5py and h5dump open the shards, Transformers
loads the tokenizer from the folder, and manifest, attributes and data agree."""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import h5py
import numpy
import transformers

BERTHA = os.environ["BERTHA_BINARY"]
SAMPLES = os.environ.get("BERTHA_SAMPLES", os.path.expanduser("~/.cache/bertha/downloads"))
TEXTS = [os.path.join(SAMPLES, "wikipedia", f"{name}wiki.xml.bz2") for name in ("bg", "en")]
DATASETS = ("tokens", "sentence_offsets", "document_offsets")


def run(*arguments):
    return subprocess.run([BERTHA, *map(str, arguments)], capture_output=True, text=True)


def bertha(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-500:]}"
    return done.stdout


def plain(value):
    """An attribute as Python writes it."""
    assert isinstance(value, (str, numpy.integer)), type(value)
    return value if isinstance(value, str) else int(value)


def check_layout(shard, wide):
    types = {"tokens": "<u4" if wide else "<u2", "sentence_offsets": "<u8", "document_offsets": "<u8"}
    assert sorted(shard) == sorted(DATASETS), list(shard)
    for name in DATASETS:
        data = shard[name]
        assert data.dtype == numpy.dtype(types[name]), (name, data.dtype)
        assert data.ndim == 1 and data.chunks is None and data.compression is None, name
        # Contiguous: the bytes lie in the file, at one place.
        assert data.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS, name
        with open(shard.filename, "rb") as file:
            file.seek(data.id.get_offset())
            assert file.read(data.nbytes) == data[:].tobytes(), name


def check_content(shard, vocabulary_size):
    tokens, sentences, documents = (shard[name][:] for name in DATASETS)
    assert sentences[0] == 0 and sentences[-1] == len(tokens)
    assert documents[0] == 0 and documents[-1] == len(sentences) - 1
    assert (numpy.diff(sentences.astype(numpy.int64)) > 0).all()
    assert (numpy.diff(documents.astype(numpy.int64)) > 0).all()
    assert tokens.max() < vocabulary_size
    special = numpy.isin(tokens, [0, 2, 3, 4])  # [PAD] [CLS] [SEP] [MASK], as `vocab` numbers them
    assert not special.any()


def check_attributes(shard, manifest, entry):
    attributes = {name: plain(shard.attrs[name]) for name in shard.attrs}
    digest = hashlib.sha256()
    for name in DATASETS:
        digest.update(shard[name][:].tobytes())
    expected = {"format": "bertha-shard", "version": 1, "vocab_sha256": manifest["vocab_sha256"],
                "documents": len(shard["document_offsets"]) - 1,
                "sentences": len(shard["sentence_offsets"]) - 1, "tokens": len(shard["tokens"]),
                "checksum": digest.hexdigest()}
    assert attributes == expected, attributes
    for name in ("documents", "sentences", "tokens", "checksum"):
        assert entry[name] == expected[name], name


def check_text(shard, tokenizer):
    """Tokens are those of real sentences: decoded and tokenized again they stay the same. The number
    of Cyrillic letters."""
    tokens, sentences = shard["tokens"][:], shard["sentence_offsets"][:]
    checked = same = 0
    for begin, end in list(zip(sentences, sentences[1:]))[:500]:
        ids = tokens[begin:end].tolist()
        if tokenizer.unk_token_id in ids:
            continue
        text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        checked += 1
        same += tokenizer(text, add_special_tokens=False)["input_ids"] == ids
    assert checked > 50 and same == checked, (checked, same)
    return sum("\u0400" <= c <= "\u04ff" for c in tokenizer.decode(tokens.tolist()))


def check_corpus(corpus, vocabulary_path, wide=False):
    with open(os.path.join(corpus, "manifest.json")) as file:
        manifest = json.load(file)
    assert manifest["format"] == "bertha-corpus" and manifest["version"] == 1
    with open(os.path.join(corpus, "vocab.txt"), "rb") as file:
        vocabulary = file.read()
    assert hashlib.sha256(vocabulary).hexdigest() == manifest["vocab_sha256"]
    with open(vocabulary_path, "rb") as file:
        assert file.read() == vocabulary
    tokenizer = transformers.AutoTokenizer.from_pretrained(corpus)
    assert len(tokenizer) == manifest["vocab_size"]
    files = {"manifest.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json"}
    cyrillic = 0
    for name, split in manifest["splits"].items():
        sums = dict.fromkeys(("documents", "sentences", "tokens"), 0)
        for number, entry in enumerate(split["shards"]):
            assert entry["file"] == f"{name}-{number:05}-of-{len(split['shards']):05}.h5", entry
            path = os.path.join(corpus, entry["file"])
            files.add(entry["file"])
            assert os.path.getsize(path) == entry["bytes"], path
            with h5py.File(path) as shard:
                check_layout(shard, wide)
                check_content(shard, manifest["vocab_size"])
                check_attributes(shard, manifest, entry)
                cyrillic += check_text(shard, tokenizer)
            sums = {key: sums[key] + entry[key] for key in sums}
        assert sums == {key: split[key] for key in sums}, (name, sums)
    assert set(os.listdir(corpus)) == files
    assert cyrillic > 5000, cyrillic
    return manifest


def check_h5dump(path):
    if not shutil.which("h5dump"):
        return print("no h5dump here")
    header = subprocess.run(["h5dump", "-p", "-H", path], capture_output=True, text=True, check=True).stdout
    for text in ("H5T_STD_U16LE", "H5T_STD_U64LE", "CONTIGUOUS", 'ATTRIBUTE "checksum"'):
        assert text in header, (text, header)


def check_edited_shards(path, work):
    """What h5py and h5repack make of a shard is read, or refused by name."""
    edited = os.path.join(work, "edited.h5")

    def verdict(change):
        shutil.copy(path, edited)
        with h5py.File(edited, "r+") as shard:
            change(shard)
        return run("verify", edited)

    def with_data(**options):
        def change(shard):
            tokens = shard["tokens"][:]
            del shard["tokens"]
            shard.create_dataset("tokens", data=tokens, **options)
        return change

    def set_attribute(name, value):
        return lambda shard: shard.attrs.__setitem__(name, value)

    assert verdict(lambda shard: None).returncode == 0
    assert verdict(with_data()).returncode == 0
    assert verdict(set_attribute("format", numpy.bytes_("bertha-shard"))).returncode == 0
    assert verdict(set_attribute("note", "mine")).returncode == 0
    refused = {
        "chunked": with_data(chunks=(1000,)), "compressed": with_data(compression="gzip"),
        "int32": with_data(dtype="<i4"), "uint16 big-endian": with_data(dtype=">u2"),
        "float32": with_data(dtype="<f4"), "version 99": set_attribute("version", 99),
        "format is 'x'": set_attribute("format", "x"), "tokens = 7": set_attribute("tokens", 7),
        "attribute checksum is missing": lambda shard: shard.attrs.__delitem__("checksum"),
        "dataset tokens is missing": lambda shard: shard.__delitem__("tokens"),
    }
    for what, change in refused.items():
        done = verdict(change)
        assert done.returncode == 65 and what in done.stderr and "edited.h5" in done.stderr, (what, done.stderr)


def check_low_heap(work):
    """Attributes that h5py wrote before the data: their heap lies at an address that offsets hold, too. A text that is no longer in it,
    by a length of 0 or not, is refused before the library looks for it."""
    path = os.path.join(work, "low.h5")
    sentences = 5000  # of a token each
    data = {"tokens": numpy.full(sentences, 6, "<u2"), "sentence_offsets": numpy.arange(sentences + 1, dtype="<u8"),
            "document_offsets": numpy.array([0, sentences], "<u8")}
    digest = hashlib.sha256(b"".join(data[name].tobytes() for name in DATASETS)).hexdigest()
    with h5py.File(path, "w") as shard:
        for name, value in (("format", "bertha-shard"), ("version", 1), ("vocab_sha256", "x"), ("documents", 1),
                            ("sentences", sentences), ("tokens", sentences), ("checksum", digest)):
            shard.attrs[name] = value
        for name in DATASETS:
            shard.create_dataset(name, data=data[name])
    with open(path, "rb") as file:
        whole = file.read()
    heap = whole.index(b"GCOL")
    assert heap < sentences, heap
    assert run("verify", path).returncode == 0, run("verify", path).stderr
    use = whole.index(struct.pack("<IQ", len("bertha-shard"), heap))
    for length in (0, len("bertha-shard")):
        damaged = bytearray(whole)
        struct.pack_into("<IQI", damaged, use, length, heap, 9999)
        with open(path, "wb") as file:
            file.write(damaged)
        done = run("verify", path)
        assert done.returncode == 65 and "heap of its texts" in done.stderr, (length, done.returncode, done.stderr[-300:])


def check_wrongly_made(corpus, work):
    """Faults that a program made, checksums and all: `verify` and a run name dataset, row and value."""
    wrong = os.path.join(work, "wrong")

    def verdict(change, *command):
        shutil.rmtree(wrong, ignore_errors=True)
        shutil.copytree(corpus, wrong)
        with open(os.path.join(wrong, "manifest.json")) as file:
            manifest = json.load(file)
        entry = manifest["splits"]["train"]["shards"][1]
        path = os.path.join(wrong, entry["file"])
        digest = hashlib.sha256()
        with h5py.File(path, "r+") as shard:
            change(shard)
            for name in DATASETS:
                digest.update(shard[name][:].tobytes())
            shard.attrs["checksum"] = entry["checksum"] = digest.hexdigest()
        entry["bytes"] = os.path.getsize(path)
        with open(os.path.join(wrong, "manifest.json"), "w") as file:
            json.dump(manifest, file)
        return [run("verify", wrong), run("pretrain", "--data.corpus", wrong, "--train.dry_run", "true", "--train.steps", 1, "--data.verify",
                                          "full", "--train.output", os.path.join(work, "run"))]

    def set_id(shard):
        shard["tokens"][77] = 3000  # of a vocabulary of 3,000

    def no_sentences(shard):
        shard["document_offsets"][1] = 0

    def goes_back(shard):
        shard["sentence_offsets"][4] = shard["sentence_offsets"][2] - 1

    for change, what in ((lambda shard: None, None), (set_id, "tokens: 1 id(s) beyond the vocabulary of 3000 and 0 special id(s), first [77] = 3000"),
                         (no_sentences, "document_offsets: 1 value(s) do not ascend, first [1] = 0 after 0"),
                         (goes_back, "sentence_offsets: 1 value(s) do not ascend, first [4] = ")):
        for done in verdict(change):
            assert done.returncode == (65 if what else 0), (what, done.returncode, done.stderr[-500:])
            assert not what or "train-00001-of-" in done.stderr and what in done.stderr, (what, done.stderr)


def main():
    if not all(map(os.path.exists, TEXTS)):
        print("skipped: no samples (launch/fetch_samples.py)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        vocab, corpus = os.path.join(work, "vocab.txt"), os.path.join(work, "corpus")
        bertha("vocab", "--input.paths", *TEXTS, "--vocab.size", 3000, "--vocab.output", vocab)
        bertha("prepare", "--input.paths", *TEXTS, "--tokenizer.vocab", vocab, "--prepare.output", corpus,
               "--prepare.shard_tokens", 100000, "--prepare.validation_fraction", 0.1)
        manifest = check_corpus(corpus, vocab)
        assert len(manifest["splits"]["train"]["shards"]) > 1 and manifest["splits"]["validation"]["shards"]
        first = os.path.join(corpus, manifest["splits"]["train"]["shards"][0]["file"])
        check_h5dump(first)
        check_edited_shards(first, work)
        check_low_heap(work)
        check_wrongly_made(corpus, work)

        # A vocabulary that needs 32 bits; the same text, so the same words.
        with open(vocab, encoding="utf-8") as file:
            words = file.read()
        large = os.path.join(work, "large.txt")
        with open(large, "w", encoding="utf-8") as file:
            file.write(words + "".join(f"[unused{n}]\n" for n in range(70000 - words.count("\n"))))
        wide = os.path.join(work, "wide")
        bertha("prepare", "--input.paths", *TEXTS, "--tokenizer.vocab", large, "--prepare.output", wide,
               "--prepare.validation_fraction", 0)
        check_corpus(wide, large, wide=True)
        total = {name: split["tokens"] for name, split in manifest["splits"].items()}
        print(f"{total} tokens in {len(os.listdir(corpus)) - 4} shards")
    return 0


if __name__ == "__main__":
    sys.exit(main())
