"""The cases of run_finetune.py: parts of public data sets, small enough for a laptop, and how both sides
are to be trained on them."""
import json
import random
from pathlib import Path


def cut_table(source, target, begin, end):
    with open(source, encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    target.write_text(lines[0] + "".join(lines[1:][begin:end]), encoding="utf-8")


def sentences_of(path):
    """A line of nothing but blanks parts sentences."""
    sentences, lines = [], []
    with open(path, encoding="utf-8") as file:
        for line in [*file, ""]:
            if line.strip():
                lines.append(line.rstrip("\n"))
            elif lines:
                sentences.append("\n".join(lines))
                lines = []
    return sentences


def cut_conll(source, target, count):
    target.write_text("\n\n".join(sentences_of(source)[:count]) + "\n", encoding="utf-8")


def cut_questions(source, targets, shares):
    """Paragraphs in a fixed random order, until a target has its share of questions; none is in two."""
    with open(source, encoding="utf-8") as file:
        squad = json.load(file)
    paragraphs = [paragraph for article in squad["data"] for paragraph in article["paragraphs"]]
    random.Random(1).shuffle(paragraphs)
    for target, share in zip(targets, shares):
        chosen = []
        while paragraphs and sum(len(p["qas"]) for p in chosen) < share:
            chosen.append(paragraphs.pop())
        data = dict(version=squad["version"], data=[dict(title="part", paragraphs=chosen)])
        target.write_text(json.dumps(data), encoding="utf-8")


def reviews(source, files, rows):
    cut_table(f"{source}/train.tsv", files["train"], 0, rows)
    cut_table(f"{source}/train.tsv", files["validation"], rows, rows + 200)
    cut_table(f"{source}/test.tsv", files["test"], 0, 1000)
    return dict(label=f"small_fine_foods: {rows} texts to train, 200 to choose the epoch, 1000 to test",
                task="classification", metric="accuracy", max_length=48, epochs=3, learning_rate=1e-4)


def wnut(source, files, rows):
    cut_conll(f"{source}/train.conll", files["train"], rows)
    cut_conll(f"{source}/dev.conll", files["validation"], 250)
    cut_conll(f"{source}/test.conll", files["test"], 10**6)
    return dict(label=f"WNUT-17: {rows} sentences to train, 250 to choose the epoch, all of the test",
                task="token_classification", metric="f1", max_length=128, epochs=3, learning_rate=3e-4)


def squad(source, files, rows):
    cut_questions(f"{source}/train.json", (files["train"], files["validation"]), (rows, 100))
    files["test"].write_text(Path(f"{source}/dev.json").read_text(encoding="utf-8"), encoding="utf-8")
    return dict(label=f"SQuAD 1.1, four articles: {rows} questions to train, 100 to choose the epoch, 210 to test",
                task="question_answering", metric="f1", max_length=256, epochs=3, learning_rate=2e-4,
                max_query_length=64, stride=96)


CASES = dict(reviews=(reviews, ".tsv", 512), wnut=(wnut, ".conll", 600), squad=(squad, ".json", 400))


def make_case(name, source, folder, rows=0):
    """Writes the three files into `folder`; everything both sides are told."""
    make, extension, usual = CASES[name]
    files = {split: Path(folder) / (split + extension) for split in ("train", "validation", "test")}
    case = make(source, files, rows or usual)
    return dict(case, **{split: str(file) for split, file in files.items()}, batch_size=32, weight_decay=0.01,
                epsilon=1e-8, warmup_fraction=0.1)
