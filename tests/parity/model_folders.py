"""For tests of model folders: the real program, Transformers' strict loading, a small pretrained run."""
import os
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


def make_run(work):
    """(vocabulary, corpus, run): two steps of a tiny model on real text."""
    vocab, corpus, run = (os.path.join(work, name) for name in ("vocab.txt", "corpus", "run"))
    bertha("vocab", "--input.paths", TEXT, "--vocab.size", 2000, "--vocab.output", vocab)
    bertha("prepare", "--input.paths", TEXT, "--tokenizer.vocab", vocab, "--prepare.output", corpus,
           "--prepare.validation_fraction", 0)
    bertha("pretrain", "--data.corpus", corpus, "--model.size", "tiny", "--train.steps", 2,
           "--train.global_batch", 8, "--train.log_every", 1, "--train.output", run)
    return vocab, corpus, run
