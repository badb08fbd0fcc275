#!/usr/bin/env python3
"""Kills `bertha pretrain` at random moments and checks what is left each time; see system/kill_runs.sh."""
import argparse
import hashlib
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time

SAVE_EVERY = 5
LAST_STEPS = 20  # trained without a kill at the end


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("bertha", "corpus", "folder"):
        parser.add_argument("--" + name, required=True)
    for name in ("kills", "ranks", "seed"):
        parser.add_argument("--" + name, type=int, required=True)
    return parser.parse_args()


def command(args, run, more=()):
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(args.ranks), args.bertha, "pretrain",
            "--data.corpus", args.corpus, "--model.size", "tiny", "--model.layers", "1", "--model.hidden_size", "32",
            "--model.attention_heads", "2", "--model.intermediate_size", "64", "--data.sequence_length", "64",
            "--train.global_batch", "16", "--train.log_every", "1", "--train.threads", "1", "--train.validate_every", "0",
            "--train.validation_batches", "1", "--train.steps", "1000000", "--schedule.warmup_steps", "100",
            "--train.save_every", str(SAVE_EVERY), "--train.keep_last", "2", "--metrics.progress", "false",
            "--train.output", run, *more]


def in_background(number):
    """Every other run saves in the background; the rest wait for each save."""
    return number % 2 == 1


