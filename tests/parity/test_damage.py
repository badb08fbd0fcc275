"""A few hundred damaged files of every kind: an error in words or a result (fuzz/run_damage.py does thousands)."""
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz"))
import run_damage  # noqa: E402


def check_kinds():
    """The kinds have every seed once; those asked for are damaged, and no others."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        if not run_damage.seed_files.make_seeds(str(seeds), run_damage.PROGRAM, folder):
            return
        every = sorted(str(path.relative_to(seeds)) for path in seeds.glob("*/*"))
        assert run_damage.seeds_of(seeds, run_damage.KINDS) == every, set(every) ^ set(run_damage.seeds_of(seeds, run_damage.KINDS))
        files = run_damage.seeds_of(seeds, ["shards", "dumps"])
        assert 15 < len(files) < len(every) / 2 and not any(file.endswith((".json", ".txt")) for file in files), files
        failures, sums = run_damage.damage(str(seeds), 0, len(files), not run_damage.sanitized(), files)
        assert failures == 0 and sum(sums.values()) == len(files), sums
        assert {name for name, _ in sums} == {os.path.dirname(file) for file in files}, sums


if __name__ == "__main__":
    check_kinds()
    sys.argv[1:] = [os.environ.get("BERTHA_FUZZ_COUNT", "600")]
    sys.exit(run_damage.main())
