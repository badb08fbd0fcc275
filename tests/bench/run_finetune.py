"""Fine-tuning beside the Transformers Trainer on this machine, one run after the other.

run_finetune.py run RESULTS.jsonl CASE MODEL DATA [seeds=1,2,3,4,5] [threads=2] [rows=...] [who=ours,theirs] [order=ours]
                              [schedule=ours] [head=same]
                              appends a line a run, with how it was run; what RESULTS.jsonl has already is not run again,
                              nor mixed with runs of another order, schedule or head
run_finetune.py table RESULTS.jsonl
CASE: reviews (DATA: train.tsv and test.tsv of launch/fetch_samples.py reviews), wnut (train.conll, dev.conll
and test.conll of WNUT-17) or squad (train.json and dev.json); see finetune_cases.py. MODEL: a Transformers
folder (all-MiniLM-L6-v2). The same rows, weights and hyper-parameters: AdamW, decay on all but biases and
LayerNorm, linear schedule with warm-up, clipping at 1, fp32, dropout on, the best epoch by validation, one test
at the end. Seconds are those of whole processes, CPU seconds their user and system time: a busy machine
stretches the first most. The order of the rows decides more than anything else that a seed draws: with
order=ours (the default) the Trainer takes them in our order, with order=theirs each side shuffles for itself.
schedule=ours: its update n has the rate that our update n has; theirs: that of our update n - 1, as it likes it.
With order=theirs take seeds apart (seeds=10,20,...): the Trainer orders epoch e of seed s as epoch 0 of seed s + e.
head=same: both begin with the output layer that Transformers draws; own: each draws its own, ours from a normal
distribution cut at two deviations, theirs from one that is not cut, both with a deviation of 0.02.
Needs accelerate beside the peers. Results: tests/bench/results.
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

import finetune_cases

BERTHA = os.environ.get("BERTHA_BINARY", "build/release/bertha")
PYTHON = os.environ.get("BERTHA_PEER_PYTHON", sys.executable)
HOW = dict(order="ours", schedule="ours", head="same")
PEER = str(Path(__file__).with_name("peer_trainer.py"))


def measured(command):
    """Standard output, seconds and CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, dict(seconds=seconds, cpu_seconds=cpu)


def ours(case, folder):
    output = Path(folder) / "tuned"
    options = {"train.init": case["model"], "train.output": output, "task.name": case["task"],
               "task.train": case["train"], "task.validation": case["validation"], "task.test": case["test"],
               "task.max_length": case["max_length"], "task.epochs": case["epochs"],
               "task.batch_size": case["batch_size"], "task.metric": case["metric"], "train.seed": case["seed"],
               "train.precision": "fp32", "train.threads": case["threads"], "optimizer.name": "adamw",
               "optimizer.learning_rate": case["learning_rate"], "optimizer.epsilon": case["epsilon"],
               "optimizer.weight_decay": case["weight_decay"], "optimizer.clip_norm": 1, "schedule.name": "linear",
               "schedule.warmup_fraction": case["warmup_fraction"], "metrics.progress": "false",
               "metrics.tensorboard": "false"}
    if case["task"] == "question_answering":
        options |= {"task.max_query_length": case["max_query_length"], "task.document_stride": case["stride"]}
    subprocess.run(["rm", "-rf", str(output)], check=True)
    _, run = measured([BERTHA, "finetune", *(text for name, value in options.items()
                                             for text in (f"--{name}", str(value)))])
    scores = json.loads((output / "scores.json").read_text())
    with open(output / "metrics.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    steps = next(event["total_steps"] for event in events if event["event"] == "start")
    return dict(run, score=scores["test"][case["metric"]], steps=steps,
                validations=[epoch[case["metric"]] for epoch in scores["validation"]],
                losses=[epoch["loss"] for epoch in scores["validation"]])


def theirs(case, folder):
    request = Path(folder) / "request.json"
    request.write_text(json.dumps(case))
    output, run = measured([PYTHON, PEER, str(request)])
    return dict(run, **json.loads(output.strip().splitlines()[-1]))


def with_output_layer(case, folder):
    """MODEL with the task's output layer as Transformers draws it with the seed."""
    start, request = Path(folder) / f"start-{case['seed']}", Path(folder) / "request.json"
    if not start.exists():
        request.write_text(json.dumps(case))
        measured([PYTHON, PEER, str(request), str(start)])
    return str(start)


def read_results(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def how_of(result):
    """Order, schedule and head; lines written before 28 November 2026 say neither."""
    return tuple(result.get(name, "not said") for name in HOW)


def run(results, name, model, data, *rest):
    options = dict(seeds="1,2,3,4,5", threads="2", rows="0", who="ours,theirs", **HOW)
    options.update(argument.split("=", 1) for argument in rest)
    how = {name: options[name] for name in HOW}
    threads = int(options["threads"])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with tempfile.TemporaryDirectory() as folder:
        case = finetune_cases.make_case(name, data, folder, int(options["rows"]))
        there = {(r["label"], r["threads"], r["seed"], r["who"], *how_of(r)) for r in read_results(results)}
        for seed in map(int, options["seeds"].split(",")):
            for who in options["who"].split(","):
                if (case["label"], threads, seed, who, *how_of(how)) in there:
                    continue
                whole = dict(case, model=model, seed=seed, threads=threads, order=how["order"], schedule=how["schedule"])
                if how["head"] == "same":
                    whole["model"] = with_output_layer(whole, folder)
                done = dict(dict(ours=ours, theirs=theirs)[who](whole, folder), who=who, seed=seed, threads=threads,
                            **how, **{key: case[key] for key in ("label", "metric", "epochs")})
                print(json.dumps(done), flush=True)
                with open(results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(done) + "\n")


def table(results):
    print("| data | order, schedule, head | score | Bertha, mean ± deviation | Trainer | runs | seconds: ours, theirs, ratio "
          "| CPU seconds: ours, theirs, theirs without start and test, ratios |\n|---|---|---|---|---|---|---|---|")
    cases = {}
    for result in read_results(results):
        key = result["label"], result["threads"], how_of(result)
        cases.setdefault(key, dict(ours=[], theirs=[]))[result["who"]].append(result)
    for (label, threads, how), runs in cases.items():
        if not (runs["ours"] and runs["theirs"]):
            continue  # nothing to compare yet

        def column(who, name):
            return [result[name] for result in runs[who]]

        def scores(who):
            values = column(who, "score")
            if len(values) < 2:
                return ", ".join(f"{value:.4f} (one run)" for value in values)
            return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"
        wall = [statistics.median(column(who, "seconds")) for who in ("ours", "theirs")]
        cpu = [statistics.median(column(who, "cpu_seconds")) for who in ("ours", "theirs")]
        bare = statistics.median(column("theirs", "train_cpu_seconds"))
        one = runs["ours"][0]
        print(f"| {label}; {one['epochs']} epochs, {threads} thread(s) | {', '.join(how)} | {one['metric']} | {scores('ours')} "
              f"| {scores('theirs')} | {len(runs['ours'])}, {len(runs['theirs'])} "
              f"| {wall[0]:.1f}, {wall[1]:.1f}, {wall[1] / wall[0]:.2f} "
              f"| {cpu[0]:.1f}, {cpu[1]:.1f}, {bare:.1f}, {cpu[1] / cpu[0]:.2f}, {bare / cpu[0]:.2f} |")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("run", "table"):
        sys.exit(__doc__)
    (run if sys.argv[1] == "run" else table)(*sys.argv[2:])
