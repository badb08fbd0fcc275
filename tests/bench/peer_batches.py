"""From shards to batches beside the peers, for peer_data.py. Real tokens count, padding does not."""
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import h5py
import numpy
import torch
import transformers

import foreign_writer as writer
from peer_text import BINARY, report
from peer_tokenizer import CHINESE
from tokens_peer import MINILM_VOCABULARY

STREAM = f"{os.environ['BERTHA_BUILD']}/tests/bench/bench_stream"
BENCH = os.environ.get("BERTHA_BENCH_DATA", f"{os.environ['BERTHA_BUILD']}/tests/bench/bench_data")
LENGTH, PREDICTIONS, VOCABULARY = 128, 20, 1000


def bench(*arguments):
    """Speed by word of what bench_data prints, in M tokens a second."""
    output = subprocess.run([BENCH, *map(str, arguments)], check=True, text=True, stdout=subprocess.PIPE).stdout
    return {word: float(speed) for word, speed in re.findall(r"^(\w+) .*?([\d.]+) M tokens/s", output, re.MULTILINE)}


class Rows(torch.utils.data.Dataset):
    """As pretraining datasets of padded shards are: everything in memory, tensors by row."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.columns = [file[name][:] for name in ("input_ids", "input_mask", "segment_ids", "masked_lm_positions",
                                                       "masked_lm_ids", "next_sentence_labels")]

    def __len__(self):
        return len(self.columns[0])

    def __getitem__(self, row):
        ids, mask, segments, positions, labels, following = (
            torch.from_numpy(numpy.asarray(column[row]).astype(numpy.int64)) for column in self.columns)
        count = torch.nonzero(positions == 0)
        count = int(count[0]) if len(count) else PREDICTIONS
        targets = torch.full_like(ids, -1)
        targets[positions[:count]] = labels[:count]
        return ids, segments, mask, targets, following


def padded_shards(folder, rows):
    """Returns what the peer's loader does in a second: it is the nearest there is for our batches, too."""
    folder.mkdir()
    writer.write_vocabulary(folder / "vocab.txt", VOCABULARY)
    path = folder / "books_training_0.hdf5"
    writer.write_padded(path, writer.sequences(rows, 1, LENGTH, VOCABULARY, PREDICTIONS), LENGTH, PREDICTIONS,
                        compression="gzip")
    began = time.process_time()
    dataset = Rows(path)
    reading = time.process_time() - began
    tokens = int(dataset.columns[1].sum())
    began = time.process_time()
    for _ in torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True):
        pass
    loader = tokens / (time.process_time() - began) / 1e6
    ours = bench(folder, LENGTH, tokens, "token", folder / "vocab.txt")
    report("padded gzip shards: read, inflate, check", ours["reading"], tokens / reading / 1e6, "h5py [:]")
    report("padded gzip shards: rows to batches", ours["batches"], loader, "torch loader")
    return loader


def variable_shards(folder, rows):
    folder.mkdir()
    writer.write_vocabulary(folder / "vocab.txt", VOCABULARY)
    made = writer.sequences(rows, 1, LENGTH, VOCABULARY, PREDICTIONS)
    path, tokens = folder / "books_training_0.hdf5", sum(len(row["tokens"]) for row in made)
    writer.write_variable(path, made)
    began = time.process_time()
    with h5py.File(path, "r") as file:
        for name in file:
            file[name][:]
    reading = time.process_time() - began
    ours = bench(folder, LENGTH, tokens, "token", folder / "vocab.txt")
    report("variable-length shards: read, check", ours["reading"], tokens / reading / 1e6, "h5py [:]")


def large_corpus(folder, millions, collators):
    """More than any cache holds, each page of it fresh: what an epoch of a real corpus is like."""
    subprocess.run([STREAM, "write", str(millions), folder], check=True, stdout=subprocess.DEVNULL)
    output = subprocess.run([STREAM, "pass", folder], check=True, text=True, stdout=subprocess.PIPE).stdout
    shutil.rmtree(folder)
    for length, speed, first in re.findall(r"^pass(\d+) +([\d.]+) M.* steps ([\d.]+)", output, re.MULTILINE):
        report(f"large corpus, one pass of fresh pages, {length}", float(speed), collators[int(length)],
               "Transformers' collator")
        report("    its first 100 steps", float(first), collators[int(length)], "Transformers' collator")


def chinese_corpus(folder, collator):
    """Reviews, a document each, with a vocabulary of their own: words are ICU's."""
    if not CHINESE.exists():
        return print("Chinese words: no sample (launch/fetch_samples.py chinese)")
    folder.mkdir()
    lines = [line for line in CHINESE.read_text(encoding="utf-8").splitlines() if line.strip()]
    (folder / "reviews.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines))
    prepare = ["prepare", "--input.paths", folder / "reviews.jsonl", "--tokenizer.vocab", folder / "vocab.txt",
               "--prepare.validation_fraction", 0]
    for command in (["vocab", "--input.paths", CHINESE, "--vocab.size", 8000, "--vocab.output", folder / "vocab.txt"],
                    [*prepare, "--prepare.output", folder / "corpus"],
                    [*prepare, "--prepare.output", folder / "with_words", "--prepare.word_boundaries", "true"]):
        subprocess.run([BINARY, *map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for corpus, strategy in (("corpus", "token"), ("corpus", "word"), ("corpus", "span"), ("with_words", "word"),
                             ("with_words", "span")):
        report(f"Chinese, shard to batch, {LENGTH}, {strategy}{', words found before' if corpus == 'with_words' else ''}",
               bench(folder / corpus, LENGTH, 12_000_000, strategy)["batches"], collator, "Transformers' collator")


def collator_speed(length, most_tokens=2_000_000):
    """Transformers' masking of ready sequences in batches of 32, with lengths about as ours."""
    tokenizer = transformers.BertTokenizerFast(vocab_file=str(MINILM_VOCABULARY))
    collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    draw, sequences, tokens = random.Random(1), [], 0
    while tokens < most_tokens:
        drawn = length if draw.random() < 0.5 else draw.randint(5, length)
        sequences.append({"input_ids": [draw.randrange(1000, 30000) for _ in range(drawn)]})
        tokens += drawn
    began = time.process_time()
    for first in range(0, len(sequences), 32):
        collator(sequences[first:first + 32])
    return tokens / (time.process_time() - began) / 1e6


def compare(folder, rows, millions):
    folder.mkdir()
    loader = padded_shards(folder / "padded", rows)
    variable_shards(folder / "variable", rows)
    collators = {length: collator_speed(length) for length in (128, 512)}
    for length, collator in collators.items():
        for strategy in ("token", "word", "span", "character"):
            ours = bench("-", length, 20_000_000, strategy)
            if strategy == "token":
                report(f"index of an epoch, length {length}", ours["index"], None, "no peer")
            name = f"shard to masked, packed batch, {length}, {strategy}"
            report(name, ours["batches"], collator, "Transformers' collator")
        report("", bench("-", length)["batches"], loader, f"torch loader of rows of {LENGTH}")
    chinese_corpus(folder / "chinese", collators[LENGTH])
    large_corpus(folder / "large", millions, collators)
