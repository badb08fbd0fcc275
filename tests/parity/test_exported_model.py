"""What Bertha writes, Transformers opens as it is: checkpoints, exports and fine-tuned models load
with no missing and no unexpected key, and give the same losses and predictions."""
import json
import os
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file

import squad_rules
import test_model
from model_folders import BERTHA, bertha, labelled_reviews, load, make_run, same_bits
from tuned_models import check_tuned, weights_of


def check_pretraining(folder):
    load(transformers.BertForPreTraining, folder)
    # Other heads of the same weights: whatever is not shared may be new, encoder weights may not.
    for kind in (transformers.AutoModel, transformers.AutoModelForMaskedLM):
        _, report = kind.from_pretrained(folder, output_loading_info=True)
        lost = [key for key in report["missing_keys"] if "encoder" in key or "embeddings" in key]
        assert not lost, (kind, lost)


def check_logits(folder, work):
    """Our model with the exported file, and Transformers with the exported folder: the same."""
    case = test_model.Case("exported", "BertForPreTraining", [5, 64, 31, 1])
    model = load(transformers.BertForPreTraining, folder)
    batch = test_model.make_batch(case, model.config)
    loss, results, gradients = test_model.run_transformers(case, model, batch)
    files = {name: os.path.join(work, name + ".safetensors") for name in ("batch", "output")}
    save_file(batch, files["batch"])
    request = dict(config=os.path.join(folder, "config.json"), architecture=case.architecture,
                   weights=os.path.join(folder, "model.safetensors"), precision="fp32",
                   config_output=os.path.join(work, "config.json"), training=False, seed=1, step=1, implementation="fused", **files)
    with open(os.path.join(work, "request.json"), "w") as file:
        json.dump(request, file)
    subprocess.run([test_model.PROBE, os.path.join(work, "request.json")], check=True)
    worst = test_model.compare(case, batch, load_file(files["output"]), loss, results, gradients)
    print(f"exported model: largest relative error of values {worst[0]:.1e}, of gradients {worst[1]:.1e}")


def check_tuned_base(work, folder):
    """The encoder of a fine-tuned folder is a base model."""
    base, weights = os.path.join(work, "tuned base"), weights_of(folder)
    bertha("export", "--train.init", folder, "--train.output", base, "--export.model", "base")
    for name, value in load(transformers.AutoModel, base).state_dict().items():
        assert same_bits(value, weights["bert." + name]), name


