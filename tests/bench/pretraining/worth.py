"""What pretraining is worth: models fine-tuned from several starts, every row of a labelled table tested once.

worth.py run RESULTS.jsonl TABLE.tsv NAME=MODEL... [--folds 5] [--rates 1e-4,3e-4] [--epochs 4] [--threads 1]
worth.py table RESULTS.jsonl
Five-fold cross-validation: of each fold's other rows a tenth (at most 400) chooses the epoch and the learning rate, the
rest trains; so the test has as many rows as the table, and no choice has seen them. A run that RESULTS has is not
repeated. Batches of 32, at most 128 tokens, bf16, everything else as `bertha finetune` has it.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BERTHA = os.environ.get("BERTHA_BINARY", "build/release/bertha")


def parts(path, folds):
    """Header, and of every fold its (train, validation, test) lines."""
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(rows)
    for fold in range(folds):
        test = rows[fold::folds]
        others = [row for index, row in enumerate(rows) if index % folds != fold]
        held = min(400, len(others) // 10)
        yield header, dict(train=others[held:], validation=others[:held], test=test)


def finetune(files, model, fold, rate, options, folder):
    output = folder / "tuned"
    subprocess.run([BERTHA, "finetune", "--train.init", model, "--train.output", output,
                    *(text for split, file in files.items() for text in (f"--task.{split}", file)),
                    "--task.epochs", options.epochs, "--task.batch_size", "32", "--task.max_length", "128",
                    "--task.metric", "accuracy", "--train.seed", str(fold + 1), "--train.precision", "bf16",
                    "--train.threads", options.threads, "--optimizer.learning_rate", rate,
                    "--metrics.progress", "false"], check=True, stderr=subprocess.DEVNULL)
    scores = json.loads((output / "scores.json").read_text())
    subprocess.run(["rm", "-rf", output], check=True)
    return dict(validation=max(epoch["accuracy"] for epoch in scores["validation"]), test=scores["test"]["accuracy"])


def read(results):
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def run(options):
    table = Path(options.table)
    there = {(line["table"], line["start"], line["fold"], line["rate"]) for line in read(options.results)}
    with tempfile.TemporaryDirectory() as name:
        for fold, (header, splits) in enumerate(parts(table, options.folds)):
            files = {}
            for split, rows in splits.items():
                files[split] = Path(name) / f"{split}.tsv"
                files[split].write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
            for start, _, model in (text.partition("=") for text in options.models):
                for rate in options.rates.split(","):
                    if (table.name, start, fold, rate) in there:
                        continue
                    scores = finetune(files, model, fold, rate, options, Path(name))
                    line = dict(table=table.name, start=start, model=Path(model).name, fold=fold, rate=rate,
                                rows=len(splits["test"]), **scores)
                    print(json.dumps(line), flush=True)
                    with open(options.results, "a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")


def table(options):
    """A line a start: accuracy over all rows, its standard error, and that of the step from the line above."""
    lines = read(options.results)
    print("| data | start | accuracy by fold, % | all rows, % | standard error | more than the line above, % "
          "| chosen rates |\n|---|---|---|---|---|---|---|")
    for data in dict.fromkeys(line["table"] for line in lines):
        before = None
        for start in dict.fromkeys(line["start"] for line in lines if line["table"] == data):
            runs = [line for line in lines if (line["table"], line["start"]) == (data, start)]
            best = {}
            for line in sorted(runs, key=lambda line: line["validation"]):  # the last of a fold is its best
                best[line["fold"]] = line
            chosen = [best[fold] for fold in sorted(best)]
            rows = sum(line["rows"] for line in chosen)
            mean = sum(line["test"] * line["rows"] for line in chosen) / rows
            error = (mean * (1 - mean) / rows) ** 0.5
            folds = [100 * line["test"] for line in chosen]
            step = ""
            if before and len(before) == len(folds) > 1:
                steps = [b - a for a, b in zip(before, folds)]
                step = f"{statistics.mean(steps):+.1f} ± {statistics.stdev(steps) / len(steps) ** 0.5:.1f}"
            print(f"| {data}, {rows} rows | {start} | {', '.join(f'{fold:.1f}' for fold in folds)} | {100 * mean:.1f} "
                  f"| {100 * error:.1f} | {step} | {', '.join(line['rate'] for line in chosen)} |")
            before = folds


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("action", choices=("run", "table"))
    parser.add_argument("results", type=Path)
    parser.add_argument("table", nargs="?")
    parser.add_argument("models", nargs="*")
    for name, default in (("folds", 5), ("rates", "1e-4,3e-4"), ("epochs", "4"), ("threads", "1")):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = options.threads
    (run if options.action == "run" else table)(options)


if __name__ == "__main__":
    main()
