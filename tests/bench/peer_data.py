"""The data pipeline beside its peers, stage by stage, tokens a second of one core, in one run.

python tests/bench/peer_data.py [ROWS]: ROWS of 128 tokens at most in the foreign shard (20,000).
Peers: Hugging Face tokenizers for text; h5py's reads of whole datasets for shards; for batches, a
loader in the manner of NVIDIA's DeepLearningExamples (arrays in memory, torch tensors of each row,
torch's DataLoader in this process). Real tokens count, padding does not. Processor time.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.setdefault("BERTHA_BUILD", str(ROOT / "build/release")))
BINARY = os.environ.get("BERTHA_BINARY", str(BUILD / "bertha"))
BENCH = os.environ.get("BERTHA_BENCH_DATA", str(BUILD / "tests/bench/bench_data"))
sys.path.insert(0, str(ROOT / "tests/parity"))
import h5py
import numpy
import torch

import foreign_writer as writer
import peer_tokenizer
from tokens_peer import DUMPS, MINILM_VOCABULARY, dump_text, peer_tokenizer as hugging_face

LENGTH, PREDICTIONS = 128, 20
torch.set_num_threads(1)


def report(stage, ours, peer, name):
    print(f"{stage:<34} {ours:8.2f} M tokens/s   {name} {peer:8.2f}   ratio {ours / peer:6.1f}", flush=True)


def prepare(folder):
    """Dump to shards, against the peer's tokenization of text that is taken out already."""
    began = os.times()
    subprocess.run([BINARY, "prepare", "--input.paths", DUMPS[0], "--tokenizer.vocab", MINILM_VOCABULARY,
                    "--prepare.output", folder / "corpus", "--prepare.workers", "1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended = os.times()
    seconds = ended.children_user + ended.children_system - began.children_user - began.children_system
    splits = json.loads((folder / "corpus/manifest.json").read_text())["splits"]
    tokens = sum(split["tokens"] for split in splits.values())
    texts = dump_text(DUMPS[0]).splitlines()
    tokenizer, start = hugging_face(MINILM_VOCABULARY, "111"), time.process_time()
    theirs = sum(len(e.ids) for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    report("prepare (dump to shards)", tokens / seconds / 1e6, theirs / (time.process_time() - start) / 1e6,
           "tokenizers alone")


def measured(output, word):
    return float(re.search(rf"^{word} .*?([\d.]+) M tokens/s", output, re.MULTILINE).group(1))


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


def shards(folder, rows):
    (folder / "shards").mkdir()
    vocabulary = folder / "shards/vocab.txt"
    writer.write_vocabulary(vocabulary, 1000)
    path = folder / "shards/books_training_0.hdf5"
    writer.write_padded(path, writer.sequences(rows, 1, LENGTH, 1000, PREDICTIONS), LENGTH, PREDICTIONS,
                        compression="gzip")
    began = time.process_time()
    dataset = Rows(path)
    reading = time.process_time() - began
    tokens = int(dataset.columns[1].sum())
    began = time.process_time()
    for _ in torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True):
        pass
    loading = time.process_time() - began
    ours = subprocess.run([BENCH, folder / "shards", str(LENGTH), str(tokens), "token", vocabulary], check=True,
                          text=True, stdout=subprocess.PIPE).stdout
    report("shards: read, inflate, check", measured(ours, "reading"), tokens / reading / 1e6, "h5py [:]")
    peer = tokens / loading / 1e6
    report("shards: rows to batches", measured(ours, "batches"), peer, "torch loader")
    ours = subprocess.run([BENCH], check=True, text=True, stdout=subprocess.PIPE).stdout
    print(f"{'index of an epoch':<34} {measured(ours, 'index'):8.2f} M tokens/s   (no peer)")
    report("corpus: order, pairs, masks, packs", measured(ours, "batches"), peer, "torch loader")


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for path in DUMPS:
        peer_tokenizer.compare(path.name, dump_text(path).splitlines())
        sys.stdout.flush()
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch))
        shards(Path(scratch), rows)


if __name__ == "__main__":
    main()
