#!/usr/bin/env python3
"""Kills `bertha prepare` at random moments, lets it finish, compares; see system/prepare_kills.sh."""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import any_texts
import kill_runs  # ranks_of, kill, alive

KINDS = ("KILL to a rank", "KILL to mpirun", "KILL to all", "TERM to a rank", "TERM to mpirun")


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("bertha", "folder"):
        parser.add_argument("--" + name, required=True)
    for name in ("documents", "kills", "seed"):
        parser.add_argument("--" + name, type=int, required=True)
    return parser.parse_args()


def content(folder):
    """Checksums of all files of a corpus."""
    return {name: hashlib.sha256(open(os.path.join(folder, name), "rb").read()).hexdigest()
            for name in sorted(os.listdir(folder))}


def finished(folder):
    """What is marked as done, by name: units of the input, and shards. The same file stays or it was done again."""
    found = {}
    try:
        for entry in os.scandir(folder):
            if entry.name.endswith(".done"):
                status = entry.stat()
                found[entry.name] = (status.st_ino, status.st_mtime_ns)
    except FileNotFoundError:
        pass
    return found


def text_of(log):
    with open(log, errors="replace") as file:
        return file.read()


class Killer:
    def __init__(self, args):
        self.args, self.random = args, random.Random(args.seed)
        self.output = os.path.join(args.folder, "corpus")
        self.work = self.output + ".preparing"
        self.published = False  # by the attempt before
        self.kinds, self.failures, self.told, self.ended, self.pieces, self.started = {}, [], [], 0, 0, 0

    def fail(self, text):
        self.failures.append(text)
        print("FAILED:", text, file=sys.stderr, flush=True)

    def command(self, ranks, workers, output):
        folder = self.args.folder
        return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), self.args.bertha, "prepare",
                "--input.paths", os.path.join(folder, "text"), "--tokenizer.vocab", os.path.join(folder, "vocab.txt"),
                "--prepare.output", output, "--prepare.shard_tokens", str(max(20000, self.args.documents * 20)),
                "--prepare.validation_fraction", "0.05", "--prepare.drop_duplicates", "true",
                "--prepare.workers", str(workers), "--metrics.progress", "false"]

    def undisturbed(self):
        """The corpus as it should be, by one rank with three threads."""
        output = os.path.join(self.args.folder, "undisturbed")
        job, log = self.start(self.command(1, 3, output))
        while job.poll() is None:
            self.pieces = max(self.pieces, len(finished(output + ".preparing")))
            time.sleep(0.005)
        if job.returncode != 0:
            self.fail(f"undisturbed: exit code {job.returncode}: {text_of(log)[-400:]}")
        self.whole = content(output)

    def wait_for_pieces(self, job, wanted):
        """Until so many units and shards are finished."""
        while job.poll() is None and len(finished(self.work)) < wanted:
            time.sleep(0.002)

    def start(self, command):
        self.started += 1
        log = os.path.join(self.args.folder, f"log-{self.started}")
        with open(log, "w") as file:
            return subprocess.Popen(command, stdout=file, stderr=file), log

    def start_number(self, number):
        """Two or three ranks of one or two threads, in turns."""
        return self.start(self.command(2 + number % 2, 1 + number // 2 % 2, self.output))

    def strike(self, job, kind):
        """Sends the signal; whom the job consisted of."""
        ranks = kill_runs.ranks_of(job.pid, self.args.bertha)
        what = signal.SIGKILL if kind.startswith("KILL") else signal.SIGTERM
        targets = ranks + [job.pid] if kind.endswith("all") else [job.pid]
        if kind.endswith("rank") and ranks:
            targets = [self.random.choice(ranks)]
        for pid in targets:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                pass
        return ranks

    @staticmethod
    def wait_for_end(ranks):
        """Those of a killed mpirun go on until they notice."""
        until = time.time() + 30
        while any(kill_runs.alive(pid) for pid in ranks) and time.time() < until:
            time.sleep(0.01)

    def attempt(self, number, kind):
        """Starts prepare and strikes; whether it was struck before its end."""
        # What a run left that was killed while it cleaned up behind its corpus is no work of this one.
        before = {} if self.published else finished(self.work)
        job, log = self.start_number(number)
        # Before anything is done, or when it has got on a little; so ten kills strew over the work.
        if number % 5 != 4:
            more = self.random.randrange(1, max(2, self.pieces // self.args.kills))
            self.wait_for_pieces(job, min(len(before) + more, self.pieces))
        time.sleep(self.random.random() * 0.03)
        if job.poll() is None:
            ranks = self.strike(job, kind)
            try:
                job.wait(60)
            except subprocess.TimeoutExpired:
                self.fail(f"{kind}: the job lives on")
                job.kill()
                job.wait()
            self.wait_for_end(ranks)
            struck = job.returncode != 0
            # 143: before it listens. mpirun that is asked to end has codes of its own.
            if kind == "TERM to a rank" and ranks and job.returncode not in (0, 75, 143):
                self.fail(f"{kind}: exit code {job.returncode}: {text_of(log)[-400:]}")
        else:
            struck = False
        self.check_log(before, text_of(log))
        self.published = os.path.exists(self.output)
        if self.published:
            self.check_corpus(job.returncode)
            shutil.rmtree(self.output)
            struck = False
        elif not struck:
            self.fail(f"exit code {job.returncode} and no corpus")
        return struck

    def check_log(self, before, log):
        """What was finished before is the same file still, and the log says so."""
        after = finished(self.work)
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                self.fail(f"{name} was done again")
        units = sum(name.startswith("spill-") for name in before)
        told = re.search(r"going on; (\d+) of (\d+) units of the input were done", log)
        if told:
            self.told.append(int(told[1]))
            if int(told[1]) < units:
                self.fail(f"{units} units were finished, the log says {told[1]}")
        elif units > 0 and "corpus in" in log:
            self.fail(f"{units} units were finished, the log does not say so")

    def check_corpus(self, code):
        self.ended += 1
        if content(self.output) != self.whole:
            self.fail("the corpus differs from that of the undisturbed run")
        left = [name for name in os.listdir(self.args.folder) if name.startswith("corpus.")]
        if left and code == 0:
            self.fail(f"left behind: {left}")

    def finish(self):
        before = {} if self.published else finished(self.work)
        job, log = self.start_number(1)
        job.wait()
        if job.returncode != 0:
            return self.fail(f"the last run: exit code {job.returncode}: {text_of(log)[-400:]}")
        self.check_log(before, text_of(log))
        self.check_corpus(0)


def main():
    args = arguments()
    sys.path.insert(0, os.path.dirname(__file__))
    begin = time.time()
    os.mkdir(os.path.join(args.folder, "text"))
    texts = any_texts.Texts(args.seed)
    texts.write(os.path.join(args.folder, "text"), args.documents)
    subprocess.run([args.bertha, "vocab", "--input.paths", os.path.join(args.folder, "text"), "--vocab.size", "3000",
                    "--vocab.output", os.path.join(args.folder, "vocab.txt")], check=True, capture_output=True)
    killer = Killer(args)
    killer.undisturbed()
    with open(os.path.join(args.folder, "undisturbed", "manifest.json")) as file:
        told = json.load(file)["statistics"]
    for what, least in (("replaced_bytes", texts.counts["invalid bytes"]), ("duplicate_documents", texts.counts["the same again"] // 2)):
        if told[what] < least:  # not as many as were written, as far as that is known
            killer.fail(f"{what}: {told[what]} of {least} and more")
    print(f"documents by script, and how many have what: {texts.counts}; {told['replaced_bytes']} bytes replaced, "
          f"{told['duplicate_documents']} duplicates dropped, {told['skipped_namespaces']} pages of other namespaces")
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(os.path.join(args.folder, "text")) for name in names)
    print(f"{args.documents} documents, {size / 1e6:.1f} MB on disk; {killer.pieces} units and shards; "
          f"{time.time() - begin:.0f} s so far", flush=True)
    struck = tried = 0
    while struck < args.kills and tried < 5 * args.kills:
        kind = KINDS[struck % len(KINDS)]
        if killer.attempt(tried, kind):
            struck += 1
            killer.kinds[kind] = killer.kinds.get(kind, 0) + 1
        tried += 1
    if struck < args.kills:
        killer.fail(f"only {struck} of {tried} runs were struck before their end")
    killer.finish()
    print(f"{struck} kills ({', '.join(f'{count} {kind}' for kind, count in sorted(killer.kinds.items()))}), {tried - struck} runs "
          f"ended before; corpus compared {killer.ended} times; units found done at each start: {killer.told}; "
          f"{len(killer.failures)} failures; {time.time() - begin:.0f} s")
    return 1 if killer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
