"""A few hundred damaged files of every kind: an error in words or a result (fuzz/run_damage.py does thousands)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fuzz"))
import run_damage  # noqa: E402

if __name__ == "__main__":
    sys.argv[1:] = [os.environ.get("BERTHA_FUZZ_COUNT", "600")]
    sys.exit(run_damage.main())
