"""Fine-tuning beside the Transformers Trainer, taking turns on this machine; prints a table.

run_finetune.py MODEL REVIEWS WNUT [seeds=5] [threads=2] [reviews_rows=256] [wnut_rows=500]
MODEL: a Transformers folder (all-MiniLM-L6-v2); REVIEWS: train.tsv and test.tsv (launch/fetch_samples.py
reviews); WNUT: train.conll, dev.conll and test.conll of WNUT-17. Same rows, weights, hyper-parameters;
AdamW, linear schedule with warm-up, fp32, dropout on, best epoch by validation, one test at the end.
Small parts of the data, so that it should end in about a quarter of an hour on two idle cores. Seconds are those
of whole processes, CPU seconds their user and system time: a busy machine stretches the first most. Needs accelerate
beside the peers. Results: tests/bench/results.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BERTHA = os.environ.get("BERTHA_BINARY", "build/release/bertha")
PYTHON = os.environ.get("BERTHA_PEER_PYTHON", sys.executable)
PEER = str(Path(__file__).with_name("peer_trainer.py"))


def cut_table(source, target, begin, end):
    with open(source, encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    target.write_text(lines[0] + "".join(lines[1:][begin:end]), encoding="utf-8")
    return str(target)


def cut_conll(source, target, count):
    blocks = [block for block in Path(source).read_text(encoding="utf-8").split("\n\n") if block.strip()]
    target.write_text("\n\n".join(block.strip("\n") for block in blocks[:count]) + "\n", encoding="utf-8")
    return str(target)


def cases(folder, reviews, wnut, options):
    rows, sentences = int(options["reviews_rows"]), int(options["wnut_rows"])
    common = dict(batch_size=32, weight_decay=0.01, epsilon=1e-8)
    yield dict(common, label=f"small_fine_foods, {rows} texts", task="classification", metric="accuracy",
               max_length=48, epochs=3, learning_rate=2e-4, rows=rows,
               train=cut_table(f"{reviews}/train.tsv", folder / "train.tsv", 0, rows),
               validation=cut_table(f"{reviews}/train.tsv", folder / "validation.tsv", rows, rows + 100),
               test=cut_table(f"{reviews}/test.tsv", folder / "test.tsv", 0, 400))
    yield dict(common, label=f"WNUT-17, {sentences} sentences", task="token_classification", metric="f1",
               max_length=128, epochs=3, learning_rate=5e-4, rows=sentences,
               train=cut_conll(f"{wnut}/train.conll", folder / "train.conll", sentences),
               validation=cut_conll(f"{wnut}/dev.conll", folder / "validation.conll", 150),
               test=cut_conll(f"{wnut}/test.conll", folder / "test.conll", 500))


def measured(command):
    """Output, seconds and CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(case, folder, threads):
    output = folder / "tuned"
    subprocess.run(["rm", "-rf", str(output)], check=True)
    command = [BERTHA, "finetune", "--train.init", case["model"], "--train.output", str(output)]
    options = {"task.name": case["task"], "task.train": case["train"], "task.validation": case["validation"],
               "task.test": case["test"], "task.max_length": case["max_length"], "task.epochs": case["epochs"],
               "task.batch_size": case["batch_size"], "task.metric": case["metric"], "train.seed": case["seed"],
               "train.precision": "fp32", "train.threads": threads, "optimizer.name": "adamw",
               "optimizer.learning_rate": case["learning_rate"], "optimizer.epsilon": case["epsilon"],
               "optimizer.weight_decay": case["weight_decay"], "optimizer.clip_norm": 1,
               "schedule.name": "linear", "schedule.warmup_steps": case["warmup"], "metrics.progress": "false",
               "metrics.tensorboard": "false"}
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    _, seconds, cpu = measured(command)
    return json.loads((output / "scores.json").read_text())["test"][case["metric"]], seconds, cpu


def theirs(case, folder, threads):
    request = folder / "request.json"
    request.write_text(json.dumps(dict(case, threads=threads)))
    output, seconds, cpu = measured([PYTHON, PEER, str(request)])
    return json.loads(output.strip().splitlines()[-1])["score"], seconds, cpu


def main():
    model, reviews, wnut = sys.argv[1:4]
    options = dict(seeds="5", threads="2", reviews_rows="256", wnut_rows="500")
    options.update(argument.split("=", 1) for argument in sys.argv[4:])
    threads = int(options["threads"])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    lines = ["| data | score | Bertha | Trainer | seconds a run: ours, theirs | CPU seconds: ours, theirs, ratio |",
             "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in cases(folder, reviews, wnut, options):
            steps = -(-case["rows"] // case["batch_size"]) * case["epochs"]
            runs = {"ours": [], "theirs": []}
            for seed in range(1, int(options["seeds"]) + 1):
                whole = dict(case, model=model, seed=seed, warmup=round(0.1 * steps))
                for who, run in (("ours", ours), ("theirs", theirs)):
                    runs[who].append(run(whole, folder, threads))
                    print(f"{case['label']}, seed {seed}, {who}: score, seconds, CPU seconds "
                          f"{' '.join(f'{value:.4f}' for value in runs[who][-1])}", file=sys.stderr, flush=True)
            text = {who: f"{statistics.mean(r[0] for r in of):.4f} ± {statistics.stdev([r[0] for r in of]):.4f}"
                    for who, of in runs.items()}
            wall = {who: statistics.median(r[1] for r in of) for who, of in runs.items()}
            cpu = {who: statistics.median(r[2] for r in of) for who, of in runs.items()}
            lines.append(f"| {case['label']} × {case['epochs']} epochs | {case['metric']} | {text['ours']} | {text['theirs']} "
                         f"| {wall['ours']:.1f}, {wall['theirs']:.1f} "
                         f"| {cpu['ours']:.1f}, {cpu['theirs']:.1f}, {cpu['theirs'] / cpu['ours']:.2f} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
