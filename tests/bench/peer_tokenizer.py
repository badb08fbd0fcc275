"""Tokens per second of one core: ours against Hugging Face's encode_batch_fast, taking turns.

python tests/bench/peer_tokenizer.py [FILE...]: text files, one text a line; without any, the samples:
English and Bulgarian Wikipedia, Chinese reviews. Processor time, the best of each side's passes; the
ids must agree. Then one and two threads on each side, by the clock on the wall: on a machine with two
cores and nothing else to do.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("BERTHA_BUILD", str(Path(__file__).resolve().parents[2] / "build/release"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
from tokens_peer import DUMPS, MINILM_VOCABULARY, SAMPLES, dump_text, our_ids, peer_tokenizer, run_probe

ROUNDS, PASSES = 3, 5
CHINESE = SAMPLES / "chinese/reviews.txt"


def compare(name, texts, vocabulary=MINILM_VOCABULARY):
    tokenizer = peer_tokenizer(vocabulary, "111")
    ours, theirs, ids = [], [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        theirs.append(time.process_time() - began)
        ids = [encoding.ids for encoding in encoded]
        seconds, _ = run_probe("time", vocabulary, "111", PASSES, texts=texts).stdout.split()
        ours.append(float(seconds))
    same = ids == [found.tolist() for found in our_ids(vocabulary, "111", texts)]
    tokens, megabytes = sum(map(len, ids)), sum(len(text.encode()) for text in texts) / 1e6
    fast, slow = tokens / min(ours) / 1e6, tokens / min(theirs) / 1e6
    print(f"tokenizer, {name}: {megabytes:.1f} MB, {tokens} tokens; ours {fast:.1f} M tokens/s "
          f"({megabytes / min(ours):.0f} MB/s), peer {slow:.2f}, ratio {fast / slow:.1f}; "
          f"ids {'equal' if same else 'DIFFER'}", flush=True)


def peer_seconds(name, passes):
    """The best pass of the peer over the lines of a file, in a process with as many threads as its environment says."""
    tokenizer, texts = peer_tokenizer(MINILM_VOCABULARY, "111"), Path(name).read_text(encoding="utf-8").split("\n")
    best = float("inf")
    for _ in range(passes):
        began = time.perf_counter()
        tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        best = min(best, time.perf_counter() - began)
    print(best)


def compare_threads(name, texts, counts=(1, 2)):
    ours, theirs = ({count: [] for count in counts} for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        path.write_text("\n".join(texts), encoding="utf-8")
        for _ in range(ROUNDS):
            for count in counts:
                seconds, tokens = run_probe("threads", MINILM_VOCABULARY, "111", 3 * PASSES, count, texts=texts).stdout.split()
                ours[count].append(float(seconds))
                environment = dict(os.environ, TOKENIZERS_PARALLELISM="true", RAYON_NUM_THREADS=str(count))
                theirs[count].append(float(subprocess.run([sys.executable, __file__, "--peer", path, str(PASSES)], env=environment,
                                                          check=True, stdout=subprocess.PIPE).stdout))
    for side, seconds in (("ours", ours), ("peer", theirs)):
        speeds = {count: int(tokens) / min(of) / 1e6 for count, of in seconds.items()}
        print(f"tokenizer, {name}, threads, {side}: " + ", ".join(f"{count}: {speed:.1f} M tokens/s" for count, speed in speeds.items())
              + f"; {counts[-1]} threads are {speeds[counts[-1]] / speeds[counts[0]]:.2f} times as fast as {counts[0]}", flush=True)


def compare_samples():
    """English and Bulgarian markup and Chinese reviews, each and line by line in turns."""
    english, bulgarian = (dump_text(path).splitlines() for path in DUMPS)
    compare("English", english)
    compare("Bulgarian", bulgarian)
    if not CHINESE.exists():
        return print("tokenizer, Chinese and mixed: no sample (launch/fetch_samples.py chinese)")
    chinese = CHINESE.read_text(encoding="utf-8").splitlines()
    compare("Chinese", chinese)
    with tempfile.TemporaryDirectory() as folder:
        learnt = Path(folder) / "vocab.txt"
        learnt.write_bytes(run_probe("train", 8000, "111", texts=chinese).stdout)
        compare("Chinese, its own vocabulary", chinese, learnt)
    mixed = [line for lines in zip(english, bulgarian, chinese) for line in lines]
    compare("mixed", mixed)
    compare_threads("English", english)
    compare_threads("mixed", mixed)


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer_seconds(sys.argv[2], int(sys.argv[3]))
    for name in sys.argv[1:]:
        compare(name, Path(name).read_text(errors="replace").splitlines())
    if len(sys.argv) == 1:
        compare_samples()


if __name__ == "__main__":
    main()
