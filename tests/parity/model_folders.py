"""For tests of model folders: the real program, Transformers' strict loading, a small pretrained run. Where there are no
samples its text, and that of reviews, is made up: folders and their weights are the same matter."""
import functools
import json
import os
import random
import subprocess

import transformers

transformers.logging.set_verbosity_error()
BERTHA = os.environ["BERTHA_BINARY"]
SAMPLES = os.environ.get("BERTHA_SAMPLES", os.path.expanduser("~/.cache/bertha/downloads"))
REVIEWS = os.path.join(SAMPLES, "reviews")
TEXT = os.path.join(SAMPLES, "wikipedia", "enwiki.xml.bz2")


def bertha(*arguments):
    done = subprocess.run([BERTHA, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-500:]}"
    return done.stdout


def load(kind, folder):
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    for name in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[name], (kind.__name__, name, report[name])
    return model.eval()


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()


@functools.cache
def known_words():
    """Of two to four syllables."""
    draw, syllables = random.Random(1), [a + b + c for a in "bcdfghjklmnpqrstvwxyz" for b in "aeiou" for c in ("", "n", "r")]
    return ["".join(draw.choices(syllables, k=2 + number % 3)) for number in range(2500)]


def made_up_words(seed, count):
    """Common ones and rare ones, with some signs between them."""
    draw, known = random.Random(seed), known_words()
    words = draw.choices(known, [1 / (rank + 30) for rank in range(len(known))], k=count)
    for place in range(7, count, 11):
        words[place] += draw.choice([",", ".", " 17", " (x)", "!", ": 3-4"])
    return words


def text_to_train_on(work):
    if os.path.exists(TEXT):
        return TEXT
    print(f"no {TEXT} (launch/fetch_samples.py wikipedia): made-up text")
    path = os.path.join(work, "made_up.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for document in range(150):
            sentences = (" ".join(made_up_words(f"{document} {i}", 12)).capitalize() + "." for i in range(15))
            file.write(json.dumps(dict(text=" ".join(sentences))) + "\n")
    return path


def labelled_reviews():
    """Lines of a table with a head, and with two labels."""
    path = os.path.join(REVIEWS, "train.tsv")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    print(f"no {path} (launch/fetch_samples.py reviews): made-up text")
    return ["text\tlabel"] + [" ".join(made_up_words(f"review {i}", 5 + i % 90)) + "\t" + ("great", "other")[i % 2] for i in range(300)]


def make_run(work):
    """(vocabulary, corpus, run): two steps of a tiny model on real text, if there is any."""
    vocab, corpus, run = (os.path.join(work, name) for name in ("vocab.txt", "corpus", "run"))
    text = text_to_train_on(work)
    bertha("vocab", "--input.paths", text, "--vocab.size", 2000, "--vocab.output", vocab)
    with open(vocab, encoding="utf-8") as file:
        assert len(file.read().splitlines()) == 2000, "the text has too few words"
    bertha("prepare", "--input.paths", text, "--tokenizer.vocab", vocab, "--prepare.output", corpus,
           "--prepare.validation_fraction", 0)
    bertha("pretrain", "--data.corpus", corpus, "--model.size", "tiny", "--train.steps", 2,
           "--train.global_batch", 8, "--train.log_every", 1, "--train.output", run)
    return vocab, corpus, run
