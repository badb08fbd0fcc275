"""Pretraining BERT-mini with Bertha and with Transformers on the same batches; then fine-tuning what came out.

run.py TEXT.jsonl FOLDER [name=value ...]     (TEXT: fetch_text.py; FOLDER is used again when it is there)
  steps=4000 warmup_steps=100 global_batch=64 length=128 vocabulary=16000 learning_rate=5e-4
  threads=1 seconds=3600        what Transformers may use, and ours at most; choose the steps so that ours needs as long,
                                then its rate has come down to zero and quarter and half of it are saved steps
  cores=0,1                     one for each side, so that nothing but the other side disturbs its seconds
  attention=sdpa precision=bf16 compile=0      Transformers' variant: take the fastest here (trial=1 shows them)
  reviews=FOLDER seeds=3        fine-tuning data: train.tsv and test.tsv of launch/fetch_samples.py reviews
  device=cpu implementation=auto dropout=0.1   of both sides; of ours; of both
  differ_at_most=PERCENT        nothing but this: trains both sides and compares the loss of every step, in means of
                                ten; fails when they differ by more. Wants dropout=0, which is drawn differently

Both start from the same weights, which Transformers drew, and run at once with so many threads each, so what
disturbs one disturbs the other; seconds and processor time are both kept, as the machine may be busy. Bertha's include
its start, sampling, masking, packing, validation and saves; Transformers gets its batches ready-made, and neither its
start nor its validation counts. Prints a table, writes curves.svg and results.json.
"""
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from curves import draw

BUILD = Path(os.environ.get("BERTHA_BUILD", "build/release"))
BERTHA = os.environ.get("BERTHA_BINARY", str(BUILD / "bertha"))
WRITE_BATCHES = os.environ.get("BERTHA_WRITE_BATCHES", str(BUILD / "tests/bench/write_batches"))
DEFAULTS = dict(steps="4000", warmup_steps="100", global_batch="64", length="128", vocabulary="16000",
                learning_rate="5e-4", threads="1", seconds="3600", cores="", attention="sdpa", precision="bf16",
                compile="0", ours_precision="bf16", log_every="20", validate_every="100", reviews="", seeds="3",
                trial="0", device="cpu", implementation="auto", dropout="0.1", differ_at_most="")


def bertha(*arguments, **keywords):
    return subprocess.run([BERTHA, *map(str, arguments)], check=True, **keywords)


def make_corpus(text, folder, options):
    if not (folder / "corpus/manifest.json").exists():
        bertha("vocab", "--input.paths", text, "--vocab.size", options["vocabulary"],
               "--vocab.output", folder / "vocab.txt")
        bertha("prepare", "--input.paths", text, "--tokenizer.vocab", folder / "vocab.txt", "--prepare.output",
               folder / "corpus", "--prepare.drop_duplicates", "true", "--prepare.validation_fraction", "0.002")


def make_weights(folder, vocabulary):
    """BERT-mini as Transformers initialises it, with the corpus' tokenizer."""
    import torch
    import transformers
    torch.manual_seed(1)
    config = transformers.BertConfig(vocab_size=vocabulary, hidden_size=256, num_hidden_layers=4,
                                     num_attention_heads=4, intermediate_size=1024)
    transformers.BertForPreTraining(config).save_pretrained(folder / "start")
    transformers.AutoTokenizer.from_pretrained(folder / "corpus").save_pretrained(folder / "start")
    (folder / "start/vocab.txt").write_bytes((folder / "corpus/vocab.txt").read_bytes())


