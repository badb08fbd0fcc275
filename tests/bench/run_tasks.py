"""Fine-tuning, prediction and start-up beside Transformers, taking turns on this machine; prints a table.

run_tasks.py [rounds=2 batches=6 texts=48 size=base threads=2 precision=bf16 cases=finetune,predict,start
              order=file folder=FOLDER]
finetune  `batches` batches of 32 texts of 5 to 60 tokens; median of the steps after the first
predict   `texts` texts of 16 to 512 tokens, read, encoded and predicted. Ours: what the program says of a
          run over all, less a run over the first 16; theirs: batches of 16, of which the first does not count;
          order=length sorts their texts, so that they pad less
start     a program that does nothing; from start to the end of the first step of fine-tuning mini, and of
          pretraining it with 32 sequences of 128 tokens, for which their batch is ready-made
Of Transformers (peer_tasks.py, peer_step.py) the faster of eager attention and SDPA counts. Weights are random. Texts are
made of whole words, so that their lengths in tokens are known, and both sides must have seen as many: real tokens,
padding does not count. Memory is the peak of whole processes, checkpoints included. FOLDER keeps models and texts.
Wants BERTHA_BINARY, BERTHA_PEER_PYTHON and BERTHA_SAMPLES (launch/fetch_samples.py minilm). Results: tests/bench/results.
"""
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from made_up_texts import lengths_of, texts_of
from measured import measured

HERE = Path(__file__).resolve().parent
BERTHA = os.environ.get("BERTHA_BINARY", str(HERE.parents[1] / "build/release/bertha"))
PYTHON = os.environ.get("BERTHA_PEER_PYTHON", os.path.expanduser("~/.cache/bertha/python/bin/python"))
SAMPLES = Path(os.environ.get("BERTHA_SAMPLES", os.path.expanduser("~/.cache/bertha/downloads")))
VOCABULARY = SAMPLES / "minilm/vocab.txt"
SIDES = ("Bertha", "eager", "sdpa")
BATCH = dict(finetune=32, predict=16)
# Ratios that this project wants: floor / target / stretch.
TARGETS = {"fine-tuning base bf16, tokens/s": "1.4 / 1.7 / 1.9", "predict base bf16, tokens/s": "2.2 / 2.6 / 2.9"}


