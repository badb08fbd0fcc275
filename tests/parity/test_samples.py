"""`bertha inspect CORPUS --samples`: a corpus of known text, every word of which says where it stands. What is shown
is that text, paired and masked by the rules, and the same as a rank gets in training."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

BERTHA, BUILD = os.environ["BERTHA_BINARY"], os.environ["BERTHA_BUILD"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
DOCUMENTS, LENGTH, SAMPLES = 160, 48, 200


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-500:]}"
    return done.stdout


def write_text(folder):
    """Documents of sentences of words d3s2w5; their vocabulary."""
    draw = random.Random(1)
    text = [[[f"d{d}s{s}w{w}" for w in range(draw.randint(3, 12))] for s in range(draw.randint(2, 14))] for d in range(DOCUMENTS)]
    with open(f"{folder}/text.txt", "w") as file:
        file.write("\n".join("".join(" ".join(sentence) + "\n" for sentence in document) for document in text))
    with open(f"{folder}/vocab.txt", "w") as file:
        file.write("".join(word + "\n" for word in SPECIAL + [w for d in text for s in d for w in s]))
    return [[word for sentence in document for word in sentence] for document in text]


def document_of(word):
    """Its document."""
    return int(re.fullmatch(r"d(\d+)s\d+w\d+", word)[1])


def restored(sample):
    tokens = list(sample["tokens"])
    for position, label in zip(sample["masked_positions"], sample["masked_labels"], strict=True):
        tokens[position] = label
    return tokens


def check_sample(sample, text):
    """One sequence against the text; what became of its masked tokens."""
    tokens, whole = sample["tokens"], restored(sample)
    border = whole.index("[SEP]")
    a, b = whole[1:border], whole[border + 1:-1]
    assert whole[0] == "[CLS]" and whole[-1] == "[SEP]" and a and b and len(whole) <= LENGTH, whole
    assert sample["segments"] == [0] * (border + 1) + [1] * (len(b) + 1), sample["segments"]
    for part in (a, b):  # consecutive words of one document
        words = text[document_of(part[0])]
        begin = words.index(part[0])
        assert words[begin:begin + len(part)] == part, part
    a_document, b_document = document_of(a[-1]), document_of(b[0])
    if sample["next_sentence"] == 0:
        words = text[a_document]
        between = words.index(b[0]) - words.index(a[-1]) - 1
        # What is too long is cut at either end.
        assert a_document == b_document and (between == 0 or between > 0 and len(whole) == LENGTH), (a, b)
    else:
        assert sample["next_sentence"] == 1 and a_document != b_document, (a, b)
    positions = sample["masked_positions"]
    assert positions == sorted(set(positions)) and len(positions) == max(1, round(0.15 * len(whole))), positions
    fates = []
    for position, label in zip(positions, sample["masked_labels"]):
        assert label not in SPECIAL, label
        fates.append("[MASK]" if tokens[position] == "[MASK]" else "kept" if tokens[position] == label else "random")
    assert tokens.count("[MASK]") == fates.count("[MASK]"), tokens
    return fates


def shown_in_text(line_block):
    """The tokens and masks of the form for people."""
    head, a, b = line_block.rstrip("\n").split("\n")
    assert a.startswith("  A: ") and b.startswith("  B: "), line_block
    tokens, positions, labels = [], [], []
    for place, word in enumerate(a[5:].split(" ") + b[5:].split(" ")):
        word, _, label = word.partition("=")
        tokens.append(word)
        if label:
            positions.append(place)
            labels.append(label)
    number, count, predictions, kind = re.fullmatch(r"sample (\d+): (\d+) tokens, (\d+) predictions, (B follows A|B is random)", head).groups()
    assert int(count) == len(tokens) and int(predictions) == len(labels), head
    return {"number": int(number), "next_sentence": int(kind == "B is random"), "tokens": tokens, "segments":
            [0] * len(a[5:].split(" ")) + [1] * len(b[5:].split(" ")), "masked_positions": positions, "masked_labels": labels}


def check_training(samples, corpus, vocabulary):
    """As one of three ranks gets them, in micro-batches."""
    probe = os.path.join(BUILD, "tests", "foreign_probe")
    lines = [json.loads(line) for line in run(probe, corpus, vocabulary, LENGTH, 0, 3, len(samples)).splitlines()]
    with open(vocabulary) as file:
        words = file.read().split()
    trained = sorted(({"number": line["number"], "next_sentence": line["next_sentence"],
                       "tokens": [words[i] for i in line["tokens"]], "segments": line["segments"],
                       "masked_positions": line["positions"], "masked_labels": [words[i] for i in line["labels"]]}
                      for line in lines if line["step"] == 0), key=lambda sample: sample["number"])
    assert trained == sorted(samples, key=lambda sample: sample["number"])


def main():
    with tempfile.TemporaryDirectory() as work:
        text, corpus, vocabulary = write_text(work), f"{work}/corpus", f"{work}/vocab.txt"
        run(BERTHA, "prepare", "--input.paths", f"{work}/text.txt", "--input.format", "sentences", "--tokenizer.vocab", vocabulary,
            "--prepare.output", corpus, "--prepare.validation_fraction", 0, "--prepare.shard_tokens", 500)
        shown = json.loads(run(BERTHA, "inspect", corpus, "--samples", 7, "--json", "--data.sequence_length", LENGTH))
        assert shown["kind"] == "corpus" and shown["splits"]["train"]["documents"] == DOCUMENTS, shown
        assert shown["splits"]["train"]["tokens"] == sum(map(len, text)) and shown["splits"]["train"]["shards"] > 1, shown
        options = [corpus, "--data.sequence_length", LENGTH]
        samples = json.loads(run(BERTHA, "inspect", *options, "--samples", SAMPLES, "--json"))["samples"]
        assert len({sample["number"] for sample in samples}) == SAMPLES, len(samples)
        fates = [fate for sample in samples for fate in check_sample(sample, text)]
        share = {kind: fates.count(kind) / len(fates) for kind in ("[MASK]", "random", "kept")}
        # Five standard deviations of a thousand draws.
        assert len(fates) > 700 and abs(share["[MASK]"] - 0.8) < 0.075 and 0.04 < share["random"] < 0.16 and 0.04 < share["kept"] < 0.16, share
        labels = [sample["next_sentence"] for sample in samples]
        assert 60 < sum(labels) < 160, sum(labels)
        blocks = re.split(r"(?m)^(?=sample )", run(BERTHA, "inspect", *options, "--samples", SAMPLES))[1:]
        assert [shown_in_text(block) for block in blocks] == samples
        check_training(samples, corpus, vocabulary)
        # Without pairs: one text each, of whole sentences where they fit.
        single = json.loads(run(BERTHA, "inspect", *options, "--samples", 20, "--json", "--data.next_sentence", "false"))["samples"]
        for sample in single:
            whole = restored(sample)
            words = text[document_of(whole[1])]
            begin = words.index(whole[1])
            assert sample["next_sentence"] is None and set(sample["segments"]) == {0}, sample
            assert whole == ["[CLS]", *words[begin:begin + len(whole) - 2], "[SEP]"], whole
        print(f"{len(samples)} samples, {len(fates)} predictions: {share}; {sum(labels)} random pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
