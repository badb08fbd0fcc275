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


def answerable(source):
    """Paragraphs with the questions that they answer: what SQuAD 1.1 asks. Where half of all questions have no
    answer, a model that has seen a few hundred answers none, whatever trains it."""
    with open(source, encoding="utf-8") as file:
        squad = json.load(file)
    for article in squad["data"]:
        for paragraph in article["paragraphs"]:
            asked = [question for question in paragraph["qas"] if question["answers"]]
            if asked:
                yield dict(context=paragraph["context"], qas=asked)


def write_squad(paragraphs, target):
    data = dict(version="1.1", data=[dict(title="part", paragraphs=paragraphs)])
    target.write_text(json.dumps(data), encoding="utf-8")


def cut_questions(source, targets, shares):
    """Paragraphs in a fixed random order, until a target has its share of questions; none is in two."""
    paragraphs = list(answerable(source))
    random.Random(1).shuffle(paragraphs)
    for target, share in zip(targets, shares):
        chosen = []
        while paragraphs and sum(len(paragraph["qas"]) for paragraph in chosen) < share:
            chosen.append(paragraphs.pop())
        write_squad(chosen, target)


def reviews(source, files, rows):
    cut_table(f"{source}/train.tsv", files["train"], 0, rows)
    cut_table(f"{source}/train.tsv", files["validation"], rows, rows + 100)
    cut_table(f"{source}/test.tsv", files["test"], 0, 500)
    return dict(label=f"small_fine_foods: {rows} texts to train, 100 to choose the epoch, 500 to test",
                task="classification", metric="accuracy", max_length=48, epochs=3, learning_rate=2e-4, batch_size=32)


def wnut(source, files, rows):
    cut_conll(f"{source}/train.conll", files["train"], rows)
    cut_conll(f"{source}/dev.conll", files["validation"], 80)
    cut_conll(f"{source}/test.conll", files["test"], 300)
    return dict(label=f"WNUT-17: {rows} sentences to train, 80 to choose the epoch, 300 to test",
                task="token_classification", metric="f1", max_length=128, epochs=3, learning_rate=5e-4, batch_size=32)


def squad(source, files, rows):
    cut_questions(f"{source}/train.json", (files["validation"], files["train"]), (40, rows))
    write_squad(list(answerable(f"{source}/dev.json")), files["test"])
    return dict(label=f"SQuAD, three articles, what they answer: {rows} questions to train, 40 to choose the epoch; "
                "108 of a fourth to test",
                task="question_answering", metric="f1", max_length=192, epochs=3, learning_rate=3e-4,
                batch_size=32, max_query_length=32, stride=64)


CASES = dict(reviews=(reviews, ".tsv", 384), wnut=(wnut, ".conll", 800), squad=(squad, ".json", 240))


def make_case(name, source, folder, rows=0):
    """Writes the three files into `folder`; everything both sides are told."""
    make, extension, usual = CASES[name]
    files = {split: Path(folder) / (split + extension) for split in ("train", "validation", "test")}
    case = make(source, files, rows or usual)
    return dict(case, **{split: str(file) for split, file in files.items()}, weight_decay=0.01, epsilon=1e-8,
                warmup_fraction=0.1)
