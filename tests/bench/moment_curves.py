"""What bf16 moments cost: moment_curves.py FOLDER, of the runs that `run_optim.sh moments` made there.

Prints losses in a table and writes FOLDER/curves.svg: the loss of both kinds of moments, means over fiftieths of the
run and over the seeds, and the difference of the two, seed by seed.
"""
import glob
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "pretraining"))
from curves import draw

MOMENTS = "fp32", "bf16"


def read_run(path):
    with open(path, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    return ([e["loss"] for e in events if e["event"] == "train"],
            [e["loss"] for e in events if e["event"] == "validation"][-1])


def smoothed(losses):
    """(step, mean loss of the steps up to it), fifty of them."""
    width = max(1, len(losses) // 50)
    return [(begin + width, statistics.mean(losses[begin:begin + width]))
            for begin in range(0, len(losses) - width + 1, width)]


def mean_of(curves):
    return [(points[0][0], statistics.mean(y for _, y in points)) for points in zip(*curves)]


def table_row(optimizer, moments, runs):
    steps = len(runs[0][0])
    part = lambda begin, end: statistics.mean(statistics.mean(losses[begin:end]) for losses, _ in runs)
    ends = [end for _, end in runs]
    spread = f" ± {statistics.stdev(ends):.4f}" if len(ends) > 1 else ""
    parts = " | ".join(f"{part(steps * i // 6, steps * (i + 1) // 6):.4f}" for i in range(6))
    return f"| {optimizer} | {moments} | {len(runs)} | {parts} | {statistics.mean(ends):.4f}{spread} |"


def main():
    folder = Path(sys.argv[1])
    print("| optimizer | moments | seeds | " + " | ".join(f"sixth {i}" for i in range(1, 7)) + " | validation |\n|---"
          + "|---" * 9 + "|")
    losses, differences = {}, {}
    for optimizer in ("adamw", "lamb"):
        runs = {moments: [read_run(path) for path in sorted(glob.glob(f"{folder}/{optimizer}-{moments}-*/metrics.jsonl"))]
                for moments in MOMENTS}
        if not runs["fp32"]:
            continue
        for moments in MOMENTS:
            print(table_row(optimizer, moments, runs[moments]))
        curves = {moments: mean_of([smoothed(run) for run, _ in runs[moments]]) for moments in MOMENTS}
        losses[f"{optimizer}"] = [curves["fp32"], curves["bf16"]]
        differences[f"{optimizer}"] = [mean_of([smoothed([b - a for a, b in zip(one[0], other[0])])
                                                for one, other in zip(*runs.values())]), []]
        steps = len(runs["fp32"][0][0])
    draw(folder / "curves.svg", [("training loss (nats)", f"step of {steps}", losses),
                                 ("bf16 minus fp32 (nats)", f"step of {steps}", differences)],
         {name: " (dashed: bf16)" if i == 0 else "" for i, name in enumerate(losses)})


if __name__ == "__main__":
    main()
