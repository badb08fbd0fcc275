"""Folders of fine-tuning tasks that Transformers saved, live: `predict` and `evaluate` say of them what Transformers says;
`finetune` starts from any of them, keeps a head for the same task and labels to the bit, and draws a new one, as it does for
a base model, where the task or its labels are others."""
import json
import os
import re
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.torch import load_file

import squad_rules
from foreign_models import labels, save, save_beside_tokenizer, sentences, write_table, write_words
from import_checks import load_as_told, said
from model_folders import bertha, load, same_bits
from test_exported_model import check_predictions

SEQUENCE = transformers.BertForSequenceClassification
TOKEN = transformers.BertForTokenClassification
QUESTION = transformers.BertForQuestionAnswering
TEXTS = sentences(60, 60)
CLASSIFIER = ("classifier.weight", "classifier.bias")


def config_of(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)


def check_export(folder, kind):
    """`export` recommends the Auto class that opens it whole."""
    exported = folder + ", exported"
    assert type(load_as_told(said(0, "export", "--train.init", folder, "--train.output", exported), exported)) is kind


def lines_of(*arguments):
    return [json.loads(line) for line in bertha(*arguments).splitlines()]


def logits_of(model, folder, row, **settings):
    encoded = transformers.AutoTokenizer.from_pretrained(folder)(row, return_tensors="pt", **settings)
    with torch.no_grad():
        return encoded, model(**encoded)


def check_texts(work, inputs):
    """Classes by name, several labels at once, and a number; also where config.json says no more than a count."""
    folder = save(os.path.join(work, "classes"), SEQUENCE, **labels("bad", "so so", "good"))
    check_predictions(folder, inputs)
    check_export(folder, SEQUENCE)
    model = load(transformers.AutoModelForSequenceClassification, folder)
    names = [model.config.id2label[i] for i in range(3)]
    chosen = [names[int(logits_of(model, folder, text)[1].logits.argmax())] for text in TEXTS[:20]]
    assert len(set(chosen)) > 1, chosen
    table = write_table(os.path.join(work, "classes.tsv"), TEXTS[:20], names)
    scores = json.loads(bertha("evaluate", "--train.init", folder, "--task.test", table, "--json"))
    right = sum(label == names[i % 3] for i, label in enumerate(chosen))
    assert abs(scores["accuracy"] - right / 20) < 1e-9 and scores["confusion_matrix"]["labels"] == names, scores

    unnamed = save(os.path.join(work, "two classes"), SEQUENCE)
    assert "id2label" not in config_of(unnamed)  # two is Transformers' default
    check_predictions(unnamed, inputs)
    several = save(os.path.join(work, "several"), SEQUENCE, problem_type="multi_label_classification", **labels("x", "y", "z"))
    number = save(os.path.join(work, "number"), SEQUENCE, num_labels=1)
    worst = 0
    for folder, output in ((several, lambda line: list(line["scores"].values())), (number, lambda line: [line["value"]])):
        model = load(transformers.AutoModelForSequenceClassification, folder)
        for text, line in zip(TEXTS, lines_of("predict", "--train.init", folder, "--task.input", inputs), strict=True):
            expected = logits_of(model, folder, text, truncation=True, max_length=128)[1].logits[0]
            if folder == several:
                assert line["labels"] == [name for name, logit in zip("xyz", expected) if logit > 0], line
                expected = torch.sigmoid(expected)
            worst = max(worst, float(numpy.abs(numpy.array(output(line)) - expected.numpy()).max()))
    assert worst < 1e-5, worst
    told = said(65, "evaluate", "--train.init", unnamed, "--task.test", table)
    assert re.search(r"classes.tsv:2: label 'bad' is none of.*it knows LABEL_0, LABEL_1 \(id2label", told, re.S), told[-500:]
    print(f"several labels and numbers of {len(TEXTS)} texts: largest difference {worst:.1e}")


