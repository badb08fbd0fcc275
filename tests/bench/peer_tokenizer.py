"""Tokens per second of one core: ours against Hugging Face's encode_batch_fast, taking turns.

python tests/bench/peer_tokenizer.py [FILE...]: text files, one text a line; without any, the samples:
English and Bulgarian Wikipedia, Chinese reviews. Processor time, the best of each side's passes; the
ids must agree.
"""
import os
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
    compare("mixed", [line for lines in zip(english, bulgarian, chinese) for line in lines])


def main():
    for name in sys.argv[1:]:
        compare(name, Path(name).read_text(errors="replace").splitlines())
    if len(sys.argv) == 1:
        compare_samples()


if __name__ == "__main__":
    main()