class Inputs:
    """Models, texts and a corpus, written once."""

    def __init__(self, folder, size, batches, texts):
        self.folder, self.size = Path(folder), size
        self.tuning = lengths_of(BATCH["finetune"] * batches, 5, 60)
        self.predicting = lengths_of(texts, 16, 512)
        for size in {"mini", size}:
            if not self.path(size).exists():
                measured([PYTHON, HERE / "peer_tasks.py", "make", self.path(size), VOCABULARY, size])
        for name, lengths in (("train.tsv", self.tuning), ("few.tsv", [5, 6, 7, 8])):
            rows = [f"{text}\t{row % 2}\n" for row, text in enumerate(texts_of(VOCABULARY, lengths))]
            self.path(name).write_text("text\tlabel\n" + "".join(rows))
        for name, lengths in (("all.txt", self.predicting), ("first.txt", self.predicting[:BATCH["predict"]])):
            self.path(name).write_text("".join(f"{text}\n" for text in texts_of(VOCABULARY, lengths)))
        sentences = texts_of(VOCABULARY, lengths_of(4000, 8, 40))
        documents = [". ".join(sentences[i:i + 40]) + "." for i in range(0, len(sentences), 40)]
        self.path("text.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
        shutil.rmtree(self.path("corpus"), ignore_errors=True)
        measured([BERTHA, "prepare", "--input.paths", self.path("text.jsonl"), "--tokenizer.vocab", VOCABULARY,
                  "--prepare.output", self.path("corpus"), "--metrics.progress", "false"])

    def path(self, name):
        return self.folder / name


class Bench:
    def __init__(self, inputs, threads, precision, order):
        self.inputs, self.threads, self.precision, self.order = inputs, threads, precision, order
        self.what, self.runs = f"{inputs.size} {precision}", []

    def add(self, case, who, run, **more):
        entry = dict(case=case, who=who, **more, **{name: run[name] for name in ("memory_mb", "load", "others")})
        print(json.dumps(entry), file=sys.stderr, flush=True)
        self.runs.append(entry)

    def expect(self, who, tokens, lengths):
        if tokens != sum(lengths):
            sys.exit(f"{who} saw {tokens} tokens instead of {sum(lengths)}")

    def bertha(self, command, **options):
        options |= {"train.threads": self.threads, "train.precision": self.precision, "metrics.progress": "false"}
        return measured([BERTHA, command, *(word for name, value in options.items() for word in ("--" + name, value))])

    def trained(self, command, **options):
        """A training run, and its `train` lines."""
        output = self.inputs.path("run")
        shutil.rmtree(output, ignore_errors=True)
        run = self.bertha(command, **options, **{"train.output": output, "train.log_every": 1,
                                                 "metrics.tensorboard": "false"})
        events = map(json.loads, (output / "metrics.jsonl").read_text().splitlines())
        return run, [event for event in events if event["event"] == "train"]

    def tuned(self, size):
        return self.trained("finetune", **{
            "train.init": self.inputs.path(size), "task.train": self.inputs.path("train.tsv"),
            "task.validation": self.inputs.path("few.tsv"), "task.test": self.inputs.path("few.tsv"),
            "task.epochs": 1, "task.batch_size": BATCH["finetune"]})

    def predicted(self, **options):
        run = self.bertha("predict", **options)
        tokens, seconds = re.search(r"(\d+) tokens read, encoded and predicted in ([0-9.]+) s", run["errors"]).groups()
        return run, int(tokens), float(seconds)

    def peer(self, task, size, file, who):
        run = measured([PYTHON, HERE / "peer_tasks.py", task, self.inputs.path(size), self.inputs.path(file),
                        f"attention={who}", f"batch={BATCH[task]}", "max_length=512", f"precision={self.precision}",
                        f"threads={self.threads}", f"order={self.order}"])
        return run, json.loads(run["output"].strip().splitlines()[-1])

    def finetune(self, who):
        if who == "Bertha":
            run, steps = self.tuned(self.inputs.size)
            speeds = [step["tokens_per_second"] for step in steps]
            tokens = sum(BATCH["finetune"] * step["tokens_per_second"] / step["sequences_per_second"] for step in steps)
        else:
            run, peer = self.peer("finetune", self.inputs.size, "train.tsv", who)
            speeds = [count / seconds for count, seconds in zip(peer["tokens"], peer["seconds"])]
            tokens = sum(peer["tokens"])
        self.expect(who, round(tokens), self.inputs.tuning)
        self.add(f"fine-tuning {self.what}, tokens/s", who, run, values=speeds[1:])

    def predict(self, who):
        lengths = self.inputs.predicting
        if who == "Bertha":
            options = {"train.init": self.inputs.path(self.inputs.size), "task.max_length": 512,
                       "task.output_file": self.inputs.path("predicted.jsonl")}
            (_, few, few_seconds), (run, tokens, seconds) = (
                self.predicted(**options, **{"task.input": self.inputs.path(file)}) for file in ("first.txt", "all.txt"))
            speed = (tokens - few) / (seconds - few_seconds)
        else:
            run, peer = self.peer("predict", self.inputs.size, "all.txt", who)
            tokens = sum(peer["tokens"])
            speed = sum(peer["tokens"][1:]) / sum(peer["seconds"][1:])
        self.expect(who, tokens, lengths)
        sorted_too = ", theirs sorted by length" if self.order == "length" else ""
        self.add(f"predict {self.what}{sorted_too}, tokens/s", who, run, values=[speed])

    def start(self, who):
        if who == "Bertha":
            nothing = measured([BERTHA, "--version"])
            tuning, steps = self.tuned("mini")
            tuned = steps[0]["time"]
            pretraining, steps = self.trained("pretrain", **{
                "model.size": "mini", "data.corpus": self.inputs.path("corpus"), "data.sequence_length": 128,
                "train.global_batch": 32, "train.steps": 1, "train.validation_batches": 1})
            pretrained = steps[0]["time"]
        else:
            nothing = measured([PYTHON, "-c", "import torch, transformers"])
            tuning, peer = self.peer("finetune", "mini", "train.tsv", who)
            tuned = peer["done"][0]
            pretraining = measured([PYTHON, HERE / "peer_step.py", "size=mini", "batch=32", "length=128", "steps=1",
                                    "warmup=0", f"attention={who}", f"precision={self.precision}",
                                    f"threads={self.threads}"])
            pretrained = pretraining["begin"] + pretraining["seconds"]
        self.add("`--version`, `import torch, transformers`, s", who, nothing, values=[nothing["seconds"]])
        self.add("fine-tuning mini, to the end of step 1, s", who, tuning, values=[tuned - tuning["begin"]])
        self.add("pretraining mini, to the end of step 1, s", who, pretraining, values=[pretrained - pretraining["begin"]])


def row(case, runs):
    """Medians; of Transformers the better one counts."""
    sides = {who: [run for run in runs if run["who"] == who] for who in SIDES}
    middle = {who: median(value for run in of_side for value in run["values"]) for who, of_side in sides.items()}
    seconds = case.endswith(", s")
    peer = (min if seconds else max)(SIDES[1:], key=middle.get)
    ratio = middle[peer] / middle["Bertha"] if seconds else middle["Bertha"] / middle[peer]
    values = [format(middle[who], ".2f" if seconds else ",.0f") for who in ("Bertha", peer)]
    memory = [max(run["memory_mb"] for run in sides[who]) for who in ("Bertha", peer)]
    load, others = max(run["load"] for run in runs), median(run["others"] for run in runs)
    return (f"| {case} | {values[0]} | {values[1]} ({peer}) | {ratio:.2f} | {TARGETS.get(case, '')} "
            f"| {memory[0]:,.0f}, {memory[1]:,.0f}, {memory[0] / memory[1]:.2f} | {load:.1f} | {others:.0%} |")


def main():
    options = dict(rounds="2", batches="6", texts="48", size="base", threads="2", precision="bf16",
                   cases="finetune,predict,start", order="file", folder="")
    for argument in sys.argv[1:]:
        name, equals, value = argument.partition("=")
        if name not in options or not equals:
            sys.exit(__doc__)
        options[name] = value
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS=options["threads"])
    # Whoever takes only openib away asks for transports that Debian leaves out: a second more at every end.
    os.environ.pop("OMPI_MCA_btl", None)
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Inputs(options["folder"] or scratch, options["size"], int(options["batches"]), int(options["texts"]))
        bench = Bench(inputs, options["threads"], options["precision"], options["order"])
        for _ in range(int(options["rounds"])):
            for case in options["cases"].split(","):
                for who in SIDES:
                    dict(finetune=bench.finetune, predict=bench.predict, start=bench.start)[case](who)
        shutil.rmtree(inputs.path("run"), ignore_errors=True)
    print("| what | Bertha | Transformers (the best) | ratio | floor / target / stretch "
          "| peak memory MB: ours, theirs, share | load at most | taken by others |\n|---|---|---|---|---|---|---|---|")
    for case in dict.fromkeys(run["case"] for run in bench.runs):
        print(row(case, [run for run in bench.runs if run["case"] == case]))


if __name__ == "__main__":
    main()