def pretrain_options(folder, options):
    return [f"--{name}={value}" for name, value in {
        "data.corpus": folder / "corpus", "data.sequence_length": options["length"],
        "train.init": folder / "start", "train.output": folder / "run", "train.steps": options["steps"],
        "train.global_batch": options["global_batch"],
        "train.micro_batch_tokens": int(options["global_batch"]) * int(options["length"]),
        "train.device": options["device"], "model.implementation": options["implementation"],
        "model.hidden_dropout": options["dropout"], "model.attention_dropout": options["dropout"],
        "train.precision": options["ours_precision"], "train.threads": options["threads"],
        "train.log_every": options["log_every"], "train.validate_every": options["validate_every"],
        "train.save_every": max(1, int(options["steps"]) // 8), "train.keep_last": 100, "optimizer.name": "adamw",
        "optimizer.learning_rate": options["learning_rate"], "optimizer.epsilon": "1e-6",
        "optimizer.weight_decay": "0.01", "optimizer.clip_norm": "1", "schedule.name": "linear",
        "schedule.warmup_steps": options["warmup_steps"], "metrics.progress": "false"}.items()]


def used(process):
    """Seconds of processor time of a process and its threads so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def on_core(options, side):
    """What starts a command on a side's own core: 0 is ours, 1 theirs."""
    return ["taskset", "-c", options["cores"].split(",")[side]] if options["cores"] else []


class Ours:
    """`bertha pretrain`, watched: its metrics lines with the seconds and processor time at which each appeared."""

    def __init__(self, folder, options):
        self.metrics, self.begin = folder / "run/metrics.jsonl", time.monotonic()
        self.process = subprocess.Popen([*on_core(options, 0), BERTHA, "pretrain", *pretrain_options(folder, options)],
                                        stderr=open(folder / "ours.log", "w"))
        self.lines, self.at, self.limit = [], 0, float(options["seconds"])

    def seconds(self):
        return time.monotonic() - self.begin

    def poll(self):
        if self.metrics.exists():
            data = self.metrics.read_text()
            cpu = used(self.process) if self.process.poll() is None else self.lines[-1]["cpu_seconds"]
            for line in data[self.at:data.rfind("\n") + 1].splitlines():
                self.lines.append(dict(json.loads(line), cpu_seconds=cpu, seconds=self.seconds()))
            self.at = data.rfind("\n") + 1
        if self.process.poll() is None and self.seconds() >= self.limit:
            self.process.terminate()  # finishes the step, saves, exits with 75
            self.process.wait()

    def curves(self):
        train = [line for line in self.lines if line["event"] == "train"]
        validation = [line for line in self.lines if line["event"] == "validation"]
        tokens = {line["step"]: line["tokens"] for line in self.lines if line["event"] == "train"}
        return ([(l["tokens"], l["seconds"], l["mlm_loss"], l["cpu_seconds"]) for l in train],
                [(tokens.get(l["step"]), l["seconds"], l["mlm_loss"], l["cpu_seconds"]) for l in validation])


def peer_request(folder, options):
    request = {name: int(options[name]) for name in ("steps", "warmup_steps", "threads", "log_every", "validate_every",
                                                     "compile")}
    request.update(init=str(folder / "start"), log=str(folder / "peer.jsonl"), attention=options["attention"],
                   device=options["device"], dropout=float(options["dropout"]), precision=options["precision"],
                   learning_rate=float(options["learning_rate"]), seconds=float(options["seconds"]),
                   options=pretrain_options(folder, options), write_batches=WRITE_BATCHES)
    return request


def start_peer(folder, request, core=(), name="request.json"):
    (folder / name).write_text(json.dumps(request))
    return subprocess.Popen([*core, sys.executable, HERE / "peer.py", folder / name],
                            stderr=open(folder / "peer.log", "w"))


def trial(folder, options):
    """Tokens a second of every variant of Transformers: 60 s each, 240 where it compiles first."""
    for precision in ("fp32", "bf16"):
        for attention, compile in (("eager", 0), ("sdpa", 0), ("sdpa", 1)):
            request = peer_request(folder, dict(options, precision=precision, attention=attention, compile=compile))
            request.update(seconds=240 if compile else 60, log=str(folder / "trial.jsonl"), log_every=1, validate_every=10**9)
            start_peer(folder, request).wait()
            lines = [json.loads(line) for line in open(folder / "trial.jsonl")]
            first, last = lines[len(lines) // 2], lines[-1]
            speed = (last["tokens"] - first["tokens"]) / max(1e-9, last["seconds"] - first["seconds"])
            print(f"{precision} {attention}{' compiled' if compile else ''}: {speed:.0f} tokens a second", flush=True)


def losses(path):
    """Of the masked words, of every step that a side logged."""
    lines = map(json.loads, path.read_text().splitlines())
    return {l["step"]: l["mlm_loss"] for l in lines if "mlm_loss" in l and l.get("event", "train") == "train"}


def compare(folder, options):
    """Ends with an error when the losses of the same steps differ by more than asked for."""
    options = dict(options, log_every="1", validate_every=options["steps"])
    with open(folder / "ours.log", "w") as log:
        ours = subprocess.Popen([BERTHA, "pretrain", *pretrain_options(folder, options)], stderr=log)
    peer = start_peer(folder, peer_request(folder, options))
    if any([ours.wait(), peer.wait()]):
        for name in ("ours.log", "peer.log"):
            print((folder / name).read_text()[-2000:])
        sys.exit(f"a side failed: {ours.returncode}, {peer.returncode}")
    ours, theirs, steps = losses(folder / "run/metrics.jsonl"), losses(folder / "peer.jsonl"), int(options["steps"])
    means = lambda side: [statistics.mean(side[step] for step in range(first, min(first + 10, steps + 1)))
                          for first in range(1, steps + 1, 10)]
    differences = [100 * abs(a / b - 1) for a, b in zip(means(ours), means(theirs))]
    print(f"Bertha and Transformers, {options['device']}, {options['ours_precision']}: {steps} steps, losses "
          f"{ours[1]:.4f} and {theirs[1]:.4f} to {ours[steps]:.4f} and {theirs[steps]:.4f}; "
          f"means of ten steps differ by at most {max(differences):.3f} %")
    if not all(difference <= float(options["differ_at_most"]) for difference in differences):
        sys.exit(f"more than {options['differ_at_most']} %")


def pretrain(folder, options):
    ours, peer = Ours(folder, options), start_peer(folder, peer_request(folder, options), on_core(options, 1))
    while ours.process.poll() is None or peer.poll() is None:
        ours.poll()
        time.sleep(0.25)
    ours.poll()
    if ours.process.returncode not in (0, 75) or peer.returncode:
        sys.exit(f"a side failed: {ours.process.returncode}, {peer.returncode}; see {folder}/*.log")
    lines = [json.loads(line) for line in open(folder / "peer.jsonl")]
    theirs = [[(l["tokens"], l["seconds"], l[loss], l["cpu_seconds"]) for l in lines if loss in l]
              for loss in ("mlm_loss", "validation_mlm_loss")]
    return ours.curves(), theirs


def finetune(folder, options):
    """Test accuracy from the start's weights and from a quarter, half and all of the pretraining."""
    saved = sorted((folder / "run/checkpoints").glob("step-*"))
    last = int(saved[-1].name[5:])
    nearest = lambda step: min(saved, key=lambda path: abs(int(path.name[5:]) - step))
    starts = {"none": folder / "start", "1/4": nearest(last / 4), "1/2": nearest(last / 2), "all": saved[-1]}
    scores = {}
    for name, start in starts.items():
        scores[name] = dict(start=start.name, accuracy=[])
        for seed in range(1, int(options["seeds"]) + 1):
            output = folder / f"tuned-{name.replace('/', '-')}-{seed}"
            if not (output / "scores.json").exists():
                bertha("finetune", "--train.init", start, "--train.output", output, "--task.train",
                       f"{options['reviews']}/train.tsv", "--task.test", f"{options['reviews']}/test.tsv",
                       "--task.epochs", 2, "--task.batch_size", 32, "--task.max_length", 128, "--train.seed", seed,
                       "--train.threads", options["threads"], "--optimizer.learning_rate", "1e-4",
                       "--metrics.progress", "false", stderr=subprocess.DEVNULL)
            scores[name]["accuracy"].append(json.loads((output / "scores.json").read_text())["test"]["accuracy"])
    return scores


def main():
    text, folder = Path(sys.argv[1]), Path(sys.argv[2])
    options = dict(DEFAULTS)
    for argument in sys.argv[3:]:
        name, _, value = argument.partition("=")
        if name not in options:
            sys.exit(f"what is {argument}?")
        options[name] = value
    os.environ["OMP_NUM_THREADS"] = options["threads"]
    folder.mkdir(parents=True, exist_ok=True)
    make_corpus(text, folder, options)
    manifest = json.loads((folder / "corpus/manifest.json").read_text())
    if not (folder / "start/config.json").exists():
        make_weights(folder, manifest["vocab_size"])
    if options["trial"] == "1":
        return trial(folder, options)
    if options["differ_at_most"]:
        return compare(folder, options)
    if not (folder / "results.json").exists():
        ours, theirs = pretrain(folder, options)
        (folder / "results.json").write_text(json.dumps(dict(options=options, ours=ours, theirs=theirs)))
    results = json.loads((folder / "results.json").read_text())
    ours, theirs = results["ours"], results["theirs"]
    sides = {"Bertha": ours, "Transformers": theirs}
    against = lambda axis, scale: {name: [[(p[axis] * scale, p[2]) for p in line] for line in side]
                                   for name, side in sides.items()}
    draw(folder / "curves.svg", [("masked-word loss (nats) against tokens", "million tokens", against(0, 1e-6)),
                                 ("against time", "minutes, one core each", against(1, 1 / 60))],
         {"Bertha": "", "Transformers": " (dashed: validation)"})
    for name, (train, validation) in sides.items():
        tokens, seconds, loss, cpu = train[-1]
        print(f"{name}: {tokens / 1e6:.2f} M tokens in {seconds:.0f} s ({tokens / seconds:.0f} tokens/s; {cpu:.0f} s of processor time), "
              f"training loss {loss:.3f}, validation loss {validation[-1][2]:.3f}")
    if options["reviews"]:
        for name, row in finetune(folder, options).items():
            print(f"fine-tuned after {name} of the pretraining ({row['start']}): accuracy "
                  f"{statistics.mean(row['accuracy']):.4f} ± {statistics.stdev(row['accuracy']):.4f}")


if __name__ == "__main__":
    main()
