"""The long fuzz of test_tokens.py: random strings from all planes, our ids against the peer's.

python tests/parity/fuzz_tokens.py [STRINGS [FIRST_BLOCK]]: a million by default, in blocks of
20,000, each with its own seed, so that a block is found again. A block goes through a setting and its
opposite with a vocabulary that spells out the normalised text, and through a third with MiniLM's;
the eight settings take turns.
"""
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("BERTHA_BUILD", str(Path(__file__).resolve().parents[2] / "build/release"))
import test_tokens as fuzz
from tokens_peer import ALL_OPTIONS, MINILM_VOCABULARY, peer_tokenizer, write_every_character

BLOCK = 20_000


def any_planes(rng, count):
    """Uniform over all scalar values, most of which are no characters."""
    return ["".join(rng.choices(fuzz.SCALARS, k=rng.randint(1, 30))) for _ in range(count)]


def long_words(rng, count):
    """Around the limit of 100 characters, before and behind what normalisation adds or takes."""
    texts = []
    for _ in range(count):
        first, last = rng.choice(fuzz.PLANES)
        letters = [chr(rng.randrange(first, last)) for _ in range(rng.randint(1, 4))]
        letters += rng.choices("aeÉßİ\u0301\u00ad\u0344각", k=rng.randint(0, 2))
        word = "".join(rng.choices(letters, k=rng.randint(90, 130)))
        texts.append(rng.choice(["", "x ", "中"]) + word + rng.choice(["", " y", "!", "\u200b"]))
    return texts


def block(number):
    rng = random.Random(f"bertha {number}")
    texts = fuzz.random_mixes(rng, BLOCK * 6 // 10)
    texts += fuzz.invalid_utf8(rng, BLOCK // 10)[:BLOCK // 5]  # as many changed texts as pure noise
    texts += any_planes(rng, BLOCK // 10)
    return texts + long_words(rng, BLOCK - len(texts))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began, strings, tokens = time.time(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        spelling = write_every_character(Path(folder) / "characters.txt")
        spelled = {options: peer_tokenizer(spelling, options) for options in ALL_OPTIONS}
        pieces = {options: peer_tokenizer(MINILM_VOCABULARY, options) for options in ALL_OPTIONS}
        for number in range(first, first + -(-count // BLOCK)):
            texts = block(number)
            turn = number % len(ALL_OPTIONS)
            for options in (ALL_OPTIONS[turn], ALL_OPTIONS[-1 - turn]):
                tokens += fuzz.compare(f"block {number}, spelled", spelling, options, texts,
                                       spelled[options])
            options = ALL_OPTIONS[(number + 3) % len(ALL_OPTIONS)]
            tokens += fuzz.compare(f"block {number}", MINILM_VOCABULARY, options, texts,
                                   pieces[options])
            strings += len(texts)
            print(f"{strings} strings, {tokens} tokens, {fuzz.failures} failed comparisons, "
                  f"{time.time() - began:.0f} s", flush=True)
    sys.exit(1 if fuzz.failures else 0)


if __name__ == "__main__":
    main()