def check_words(work):
    """The answer at the first piece of each word, as Transformers' guide to token classification has it."""
    folder = save(os.path.join(work, "words"), TOKEN, **labels("O", "B-x", "I-x", "B-y"))
    check_export(folder, TOKEN)
    model = load(transformers.AutoModelForTokenClassification, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    table = write_words(os.path.join(work, "words.conll"), TEXTS[:30], ["O", "B-x", "B-y"])
    worst, seen = 0, set()
    words = write_words(os.path.join(work, "words.txt"), TEXTS[:30])
    for text, line in zip(TEXTS[:30], lines_of("predict", "--train.init", folder, "--task.input", words), strict=True):
        encoded = tokenizer(text.split(), is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            expected = torch.softmax(model(**encoded).logits[0], 1)
        assert line["words"] == text.split()
        for word, (label, score) in enumerate(zip(line["labels"], line["scores"], strict=True)):
            theirs, number = expected[encoded.word_ids().index(word)].max(0)
            assert label == model.config.id2label[int(number)], (line, word)
            worst = max(worst, abs(score - float(theirs)))
            seen.add(label)
    assert worst < 1e-5 and len(seen) > 1, (worst, seen)
    scores = json.loads(bertha("evaluate", "--train.init", folder, "--task.test", table, "--json"))
    assert scores["confusion_matrix"]["labels"] == ["O", "B-x", "I-x", "B-y"] and scores["sequences"] == 30, scores
    other = write_words(os.path.join(work, "others.conll"), TEXTS[:5], ["B-PER", "I-PER"])
    told = said(65, "evaluate", "--train.init", folder, "--task.test", other)
    assert re.search(r"others.conll: none of its labels.*it knows O, B-x, I-x, B-y \(id2label", told, re.S), told[-500:]
    print(f"words of 30 sentences: largest difference {worst:.1e}")


def check_questions(work):
    """run_qa's choice out of the scores of Transformers' model, over several windows."""
    folder = save(os.path.join(work, "questions"), QUESTION)
    check_export(folder, QUESTION)
    model = load(transformers.AutoModelForQuestionAnswering, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    paragraphs = [dict(context=f"{first} {second}", qas=[dict(id=f"{i}", question=TEXTS[i][:20] + "?", answers=[])])
                  for i, (first, second) in enumerate(zip(TEXTS[:20], TEXTS[20:40]))]
    squad, path = dict(data=[dict(title="t", paragraphs=paragraphs)]), os.path.join(work, "squad.json")
    with open(path, "w") as file:
        json.dump(squad, file)
    lines = lines_of("predict", "--train.init", folder, "--task.input", path, "--task.max_length", 64, "--task.document_stride", 16)
    worst, windows_in_all = 0, 0
    for line, (id, question, context, _) in zip(lines, squad_rules.questions_of(squad), strict=True):
        windows = []
        for window in squad_rules.windows_of(tokenizer, question, context, 64, 64, 16):
            with torch.no_grad():
                output = model(input_ids=torch.tensor([window["tokens"]]), token_type_ids=torch.tensor([window["segments"]]))
            windows.append((window["places"], list(zip(output.start_logits[0].tolist(), output.end_logits[0].tolist()))))
        expected = squad_rules.choose(windows, 20, 30, False, 0)
        windows_in_all += len(windows)
        assert line["id"] == id and [line["start"], line["end"]] == expected["answer"], (line, expected["n_best"][:3])
        assert context[line["start"]:line["end"]] == line["answer"], line
        worst = max(worst, abs(line["score"] - expected["n_best"][0][3]))
    assert worst < 1e-5 and windows_in_all > len(lines), (worst, windows_in_all)
    print(f"answers out of {windows_in_all} windows: largest difference {worst:.1e}")


class Starts:
    """Fine-tuning runs that change no weight: what they write is what they began with."""

    def __init__(self, work):
        self.work, self.count = work, 0
        self.data = {name: write_table(os.path.join(work, f"{name}.tsv"), TEXTS, name.split())
                     for name in ("no yes", "a b c", "a b d", "b a")}
        self.data["words"] = write_words(os.path.join(work, "start.conll"), TEXTS, ["O", "B-x", "B-y"])

    def command(self, source, data, task="classification"):
        self.count += 1
        self.tuned = os.path.join(self.work, f"tuned {self.count}")
        return ("finetune", "--train.init", source, "--task.name", task, "--task.train", self.data[data], "--task.epochs", 1,
                "--train.precision", "fp32", "--train.output", self.tuned)

    def run(self, source, data, task="classification"):
        """(What it said, the weights it began with.)"""
        told = said(0, *self.command(source, data, task), "--optimizer.learning_rate", 0)
        return told, load_file(os.path.join(self.tuned, "model", "model.safetensors"))

    def kept(self, source, data, task="classification", order=None):
        """`order`: which of the source's outputs is the first label of the data, and so on."""
        told, ours = self.run(source, data, task)
        theirs = load_file(os.path.join(source, "model.safetensors"))
        if order:
            theirs.update({name: theirs[name][order].contiguous() for name in CLASSIFIER})
            assert "start: its classifier's labels are put into the order of the task's" in told, told
        assert set(ours) == set(theirs) and all(same_bits(value, theirs[name]) for name, value in ours.items())
        assert "new one is drawn" not in told and "fresh" not in told, told
        return told

    def drawn(self, source, base, data, why, task="classification"):
        """The head is what it is for the base model; all the rest is the source's."""
        told, ours = self.run(source, data, task)
        assert re.search(rf"start: {why}: a new one is drawn\n", told), (why, told)
        theirs, (_, bare) = load_file(os.path.join(source, "model.safetensors")), self.run(base, data, task)
        assert set(ours) == set(bare)
        for name, value in ours.items():
            expected = theirs[name] if name in theirs and name not in CLASSIFIER else bare[name]
            assert same_bits(value, expected), (why, name)
        assert not same_bits(ours["classifier.weight"], theirs.get("classifier.weight", torch.zeros(1)))
        assert CLASSIFIER[0] not in theirs or not re.search("not in the file:.*classifier", told), told


def check_starts(work):
    starts = Starts(work)
    three = save(os.path.join(work, "three"), SEQUENCE, **labels("a", "b", "c"))
    token = save(os.path.join(work, "token"), TOKEN, **labels("O", "B-x", "B-y"))
    question = save(os.path.join(work, "question"), QUESTION)
    unnamed = save(os.path.join(work, "unnamed"), SEQUENCE)
    several = save(os.path.join(work, "several abc"), SEQUENCE, problem_type="multi_label_classification", **labels("a", "b", "c"))
    base, unpooled = (save_beside_tokenizer(transformers.BertModel.from_pretrained(three, add_pooling_layer=pooled),
                                            os.path.join(work, f"base {pooled}")) for pooled in (True, False))

    starts.drawn(three, base, "no yes", r"its classifier has 3 labels \(a, b, c\), the task has 2 labels \(no, yes\)")
    # A folder of our own writing; its head is drawn by another seed than those that are compared.
    said(0, *starts.command(three, "no yes"), "--train.seed", 9, "--optimizer.learning_rate", 0)
    ours = os.path.join(starts.tuned, "model")
    told = said(0, *starts.command(three, "no yes"), "--train.dry_run", "true")
    assert "a new one is drawn" in told and not os.path.exists(starts.tuned), told
    starts.drawn(three, base, "a b d", r"its classifier has 3 labels \(a, b, c\), the task has 3 labels \(a, b, d\)")
    starts.drawn(three, base, "words", "its head is that of a BertForSequenceClassification, the task's is that of a "
                 "BertForTokenClassification", "token_classification")
    starts.drawn(token, unpooled, "no yes", "its head is that of a BertForTokenClassification, .*")
    starts.drawn(question, unpooled, "no yes", "its head is that of a BertForQuestionAnswering, .*")
    starts.drawn(several, base, "a b c", "its head is for multi_label_classification, the task is classification")
    starts.drawn(ours, base, "b a", r"its classifier has 2 labels \(no, yes\), the task has 2 labels \(a, b\)")

    assert "start: " not in starts.kept(three, "a b c")
    assert "start: " not in starts.kept(ours, "no yes")
    starts.kept(token, "words", "token_classification", order=[1, 2, 0])  # theirs: O, B-x, B-y
    told = starts.kept(unnamed, "no yes")
    assert re.search(r"start: its classifier's labels have no names \(LABEL_0, LABEL_1\): it is kept for no, yes", told), told

    # A run's own checkpoint is taken whole, however it began.
    rest = ("--task.batch_size", 8, "--optimizer.learning_rate", 1e-3)
    said(0, *starts.command(three, "no yes"), *rest)
    whole, command = starts.tuned, (*starts.command(three, "no yes"), *rest)
    said(75, *command, "--train.stop_after_steps", 3)
    assert "resumed from" in said(0, *command)
    a, b = (load_file(os.path.join(folder, "model", "model.safetensors")) for folder in (whole, starts.tuned))
    assert set(a) == set(b) and all(same_bits(a[name], b[name]) for name in a)

    # To predict and to evaluate, a head has to be what config.json says.
    config = config_of(three)
    with open(os.path.join(three, "config.json"), "w") as file:
        json.dump(dict(config, **labels("a", "b")), file)
    for command in (("predict", "--task.input"), ("evaluate", "--task.test")):
        told = said(65, *command, starts.data["no yes"], "--train.init", three)
        assert re.search(r"classifier.* is \[3.*config.json \(id2label, num_labels\)", told, re.S), told[-500:]
    print(f"{starts.count} starts from other tasks' models: heads kept or drawn anew as their labels say")


def main():
    with tempfile.TemporaryDirectory() as work:
        inputs = os.path.join(work, "inputs.txt")
        with open(inputs, "w") as file:
            file.writelines(f"{text}\n" for text in TEXTS)
        check_texts(work, inputs)
        check_words(work)
        check_questions(work)
        check_starts(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
