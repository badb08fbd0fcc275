"""Tokens per second of one core: ours against Hugging Face's encode_batch_fast, taking turns.

python tests/bench/peer_tokenizer.py [FILE...]: text files, one text a line; without any, English
and Bulgarian Wikipedia samples. Processor time, the best of each side's passes; the ids must agree.
"""
import os
import sys
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("BERTHA_BUILD", str(Path(__file__).resolve().parents[2] / "build/release"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
from tokens_peer import DUMPS, MINILM_VOCABULARY, dump_text, our_ids, peer_tokenizer, run_probe

ROUNDS, PASSES = 3, 5


def compare(name, texts):
    tokenizer = peer_tokenizer(MINILM_VOCABULARY, "111")
    ours, theirs, ids = [], [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        theirs.append(time.process_time() - began)
        ids = [encoding.ids for encoding in encoded]
        seconds, _ = run_probe("time", MINILM_VOCABULARY, "111", PASSES, texts=texts).stdout.split()
        ours.append(float(seconds))
    same = ids == [found.tolist() for found in our_ids(MINILM_VOCABULARY, "111", texts)]
    tokens, megabytes = sum(map(len, ids)), sum(len(text.encode()) for text in texts) / 1e6
    fast, slow = tokens / min(ours) / 1e6, tokens / min(theirs) / 1e6
    print(f"{name}: {megabytes:.1f} MB, {tokens} tokens; ours {fast:.1f} M tokens/s "
          f"({megabytes / min(ours):.0f} MB/s), peer {slow:.2f}, ratio {fast / slow:.1f}; "
          f"ids {'equal' if same else 'DIFFER'}")


def main():
    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            compare(name, Path(name).read_text(errors="replace").splitlines())
    for path in DUMPS if len(sys.argv) == 1 else []:
        compare(path.name, dump_text(path).splitlines())


if __name__ == "__main__":
    main()
