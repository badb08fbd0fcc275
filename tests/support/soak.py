#!/usr/bin/env python3
"""Runs a training command and watches memory, open files and log of its ranks; see system/soak.sh.
    soak.py STEPS COMMAND..."""
import json
import os
import subprocess
import sys
import tempfile
import time

MOST_GROWTH_KB = 8192


def ranks(program):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.realpath(f"/proc/{entry}/exe") == program and run_folder in open(f"/proc/{entry}/cmdline").read():
                found.append(int(entry))
        except OSError:
            pass
    return found


def memory_kb(pid):
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    return 0


def last_step():
    try:
        with open(os.path.join(run_folder, "metrics.jsonl"), "rb") as file:
            file.seek(max(0, os.path.getsize(file.name) - 8192))
            lines = file.read().split(b"\n")
        return json.loads(lines[-2])["step"]
    except (OSError, ValueError, IndexError):
        return 0


steps, command = int(sys.argv[1]), sys.argv[2:]
run_folder = command[command.index("--train.output") + 1]
program = os.path.realpath(command[command.index("pretrain") - 1])
log = tempfile.TemporaryFile()
begin = time.time()
job = subprocess.Popen(command, stdout=log, stderr=log)
samples = {}  # by pid: (step, memory, open files)
while job.poll() is None:
    step = last_step()
    for pid in ranks(program):
        try:
            samples.setdefault(pid, []).append((step, memory_kb(pid), len(os.listdir(f"/proc/{pid}/fd"))))
        except OSError:
            pass
    time.sleep(0.5 if steps > 5000 else 0.1)
failures = [] if job.returncode == 0 else [f"the run ended with {job.returncode}"]
for number, (pid, taken) in enumerate(sorted(samples.items())):
    settled = [sample for sample in taken if steps / 10 <= sample[0] <= 0.98 * steps]
    if len(settled) < 6:
        failures.append("too few samples")
        continue
    third = len(settled) // 3
    first, last = settled[:third], settled[-third:]
    grown = max(s[1] for s in last) - max(s[1] for s in first)
    files = min(s[2] for s in last) - min(s[2] for s in first)  # a checkpoint's are open for a moment
    print(f"process {number}: private memory {max(s[1] for s in first) / 1024:.1f} MB in the first third, "
          f"{max(s[1] for s in last) / 1024:.1f} MB in the last; open files {min(s[2] for s in first)}, {min(s[2] for s in last)}")
    if grown > MOST_GROWTH_KB:
        failures.append(f"memory grew by {grown} KB")
    if files > 0:
        failures.append(f"{files} more open files")
size = log.seek(0, 2)
print(f"{steps} steps in {time.time() - begin:.0f} s; {size} bytes of log")
if size > 100_000:
    failures.append("the log is long")
for failure in failures:
    print("FAILED:", failure, file=sys.stderr)
sys.exit(1 if failures else 0)
