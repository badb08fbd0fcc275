"""Learning rates of every update beside the schedulers of Transformers and of NVIDIA's BERT; balanced class weights and
the loss they give beside scikit-learn's and torch's.

Our update n, counted from 1, has the rate that a scheduler gives after n of its steps: Transformers' and torch's own loops
make their first update with the rate of step 0, which is nothing where there is a warm-up, and so stay one update behind.
"""
import itertools
import json
import os
import subprocess
import sys

try:
    import numpy as np
    import torch
    import transformers
    from sklearn.utils.class_weight import compute_class_weight
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = f"{os.environ['BERTHA_BUILD']}/tests/schedule_probe"
PEAK = 6e-3
# (all updates, those of warm-up): NVIDIA's phase 1 and 2, short ones, none, all but one.
SPANS = [(7038, 2000), (1563, 200), (200, 20), (50, 0), (7, 6)]


def ask(requests):
    done = subprocess.run([PROBE], input="".join(json.dumps(request) + "\n" for request in requests), capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def theirs(name, total, warmup, power, end_rate):
    """Transformers' rates after 1, 2 ... steps of its scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    make = dict(
        linear=lambda: transformers.get_linear_schedule_with_warmup(optimizer, warmup, total),
        polynomial=lambda: transformers.get_polynomial_decay_schedule_with_warmup(
            optimizer, warmup, total, lr_end=end_rate, power=power),
        cosine=lambda: transformers.get_cosine_schedule_with_warmup(optimizer, warmup, total),
        constant=lambda: transformers.get_constant_schedule_with_warmup(optimizer, warmup))[name]
    scheduler, rates = make(), []
    for _ in range(total + 3):  # beyond the end, too
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    if name == "cosine":
        rates[total:] = [0.0] * 3  # there it rises again; ours has ended
    return np.array(rates)


def nvidia(total, warmup, power):
    """The formula of NVIDIA's PolyWarmUpScheduler (DeepLearningExamples), whose updates are counted from 1, too: the decay
    counts from the start of the run, so that the rate falls at once when warm-up ends."""
    progress = np.arange(1, total + 1) / total
    share = warmup / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(progress < share, PEAK * progress / share, PEAK * (1 - progress) ** power)


def request(name, total, warmup, power=1.0, end_rate=0.0, decay_from="warmup", updates=None):
    return dict(name=name, total_steps=total, warmup_steps=warmup, power=power, end_rate=end_rate, peak=PEAK,
                decay_from=decay_from, updates=updates or total + 3)


def check_transformers():
    shapes = [("linear", 1.0, 0.0), ("cosine", 1.0, 0.0), ("constant", 1.0, 0.0), ("polynomial", 0.5, 0.0), ("polynomial", 1.0, 0.0),
              ("polynomial", 0.5, 1e-5), ("polynomial", 1.0, 1e-4), ("polynomial", 2.0, 1e-7)]
    cases = [(name, total, warmup, power, end) for (name, power, end), (total, warmup) in itertools.product(shapes, SPANS)]
    worst = 0.0
    for case, ours in zip(cases, ask([request(*case) for case in cases]), strict=True):
        expected = theirs(*case)
        apart = np.abs(np.array(ours) - expected).max() / PEAK
        assert len(ours) == len(expected) and apart < 1e-12, (case, apart)
        worst = max(worst, apart)
        # One update behind is what it would be without the step ahead.
        assert case[0] == "constant" or np.abs(np.array(ours)[:-1] - expected[1:]).max() > 1e-6 * PEAK
    print(f"{len(cases)} schedules: every rate within {worst:.1e} of the peak of Transformers', taken one step ahead")


def check_nvidia():
    cases = [(total, warmup, power) for (total, warmup), power in itertools.product(SPANS, (0.5, 1.0))]
    requests = [request("polynomial", *case, decay_from="start", updates=case[0]) for case in cases]
    for (total, warmup, power), ours in zip(cases, ask(requests), strict=True):
        expected, ours = nvidia(total, warmup, power), np.array(ours)
        # The update that ends warm-up has the peak with us; there it is the first that falls.
        if warmup:
            assert abs(ours[warmup - 1] / PEAK - 1) < 1e-12
            ours[warmup - 1] = expected[warmup - 1]
        apart = np.abs(ours - expected).max() / PEAK
        assert apart < 1e-12, (total, warmup, power, apart)
    plain = np.array(ask([request("polynomial", 7038, 2000, 0.5, updates=7038)])[0])
    ratio = plain.sum() / nvidia(7038, 2000, 0.5).sum()
    assert plain[2000] > 0.999 * PEAK and nvidia(7038, 2000, 0.5)[2000] < 0.85 * PEAK and ratio > 1.1
    print(f"{len(cases)} polynomials from the start of the run: NVIDIA's; decay from the end of warm-up, as Transformers has it, "
          f"sums up to {ratio:.2f} times as much in phase 1")


def names_of(classes):
    return [f"label {number}" for number in range(classes)]


def settings(random, balanced):
    """(task.class_weights, weights): balanced, in order, and some of them by name."""
    given = random.uniform(0.1, 5, balanced.size)
    yield "balanced", balanced
    yield ",".join(map(repr, given.tolist())), given
    chosen = random.random(balanced.size) < 0.7
    chosen[0] = True
    names = [f"{name}:{weight!r}" for name, weight, one in zip(names_of(balanced.size), given.tolist(), chosen) if one]
    yield ",".join(random.permutation(names)), np.where(chosen, given, 1)


def compare_weighted(ours, weights, logits, mean):
    """mean: torch's loss of logits."""
    assert np.allclose(ours["weights"], weights, rtol=1e-14), (ours["weights"], weights)
    logits = torch.tensor(logits, dtype=torch.float32, requires_grad=True)
    loss = mean(logits)
    loss.backward()
    assert abs(ours["loss"] - loss.item()) <= 1e-6 * loss.item(), (ours["loss"], loss.item())
    apart = (torch.tensor(ours["gradient"]).view_as(logits) - logits.grad).norm() / logits.grad.norm()
    assert apart <= 1e-6, float(apart)


def check_class_weights():
    random = np.random.default_rng(3)
    cases = []
    for classes, rows, unlabelled in ((2, 10, 0), (3, 200, 0), (7, 500, 0.3), (2, 1000, 0), (5, 5, 0)):
        share = random.dirichlet(np.full(classes, 0.7))
        labels = np.concatenate([np.arange(classes), random.choice(classes, max(0, rows - classes), p=share)])
        labels[classes:][random.random(labels.size - classes) < unlabelled] = -1
        known = labels[labels >= 0]
        balanced = compute_class_weight("balanced", classes=np.unique(known), y=known)
        cases += [(setting, weights, labels, random.standard_normal((labels.size, classes)))
                  for setting, weights in settings(random, balanced)]
    answers = ask([dict(names=names_of(weights.size), setting=setting, labels=labels.tolist(), logits=logits.ravel().tolist())
                   for setting, weights, labels, logits in cases])
    for (setting, weights, labels, logits), ours in zip(cases, answers, strict=True):
        weighted = torch.nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float32), ignore_index=-1)
        compare_weighted(ours, weights, logits, lambda values: weighted(values, torch.tensor(labels)))
        plain = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels), ignore_index=-1)
        assert labels.size == 5 or abs(plain.item() - ours["loss"]) > 1e-4, "the weights change nothing"
    print(f"{len(cases)} sets of labels: scikit-learn's balanced weights and given ones, torch's weighted loss and gradient")


