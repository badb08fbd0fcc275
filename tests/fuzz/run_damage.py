#!/usr/bin/env python3
"""Damages shards, dumps, corpora, vocabularies and labelled data, and reads them, again and again.

python tests/fuzz/run_damage.py [COUNT [FIRST]] [kinds=shards,dumps], with BERTHA_BUILD (build/asan: under the address
and undefined behaviour sanitizers). Without kinds all files are damaged in turn. A number with other kinds is another damage. Allowed is an error of the right kind that names the file, or a sound result. A crash, a
hang (60 s), more than 2 GB of memory, another error or a sanitizer's report is a failure, named by its number.
Exit code 77 where samples are missing (launch/fetch_samples.py wikipedia)."""
import collections
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import seed_files

BUILD = Path(os.environ.get("BERTHA_BUILD", Path(__file__).resolve().parents[2] / "build/release"))
PROGRAM = str(BUILD / "tests" / "damaged_files")
MEMORY_MB, BATCH = 2048, 500
KINDS = {
    "shards": ["corpus-*/*.h5", "foreign-*/*.hdf5"],
    "dumps": ["documents-mediawiki/*"],
    "texts": ["documents-jsonl/*", "documents-sentences/*", "documents-text/*"],
    "folders": ["corpus-*/*.json", "*/vocab.txt"],  # what lies beside shards
    "labelled": ["questions-*/*", "table-*/*", "words-*/*"],
}


def seeds_of(folder, kinds):
    """The files to damage, as damaged_files names them; of no kind: none, which means all."""
    return sorted(str(path.relative_to(folder)) for kind in kinds for pattern in KINDS[kind]
                  for path in Path(folder).glob(pattern))


def sanitized():
    cache = (BUILD / "CMakeCache.txt").read_text()
    return re.search(r"^BERTHA_SANITIZE:\w+=(\w+)$", cache, re.MULTILINE) is not None


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20, MEMORY_MB << 20))


def run_batch(seeds, first, count, limited, files):
    """What it printed, how it ended, and how far it came."""
    with tempfile.TemporaryDirectory() as scratch:
        # A size out of a damaged file may be refused, as malloc does; HDF5 gives an error then.
        limits = f"hard_rss_limit_mb={MEMORY_MB}:max_allocation_size_mb={MEMORY_MB}:allocator_may_return_null=1"
        environment = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", ASAN_OPTIONS=limits)
        return subprocess.run([PROGRAM, seeds, scratch + "/files", str(first), str(count), *files], capture_output=True,
                              text=True, errors="replace", env=environment,
                              preexec_fn=limit_memory if limited else None)


def damage(seeds, first, end, limited, files=()):
    """Number of failures; what came of each kind."""
    sums, failures = collections.Counter(), 0
    while first < end:
        count = min(BATCH, end - first)
        done = run_batch(seeds, first, count, limited, files)
        for line in done.stdout.splitlines():
            if line.startswith("SUM "):
                _, folder, refused, read = line.split()
                sums[folder, "refused"] += int(refused)
                sums[folder, "read"] += int(read)
            else:
                failures += line.startswith("WRONG")
                print(line, flush=True)
        if done.returncode in (0, 1) and "SUM " in done.stdout:
            first += count
            continue
        begun = re.findall(r"^damage (\d+) .*$", done.stderr, re.MULTILINE)
        failures += 1
        where = begun[-1] if begun else "the start"
        print(f"CRASHED ({done.returncode}) at {where}:\n{done.stderr[-6000:]}", flush=True)
        if not begun:
            break
        first = int(begun[-1]) + 1  # what the batch did before that number is not in the sums
    return failures, sums


def read_arguments(arguments):
    """Count, first number, kinds."""
    kinds = [kind for word in arguments if word.startswith("kinds=") for kind in word[len("kinds="):].split(",")]
    numbers = [int(word) for word in arguments if not word.startswith("kinds=")]
    unknown = set(kinds) - set(KINDS)
    if unknown or len(numbers) > 2:
        sys.exit(f"run_damage.py [COUNT [FIRST]] [kinds=...], kinds of {', '.join(KINDS)}; not {', '.join(sorted(unknown))}")
    return (*numbers, *(10_000, 0)[len(numbers):], kinds)


def main():
    count, first, kinds = read_arguments(sys.argv[1:])
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        if not seed_files.make_seeds(folder + "/seeds", PROGRAM, folder):
            print(f"skipped: no dumps in {seed_files.DUMPS}")
            return 77
        failures, sums = damage(folder + "/seeds", first, first + count, limited=not sanitized(),
                                files=seeds_of(folder + "/seeds", kinds))
    for name in sorted({name for name, _ in sums}):
        print(f"{name}: {sums[name, 'refused']} refused, {sums[name, 'read']} read")
    refused = sum(n for (_, what), n in sums.items() if what == "refused")
    print(f"{count} damaged {' and '.join(kinds) or 'files'} from number {first}: {refused} refused, {failures} failures; "
          f"{time.time() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
