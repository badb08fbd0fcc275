"""Every score of fine-tuning against its reference, live: entities against seqeval, classes and several
labels against scikit-learn, numbers against scipy; random inputs and all edge cases one could think of."""
import itertools
import json
import math
import os
import subprocess
import sys
import warnings

try:
    import numpy
    import scipy.stats
    from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score
    from seqeval.metrics.sequence_labeling import get_entities
    from sklearn import metrics
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = f"{os.environ['BERTHA_BUILD']}/tests/scores_probe"
random = numpy.random.default_rng(7)


def ask(requests):
    lines = "\n".join(json.dumps(request) for request in requests) + "\n"
    done = subprocess.run([PROBE], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def entity_cases():
    """Pairs of label sequences: every short sequence against others, random documents, odd labels."""
    short = ["O", "B-a", "I-a", "B-b", "I-b"]
    every = [list(labels) for n in (1, 2, 3) for labels in itertools.product(short, repeat=n)]
    for labels in every:
        other = [str(label) for label in random.choice(short, len(labels))]
        yield [other], [labels]
    for a, b in itertools.product([list(x) for x in itertools.product(short, repeat=2)], repeat=2):
        yield [a], [b]
    everything = short + ["E-a", "S-a", "E-b", "S-b", "I", "B", "E", "S", "I-a-c", "B-a-c", "B_a",
                          ".-a", ".", "L-a", "a", "B-", "I-", "É-a", "I-É", "OO", "O-a"]
    for names in (short, short + ["E-a", "S-a", "E-b", "S-b"], everything):
        for _ in range(1500):
            lengths = random.integers(1, 9, random.integers(1, 6))
            labels = [[str(x) for x in random.choice(names, n)] for n in lengths]
            noise = random.random()
            yield [[str(random.choice(names)) if random.random() < noise else x for x in row]
                   for row in labels], labels
    yield [["O", "O"]], [["O", "O"]]
    yield [["O"], ["B-a"]], [["O"], ["O"]]
    yield [["O"], ["O"]], [["B-a"], ["I-a"]]


def check_entities():
    cases = list(entity_cases())
    answers = ask([dict(kind="entities", predicted=p, labels=t) for p, t in cases])
    for (predicted, labels), ours in zip(cases, answers, strict=True):
        expected = dict(accuracy=accuracy_score(labels, predicted), f1=f1_score(labels, predicted),
                        precision=precision_score(labels, predicted),
                        recall=recall_score(labels, predicted))
        entities = [[kind, begin, end + 1] for kind, begin, end in get_entities(labels)]
        assert ours.get("entities", []) == entities, (labels, ours, entities)
        for name, value in expected.items():
            assert math.isclose(ours[name], value, abs_tol=1e-12), (predicted, labels, name, ours, value)
    print(f"seqeval: {len(cases)} cases alike")


def check_several():
    cases = []
    for _ in range(500):
        examples, labels, share = random.integers(1, 30), random.integers(1, 8), random.random()
        cases.append(tuple((random.random((examples, labels)) < s).astype(int)
                           for s in (share, random.choice([0, share, 1, random.random()]))))
    answers = ask([dict(kind="multi_label", predicted=p.astype(bool).tolist(),
                        labels=t.astype(bool).tolist()) for p, t in cases])
    for (predicted, labels), ours in zip(cases, answers, strict=True):
        one = labels.shape[1] == 1  # scikit-learn takes a single column for two classes
        expected = dict(exact_match=metrics.accuracy_score(labels, predicted))
        for average in ("micro", "macro"):
            expected[average + "_f1"] = (
                metrics.f1_score(labels.ravel(), predicted.ravel(), zero_division=0) if one else
                metrics.f1_score(labels, predicted, average=average, zero_division=0))
        for name, value in expected.items():
            assert math.isclose(ours[name], value, abs_tol=1e-12), (name, ours, value)
    print(f"scikit-learn, several labels: {len(cases)} cases alike")


def check_classes():
    cases = []
    for _ in range(500):
        examples, classes = random.integers(1, 40), random.integers(2, 6)
        labels = random.integers(0, classes, examples)
        predicted = numpy.where(random.random(examples) < random.random(), labels,
                                random.integers(0, random.integers(1, classes + 1), examples))
        cases.append((predicted, labels, int(classes)))
    answers = ask([dict(kind="classification", predicted=p.tolist(), labels=t.tolist(), classes=c)
                   for p, t, c in cases])
    for (predicted, labels, classes), ours in zip(cases, answers, strict=True):
        expected = dict(accuracy=metrics.accuracy_score(labels, predicted),
                        matthews_correlation=metrics.matthews_corrcoef(labels, predicted),
                        f1=metrics.f1_score(labels, predicted, zero_division=0,
                                            average="binary" if classes == 2 else "macro"))
        for name, value in expected.items():
            assert math.isclose(ours[name], value, abs_tol=1e-9), (predicted, labels, name, ours, value)
        table = metrics.confusion_matrix(labels, predicted, labels=range(classes)).tolist()
        assert ours["confusion"] == table, (predicted, labels, ours, table)
    print(f"scikit-learn, classes: {len(cases)} cases alike")


def correlation(function, predicted, values):
    """scipy has none for one row and for a constant side: an error or nan, with a warning. Ours is 0 there."""
    try:
        value = float(function(predicted, values)[0])
    except ValueError:
        value = math.nan
    constant = len(set(predicted)) == 1 or len(set(values)) == 1
    assert math.isnan(value) == constant, (predicted, values, value)
    return 0.0 if constant else value


def number_cases():
    """Random ones; one and two rows; constant sides, of numbers whose mean rounds (0.1) and of others."""
    for _ in range(300):
        examples = random.integers(3, 40)
        values = numpy.round(random.normal(size=examples), random.integers(0, 4))
        yield values + numpy.round(random.normal(size=examples), 1), values
    for examples in (1, 2, 3, 7, 10):
        for _ in range(20):
            yield random.normal(size=examples), random.normal(size=examples)
        for constant in (0.0, 0.1, -3.3, 1e8):
            other = random.normal(size=examples)
            same = numpy.full(examples, constant)
            yield from ((same, other), (other, same), (same, same), (same, numpy.full(examples, 0.7)))


def check_numbers():
    cases = list(number_cases())
    answers = ask([dict(kind="regression", predicted=p.tolist(), labels=t.tolist()) for p, t in cases])
    for (predicted, values), ours in zip(cases, answers, strict=True):
        expected = dict(pearson=correlation(scipy.stats.pearsonr, predicted, values),
                        spearman=correlation(scipy.stats.spearmanr, predicted, values),
                        mean_squared_error=metrics.mean_squared_error(values, predicted))
        for name, value in expected.items():
            assert math.isclose(ours[name], value, abs_tol=1e-9), (predicted, values, name, ours, value)
    print(f"scipy: {len(cases)} cases alike")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # both warn of divisions by zero, which are wanted here
    check_entities()
    check_several()
    check_classes()
    check_numbers()