def check_positive_weights():
    """pos_weight, and balanced: negatives over positives, 1 where there are none of either."""
    random = np.random.default_rng(4)
    cases = []
    for labels, rows in ((1, 9), (3, 40), (6, 300), (4, 1), (5, 3)):
        flags = (random.random((rows, labels)) < random.uniform(0.05, 0.9, labels)).astype(int)
        positives = flags.sum(0)
        mixed = (positives > 0) & (positives < rows)
        balanced = np.where(mixed, (rows - positives) / np.maximum(positives, 1), 1)
        cases += [(setting, weights, flags, random.standard_normal((rows, labels)))
                  for setting, weights in settings(random, balanced)]
    answers = ask([dict(names=names_of(weights.size), setting=setting, flags=flags.tolist(), logits=logits.ravel().tolist())
                   for setting, weights, flags, logits in cases])
    changed = 0
    for (setting, weights, flags, logits), ours in zip(cases, answers, strict=True):
        weighted = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weights, dtype=torch.float32))
        target = torch.tensor(flags, dtype=torch.float32)
        compare_weighted(ours, weights, logits, lambda values: weighted(values, target))
        plain = torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor(logits, dtype=torch.float32), target)
        changed += abs(plain.item() - ours["loss"]) > 1e-4
    assert changed >= len(cases) - 3, "the weights change nothing"
    print(f"{len(cases)} sets of several labels: torch's BCEWithLogitsLoss with pos_weight, and its gradient")


def main():
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    check_transformers()
    check_nvidia()
    check_class_weights()
    check_positive_weights()


if __name__ == "__main__":
    main()