def compare_predictions(folder, rows, max_length, *arguments):
    """`rows`: what Transformers' tokenizer is given, (text,) or (text, second text). Returns how many were cut.

    In lists, as data sets are mapped: there an empty second text is one, which a call for one pair takes for none."""
    model = load(transformers.AutoModelForSequenceClassification, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    lines = bertha("predict", "--train.init", folder, "--task.max_length", max_length, *arguments).splitlines()
    worst, columns = 0, lambda row: ([text] for text in row)
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        with torch.no_grad():
            logits = model(**tokenizer(*columns(row), truncation=True, max_length=max_length, return_tensors="pt")).logits[0]
        expected = torch.softmax(logits.double(), 0).numpy()
        ours = numpy.array([line["scores"][model.config.id2label[i]] for i in range(len(expected))])
        worst = max(worst, float(numpy.abs(ours - expected).max()))
        assert line["label"] == model.config.id2label[int(expected.argmax())]
    assert worst < 1e-5, worst
    print(f"predictions of {len(rows)} rows of {len(rows[0])} text(s): largest difference {worst:.1e}")
    return sum(len(tokenizer(*columns(row))["input_ids"][0]) > max_length for row in rows)


def check_predictions(folder, inputs):
    """Single texts, and pairs of them with lengths of every kind, of which many have to be cut."""
    with open(inputs) as file:
        texts = file.read().splitlines()
    compare_predictions(folder, [(text,) for text in texts], 128, "--task.input", inputs)
    pairs = list(zip(texts, texts[1:] + texts[:1]))
    long, short = " ".join(texts[:3]), " ".join(texts[0].split()[:2])
    pairs += [(long, short), (short, long), (long, long), (short, short), (long, ""), ("", long), ("", "")]
    table = inputs + ".pairs.tsv"
    with open(table, "w") as file:
        file.writelines(f"{first}\t{second}\n" for first, second in [("text", "second"), *pairs])
    for max_length in (128, 32, 15):  # an odd number of tokens to share, too
        cut = compare_predictions(folder, pairs, max_length, "--task.input", table, "--task.pair_column", "second")
        assert max_length > 32 or len(pairs) / 2 < cut < len(pairs), (cut, len(pairs))


def check_several_labels(work, run):
    """multi_label: Transformers' sigmoid of the same folder."""
    train, tuned = os.path.join(work, "several.tsv"), os.path.join(work, "several")
    with open(train, "w") as file:
        for i in range(60):
            labels = ",".join(name for name, divisor in (("a", 2), ("b", 3), ("c", 5)) if i % divisor)
            file.write(f"some words about {i} things\t{labels}\n")
    bertha("finetune", "--train.init", run, "--task.name", "multi_label", "--task.train", train, "--task.epochs", 1,
           "--train.output", tuned)
    folder = os.path.join(tuned, "model")
    model = load(transformers.AutoModelForSequenceClassification, folder)
    assert model.config.problem_type == "multi_label_classification"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = os.path.join(work, "several.txt")
    texts = ["some things", "words about Anarchism and words", ""]
    with open(inputs, "w") as file:
        file.write("\n".join(texts) + "\n")
    lines = bertha("predict", "--train.init", folder, "--task.input", inputs).splitlines()
    worst = 0
    for text, line in zip(texts, map(json.loads, lines), strict=True):
        with torch.no_grad():
            expected = torch.sigmoid(model(**tokenizer(text, return_tensors="pt")).logits[0]).numpy()
        ours = numpy.array([line["scores"][model.config.id2label[i]] for i in range(3)])
        worst = max(worst, float(numpy.abs(ours - expected).max()))
        assert line["labels"] == [model.config.id2label[i] for i in range(3) if expected[i] > 0.5]
    assert worst < 1e-5, worst
    check_tuned(transformers.AutoModelForSequenceClassification, folder, "multi_label", train)
    print(f"several labels: largest difference {worst:.1e}")


def check_numbers(work, run):
    """regression: the value is the one logit of Transformers' model of the same folder."""
    train, tuned, inputs = (os.path.join(work, name) for name in ("numbers.tsv", "numbers", "numbers.txt"))
    with open(train, "w") as file:
        file.writelines(f"some words about {i} things\t{i / 30 - 1}\n" for i in range(60))
    bertha("finetune", "--train.init", run, "--task.name", "regression", "--task.train", train, "--task.epochs", 1,
           "--train.output", tuned)
    folder = os.path.join(tuned, "model")
    model = load(transformers.AutoModelForSequenceClassification, folder)
    assert type(model) is transformers.BertForSequenceClassification
    assert model.config.problem_type == "regression" and model.config.num_labels == 1, model.config
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = ["some things", "words about Anarchism and words", "far too long " * 60, "a", ""]
    with open(inputs, "w") as file:
        file.write("\n".join(texts) + "\n")
    lines = bertha("predict", "--train.init", folder, "--task.input", inputs).splitlines()
    worst, values = 0, set()
    for text, line in zip(texts, map(json.loads, lines), strict=True):
        with torch.no_grad():
            logits = model(**tokenizer(text, truncation=True, max_length=128, return_tensors="pt")).logits
        assert logits.shape == (1, 1) and set(line) == {"value"}, line
        worst = max(worst, abs(line["value"] - float(logits)))
        values.add(line["value"])
    assert worst < 1e-5 and len(values) == len(texts), (worst, values)
    check_tuned(transformers.AutoModelForSequenceClassification, folder, "regression", train)
    print(f"numbers of {len(texts)} texts: largest difference {worst:.1e}")


def check_words(work, run):
    """token_classification: Transformers' answer at the first piece of each word."""
    train, tuned, inputs = (os.path.join(work, name) for name in ("words.conll", "words", "words.txt"))
    with open(train, "w") as file:
        for i in range(60):
            file.write(f"Peter B-PER\nPan{i} I-PER\nlives O\nin O\nNeverland{i % 7} B-LOC\n. O\n\n")
    bertha("finetune", "--train.init", run, "--task.name", "token_classification", "--task.train", train,
           "--task.epochs", 3, "--optimizer.learning_rate", 1e-3, "--train.output", tuned)
    folder = os.path.join(tuned, "model")
    model = load(transformers.AutoModelForTokenClassification, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sentences = [["Peter", "met", "Hook", "in", "Neverland", "!"], ["Unaffordable"], ["a", "(b)", "c-d"]]
    with open(inputs, "w") as file:
        file.write("".join("".join(f"{word}\n" for word in words) + "\n" for words in sentences))
    lines = bertha("predict", "--train.init", folder, "--task.input", inputs).splitlines()
    worst = 0
    for words, line in zip(sentences, map(json.loads, lines), strict=True):
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            expected = torch.softmax(model(**encoded).logits[0], 1)
        assert line["words"] == words
        for word in range(len(words)):
            score, label = expected[encoded.word_ids().index(word)].max(0)
            assert line["labels"][word] == model.config.id2label[int(label)], (line, word)
            worst = max(worst, abs(line["scores"][word] - float(score)))
    assert worst < 1e-5, worst
    check_tuned(transformers.AutoModelForTokenClassification, folder, "token_classification", train)
    print(f"words of {len(sentences)} sentences: largest difference {worst:.1e}")


def check_questions(work, run):
    """question_answering: Transformers' fast tokenizer, its model of the same folder, run_qa's choice."""
    train, tuned = os.path.join(work, "squad.json"), os.path.join(work, "questions")
    paragraphs = []
    for i in range(24):
        context = f"Café {i}: \U0001f600 Peter Pan met Captain Hook in Neverland number {i}, in {1900 + i}. " * 3
        paragraphs.append(dict(context=context, qas=[
            dict(id=f"{i}", question="Who met Hook?", answers=[dict(text="Peter Pan", answer_start=context.index("Peter"))]),
            dict(id=f"{i}n", question="Why?", answers=[], is_impossible=True)]))
    squad = dict(version="v2.0", data=[dict(title="t", paragraphs=paragraphs)])
    with open(train, "w") as file:
        json.dump(squad, file)
    bertha("finetune", "--train.init", run, "--task.name", "question_answering", "--task.train", train,
           "--task.validation", train, "--task.epochs", 2, "--task.max_length", 64, "--task.document_stride", 16,
           "--optimizer.learning_rate", 1e-3, "--train.output", tuned)
    folder = os.path.join(tuned, "model")
    model = load(transformers.AutoModelForQuestionAnswering, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    lines = bertha("predict", "--train.init", folder, "--task.input", train, "--task.max_length", 64,
                   "--task.document_stride", 16, "--task.list_n_best", "true").splitlines()
    worst, judged = 0, []
    for line, (id, question, context, answers) in zip(map(json.loads, lines), squad_rules.questions_of(squad),
                                                      strict=True):
        windows = []
        for window in squad_rules.windows_of(tokenizer, question, context, 64, 64, 16):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([window["tokens"]]),
                               token_type_ids=torch.tensor([window["segments"]]))
            windows.append((window["places"], list(zip(logits.start_logits[0].tolist(), logits.end_logits[0].tolist()))))
        expected = squad_rules.choose(windows, 20, 30, True, 0)
        assert line["id"] == id and context[line["start"]:line["end"]] == line["answer"], line
        scores = {tuple(place): share for *place, _, share in expected["n_best"]}
        # Candidates whose scores differ by less than rounding may change places.
        for ours in line["n_best"][:15]:
            worst = max(worst, abs(ours["score"] - scores[ours["start"], ours["end"]]))
        chosen = scores.get(tuple(expected["answer"]), 0)
        assert abs(line["score"] - chosen) < 1e-5, (line, expected)
        worst = max(worst, abs(line["null_difference"] - expected["null_difference"]))
        judged.append(dict(answer=line["answer"], truths=[text for text, _ in answers],
                           null_difference=expected["null_difference"],
                           best=context[slice(*expected["best"])]))
    assert worst < 1e-4, worst
    ours = json.loads(bertha("evaluate", "--train.init", folder, "--task.test", train, "--task.max_length", 64,
                             "--task.document_stride", 16, "--json"))
    for name, value in squad_rules.scores_of(judged).items():
        assert abs(ours[name] - value) < 1e-3, (name, ours[name], value)
    check_tuned(transformers.AutoModelForQuestionAnswering, folder, "question_answering", train, "--task.max_length", 64,
                "--task.document_stride", 16)
    print(f"answers to {len(lines)} questions: largest difference {worst:.1e}")


def check_vocabulary(work, run, corpus, vocab):
    """Weights of another vocabulary: refused; when asked for, tokens keep their weights by their text."""
    with open(vocab) as file:
        tokens = file.read().splitlines()
    others = tokens[:5] + ["brandnew"] + tokens[5:1500][::-1]
    source = os.path.join(work, "other")
    model = transformers.BertForPreTraining(transformers.BertConfig(
        vocab_size=len(others), hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512))
    model.save_pretrained(source)
    with open(os.path.join(source, "vocab.txt"), "w") as file:
        file.write("".join(token + "\n" for token in others))
    command = [BERTHA, "pretrain", "--data.corpus", corpus, "--train.init", source, "--train.steps", "1",
               "--train.global_batch", "4", "--optimizer.learning_rate", "0", "--train.output"]
    refused = subprocess.run(command + [os.path.join(work, "refused")], capture_output=True, text=True)
    assert refused.returncode == 65 and f"{len(others)} tokens there, {len(tokens)} here" in refused.stderr, refused
    resized = os.path.join(work, "resized")
    bertha(*command[1:], resized, "--model.resize_vocabulary", "true")
    ours = load_file(os.path.join(resized, "checkpoints", "step-00000001", "model.safetensors"))
    theirs = model.state_dict()
    for name in ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"):
        for number, token in enumerate(tokens):
            if token in others:
                assert torch.equal(ours[name][number], theirs[name][others.index(token)]), (name, token)
    fresh = ours["bert.embeddings.word_embeddings.weight"][1600:]
    assert 0.01 < fresh.std() < 0.03 and fresh.abs().max() < 0.0401, "tokens of no weights are not fresh"
    print(f"another vocabulary: {sum(t in others for t in tokens)} of {len(tokens)} tokens keep their weights")


def check_card(folder, *parts):
    with open(os.path.join(folder, "README.md")) as file:
        text = file.read()
    for part in parts:
        assert part in text, (part, text[:1500])


def check_export(work):
    """An exported folder loads, gives the same logits, and exports again to the same bytes."""
    folder = os.path.join(work, "exported")
    bertha("export", "--train.init", os.path.join(work, "run"), "--train.output", folder)
    check_card(folder, "2 steps, 16 sequences", "documents", "| train | 2 |", "mlm_loss", "| train.global_batch | 8 |")
    check_logits(folder, work)
    again = os.path.join(work, "again")
    bertha("export", "--train.init", folder, "--train.output", again)
    for name in ("model.safetensors", "config.json", "vocab.txt"):
        with open(os.path.join(folder, name), "rb") as a, open(os.path.join(again, name), "rb") as b:
            assert a.read() == b.read(), name


def check_folders(work):
    vocab, corpus, run = make_run(work)
    tuned = os.path.join(work, "tuned")
    check_pretraining(os.path.join(run, "checkpoints", "step-00000002"))
    check_export(work)
    check_vocabulary(work, run, corpus, vocab)
    no_pairs = os.path.join(work, "roberta")
    bertha("pretrain", "--data.corpus", corpus, "--model.size", "tiny", "--train.steps", 2,
           "--train.global_batch", 8, "--train.output", no_pairs, "--data.next_sentence", "false")
    load(transformers.AutoModelForMaskedLM, os.path.join(no_pairs, "checkpoints", "step-00000002"))

    rows = labelled_reviews()
    small, inputs = os.path.join(work, "small.tsv"), os.path.join(work, "inputs.txt")
    with open(small, "w") as file:
        file.write("\n".join(rows[:201]) + "\n")
    with open(inputs, "w") as file:
        file.write("\n".join(row.split("\t")[0] for row in rows[201:231]) + "\n")
    bertha("finetune", "--train.init", run, "--task.train", small, "--task.epochs", 1, "--train.output", tuned)
    check_card(os.path.join(tuned, "model"), "160 examples to train, 20 to choose the epoch, 20 to test", "| validation | 1 |",
               "| test | 1 |", "| task.epochs | 1 |", "pipeline_tag: text-classification")
    check_predictions(os.path.join(tuned, "model"), inputs)
    check_tuned(transformers.AutoModelForSequenceClassification, os.path.join(tuned, "model"), "classification", small)
    check_tuned_base(work, os.path.join(tuned, "model"))
    check_several_labels(work, run)
    check_numbers(work, run)
    check_words(work, run)
    check_questions(work, run)


def main():
    with tempfile.TemporaryDirectory() as work:
        check_folders(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
