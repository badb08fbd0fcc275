"""The data pipeline beside its peers, stage by stage, on one core, in one run.

python tests/bench/peer_data.py [ROWS [MEGABYTES [MILLIONS]]]: ROWS of 128 tokens at most in the foreign shards (20,000);
MEGABYTES of text for `vocab` and `prepare` (200); MILLIONS of tokens in the large corpus (1,000: 2.4 GB in TMPDIR). Needs a build, what `launch/setup.sh --tests` installs, the
samples (launch/fetch_samples.py wikipedia, minilm, chinese); gensim if it is there.
Peers: Hugging Face tokenizers for text, bz2 and gensim for Wikipedia, h5py's reads of whole datasets for shards;
for batches, Transformers' collator for masking and a loader in the manner of NVIDIA's DeepLearningExamples (arrays in
memory, torch tensors of each row, torch's DataLoader in this process). Processor time.
"""
import os
import platform
import sys
import tempfile
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false",
                  OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("BERTHA_BUILD", str(ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "tests/parity"))
import h5py
import numpy
import tokenizers
import torch
import transformers

import peer_batches
import peer_text
import peer_tokenizer

torch.set_num_threads(1)


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 200
    millions = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
          f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}, "
          f"h5py {h5py.__version__}, numpy {numpy.__version__}")
    peer_tokenizer.compare_samples()
    with tempfile.TemporaryDirectory() as scratch:
        peer_text.compare(Path(scratch), megabytes)
        peer_batches.compare(Path(scratch) / "shards", rows, millions)


if __name__ == "__main__":
    main()