def ranks_of(mpirun, program):
    """Process ids of the ranks: descendants of mpirun that run the program."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(entry))
        except OSError:
            pass
    found, todo = [], [mpirun]
    while todo:
        for child in children.get(todo.pop(), []):
            todo.append(child)
            try:
                if os.path.realpath(f"/proc/{child}/exe") == os.path.realpath(program):
                    found.append(child)
            except OSError:
                pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def events(run):
    lines = []
    try:
        for line in open(os.path.join(run, "metrics.jsonl"), "rb"):
            if line.endswith(b"\n"):
                lines.append(json.loads(line))
    except FileNotFoundError:
        pass
    return lines


def sessions(lines):
    """Where in the lines each session begins; those lines stay when later steps are cut off."""
    return [place for place, line in enumerate(lines) if line["event"] in ("start", "resume")]


def of_kind(lines, event):
    """Steps of such lines, as they stand in the file: whoever reads it raw finds each step once."""
    return [line["step"] for line in lines if line["event"] == event]


def most_lost(step, background):
    """The most steps that a kill after `step` can cost: those since the last save fell due, or a whole interval
    while that one is waited for; with saves in the background one interval more, since the save that fell due
    last may be under way, and waits at its beginning for the one before."""
    return (step % SAVE_EVERY or SAVE_EVERY) + (SAVE_EVERY if background else 0)


def checkpoint_faults(path):
    faults = []
    try:
        text = open(os.path.join(path, "manifest.json")).read()
        manifest = json.loads(text)
    except (OSError, ValueError) as error:
        return [str(error)]
    own = manifest["manifest_sha256"]
    if hashlib.sha256(text.replace(own, "0" * 64).encode()).hexdigest() != own:
        faults.append("the manifest's own checksum")
    for name, file in manifest["files"].items():
        try:
            content = open(os.path.join(path, name), "rb").read()
        except OSError as error:
            faults.append(str(error))
            continue
        if len(content) != file["bytes"] or hashlib.sha256(content).hexdigest() != file["sha256"]:
            faults.append(name)
    return faults


class Killer:
    def __init__(self, args):
        self.args, self.run = args, os.path.join(args.folder, "killed")
        self.random = random.Random(args.seed)
        self.failures, self.inside_save, self.kinds = [], 0, {}
        self.lost = {False: [], True: []}  # steps, by whether the run saves in the background
        self.tensorboard = "checked"

    def fail(self, text):
        self.failures.append(text)
        print("FAILED:", text, file=sys.stderr, flush=True)

    def folders(self):
        try:
            return sorted(os.listdir(os.path.join(self.run, "checkpoints")))
        except FileNotFoundError:
            return []

    def newest(self):
        steps = [int(name[5:]) for name in self.folders() if re.fullmatch(r"step-\d{8}", name)]
        return max(steps, default=0)

    def unfinished(self):
        """What a save leaves behind while it goes on (.staging, .deleted), told from what an earlier kill left."""
        found = set()
        for name in self.folders():
            if "." in name:
                status = os.stat(os.path.join(self.run, "checkpoints", name))
                found.add((name, status.st_ino, status.st_mtime_ns))
        return found

    def check_folders(self):
        for name in self.folders():
            if re.fullmatch(r"step-\d{8}", name):
                for fault in checkpoint_faults(os.path.join(self.run, "checkpoints", name)):
                    self.fail(f"half a checkpoint: {name}: {fault}")

    def attempt(self, number):
        """Starts the run, kills it, and checks what is left."""
        before, left_before = self.newest(), self.unfinished()
        log = open(os.path.join(self.args.folder, "log"), "w+")
        background = "true" if in_background(number) else "false"
        sessions_before = len(sessions(events(self.run)))
        job = subprocess.Popen(command(self.args, self.run, ["--train.async_save", background]), stdout=log, stderr=log)
        early = self.random.random() < 0.1  # one in ten while it starts
        deadline = time.time() + 60
        while not early and time.time() < deadline and job.poll() is None:
            if of_kind(self.since(sessions_before), "train"):
                break
            time.sleep(0.01)
        time.sleep(self.random.random() * (1.0 if early else 0.4))
        if job.poll() is not None:
            log.seek(0)
            self.fail(f"kill {number}: the run ended by itself with {job.returncode}: {log.read()[-400:]}")
            return
        ranks = ranks_of(job.pid, self.args.bertha)
        kind = self.random.choice(["all ranks", "one rank", "mpirun"])
        if kind == "all ranks":
            for pid in ranks:
                kill(pid)
        elif kind == "one rank" and ranks:
            kill(self.random.choice(ranks))
        else:
            kill(job.pid)
        try:
            job.wait(60)
        except subprocess.TimeoutExpired:
            self.fail(f"kill {number} ({kind}): the job lives on")
            kill(job.pid)
            job.wait()
        until = time.time() + 20
        while any(alive(pid) for pid in ranks) and time.time() < until:
            time.sleep(0.02)
        survivors = [pid for pid in ranks if alive(pid)]
        if survivors:
            self.fail(f"kill {number} ({kind}): {len(survivors)} of {len(ranks)} ranks live on without their job")
        for pid in survivors:
            kill(pid)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.inside_save += bool(self.unfinished() - left_before)
        self.check_folders()
        self.check(number, self.since(sessions_before), before)

    def since(self, sessions_before):
        """The lines of the sessions after so many."""
        lines = events(self.run)
        begins = sessions(lines)[sessions_before:]
        return lines[begins[0]:] if begins else []

    def check(self, number, new, before):
        newest = self.newest()
        resumed = of_kind(new, "resume") + of_kind(new, "start")
        if resumed and resumed[0] != before:
            self.fail(f"kill {number}: went on from {resumed[0]}, the newest checkpoint was {before}")
        saved = of_kind(new, "save")
        if saved and max(saved) > newest:
            self.fail(f"kill {number}: step {max(saved)} was saved and is gone")
        trained = of_kind(new, "train")
        if trained:
            lost, allowed = max(trained) - newest, most_lost(max(trained), in_background(number))
            self.lost[in_background(number)].append(lost)
            if lost > allowed:
                self.fail(f"kill {number}: {lost} steps lost, at most {allowed} can be")

    def loss(self, background):
        """What kills cost one kind of runs, held against its bound."""
        lost, bound = self.lost[background], SAVE_EVERY * (2 if background else 1)
        if max(lost, default=0) > bound:
            self.fail(f"{max(lost)} steps lost {'with' if background else 'without'} saves in the background, "
                      f"at most {bound} can be")
        return (f"at most {max(lost, default=0)} steps of {bound}, on average {sum(lost) / max(1, len(lost)):.1f}, "
                f"in {len(lost)} runs that {'save in the background' if background else 'wait for their saves'}")

    def finish(self):
        """Trains to an end, and once more without a kill; both must be the same."""
        end = self.newest() + LAST_STEPS
        whole = os.path.join(self.args.folder, "whole")
        for run, steps in ((self.run, LAST_STEPS), (whole, end)):
            done = subprocess.run(command(self.args, run, ["--train.stop_after_steps", str(steps)]), capture_output=True)
            if done.returncode != 75:
                self.fail(f"the last run ended with {done.returncode}: {done.stderr[-400:]}")
                return end
        for name in sorted(os.listdir(os.path.join(whole, "checkpoints", f"step-{end:08}"))):
            if name in ("trainer_state.json", "manifest.json"):  # hold the options, so the folder's name
                continue
            pair = [open(os.path.join(run, "checkpoints", f"step-{end:08}", name), "rb").read() for run in (self.run, whole)]
            if pair[0] != pair[1]:
                self.fail(f"{name} of step {end} differs from the run that was not killed")
        losses = [[(e["step"], e["loss"], e["gradient_norm"]) for e in events(run) if e["event"] == "train"]
                  for run in (self.run, whole)]
        if [step for step, *_ in losses[0]] != list(range(1, end + 1)):
            self.fail("metrics.jsonl has gaps or repeated steps")
        if losses[0] != losses[1]:
            self.fail("losses differ from the run that was not killed")
        self.check_tensorboard(end)
        return end

    def check_tensorboard(self, end):
        try:
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        except ImportError:
            self.tensorboard = "NOT checked, for the package tensorboard is missing"
            return
        logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of every restart
        reader = EventAccumulator(os.path.join(self.run, "tensorboard"), size_guidance={"scalars": 0})
        reader.Reload()
        steps = [scalar.step for scalar in reader.Scalars("train/loss")]
        if steps != list(range(1, end + 1)):
            self.fail(f"TensorBoard shows {len(steps)} steps of {end}, {len(set(steps))} different ones")


def main():
    args = arguments()
    killer = Killer(args)
    begin = time.time()
    for number in range(1, args.kills + 1):
        killer.attempt(number)
        if number % 20 == 0:
            print(f"{number} kills, step {killer.newest()}, {time.time() - begin:.0f} s", flush=True)
    end = killer.finish()
    losses = "; ".join(killer.loss(background) for background in (False, True))
    print(f"{args.kills} kills ({', '.join(f'{count} of {kind}' for kind, count in sorted(killer.kinds.items()))}), "
          f"{killer.inside_save} of them inside a save; {end} steps, a checkpoint every {SAVE_EVERY}; lost: {losses}; "
          f"{len(killer.failures)} failures; TensorBoard's files {killer.tensorboard}; {time.time() - begin:.0f} s")
    return 1 if killer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
