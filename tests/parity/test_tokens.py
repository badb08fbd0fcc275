"""Our WordPiece ids against Hugging Face tokenizers, live, under all eight option combinations.

The peer is the tokenizer's own pipeline without added tokens, which is what Transformers' fast BERT
tokenizer does with split_special_tokens=True: "[MASK]" spelled out in a corpus must not become the
mask's id. Every Unicode scalar value, in several places; random mixes from all planes; invalid
UTF-8; long words; whole dumps of two Wikipedias. Two vocabularies: MiniLM's (bert-base-uncased),
and one of single characters, whose ids spell out the normalised text.
"""
import random
import sys
import tempfile
import unicodedata
from pathlib import Path

try:
    import numpy as np
    from tokens_peer import (ALL_OPTIONS, DUMPS, MINILM_VOCABULARY, dump_text, our_ids,
                             peer_tokenizer, run_probe, unpacked,
                             write_every_character)
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

SCALARS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# Planes 4 to 13 hold no characters, 15 and 16 are private: not tried everywhere.
WRITTEN = [c for c in SCALARS if ord(c) < 0x40000 or 0xE0000 <= ord(c) < 0xE0200]
# How a character stands in a text: in a word, alone, after capitals, before and behind accents that
# are kept or go, beside an ideograph and punctuation.
PLACES = ["a{}b", "{}", "É{}Ⱥ", "x\u1b44{}\U0001d16d\u0301", "x\U0001d16d{}\u1b44", "中{}!",
          "{}{}"]
PER_TEXT = 64  # characters of SCALARS tried in one text
PLANES = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
          (0x900, 0x1000), (0x1000, 0x1200), (0x1AB0, 0x1F00), (0x1F00, 0x2100), (0x2000, 0x2100),
          (0x2C00, 0x3100), (0x3000, 0x3200), (0x4E00, 0x4F00), (0xA640, 0xABFF), (0xAC00, 0xAD00),
          (0xF900, 0xFFFE), (0x10000, 0x12000), (0x16A00, 0x17000), (0x1D100, 0x1D800),
          (0x1E000, 0x1F800), (0x2F800, 0x2FA20), (0xE0000, 0xE0200), (0xF0000, 0xF0010)]
failures = 0


def every_character(place):
    characters = SCALARS if place in ("{}", "a{}b") else WRITTEN
    return [" ".join(place.replace("{}", c) for c in characters[first:first + PER_TEXT])
            for first in range(0, len(characters), PER_TEXT)]


def compare(name, vocabulary, options, texts, tokenizer):
    global failures
    ours = our_ids(vocabulary, options, texts)
    known = [text.decode(errors="replace") if isinstance(text, bytes) else text for text in texts]
    theirs = tokenizer.encode_batch_fast(known, add_special_tokens=False)
    wrong = [i for i, peer in enumerate(theirs) if peer.ids != ours[i].tolist()]
    if len(ours) != len(theirs):
        wrong.append(min(len(ours), len(theirs)))
    tokens = sum(len(ids) for ids in ours)
    if wrong or not tokens:
        failures += 1
        print(f"FAILED {name}, options {options}: {len(wrong)} of {len(texts)} texts differ")
        for i in wrong[:5]:
            print(f"  {known[i][:80]!r}: ours {ours[i].tolist()[:20]}, peer {theirs[i].ids[:20]}")
    return tokens


def random_mixes(rng, count):
    """Short texts that jump between scripts, with runs of combining marks."""
    accents = [chr(c) for c in range(0x300, 0x370)] + list("\u1b44\u302e\U0001d165\U0001d16d\u0bcd")
    texts = []
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 12)):
            first, last = rng.choice(PLANES)
            kind = rng.random()
            if kind < 0.6:
                parts += [chr(rng.randrange(first, last)) for _ in range(rng.randint(1, 6))]
            elif kind < 0.8:
                parts += rng.choices(accents, k=rng.randint(1, 5))
            else:
                parts.append(rng.choice([" ", "\t", "\u200b", "\x00", "\ufffd", "[MASK]", "[UNK]",
                                         "##ing", "\r\n", "don't", "İSTANBUL", "ΑΣ", "ß", "ﬁ"]))
        texts.append("".join(parts))
    return texts


def invalid_utf8(rng, count):
    """Random bytes; valid text with bytes changed, cut, or doubled; known bad forms."""
    texts = [b"a\xc0\x80b", b"a\xed\xa0\x80b", b"\xf4\x90\x80\x80x", b"x\xe2\x82", b"\xf0\x9f\x98",
             b"\xe0\x80\xafz", b"\xf8\x88\x80\x80\x80z", b"\xfe\xff\x00a",
             b"e\xcc\xcc\x81e", b"\x80"]
    for mix in random_mixes(rng, count):
        raw = bytearray(mix.encode())
        for _ in range(rng.randint(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        texts.append(bytes(raw[:rng.randint(1, len(raw))]))
    texts += [rng.randbytes(rng.randint(1, 60)) for _ in range(count)]
    return texts


def long_words():
    texts = []
    for character in ["a", "é", "ß", "я", "中", "\u1b44", "\U0001d400", "İ", "각", "\u0344"]:
        for length in (49, 50, 51, 99, 100, 101, 102, 150, 5000):
            texts.append(f"x {character * length} y")
    return texts + ["a" * 100 + "\u0301" * 50, "\u0301" * 200 + "b" * 100, "a" * 101 + "!",
                    "e\u0301" * 100, "e\u0301" * 101, "ab\u00ad" * 50, "ab\u00ad" * 51,
                    "word " * 200_000, "x" * 1_000_000, "\u1b44\U0001d16d" * 100_000,
                    "", " ", "\u0301", "\x00"]


def may_reorder(text):
    """Two marks side by side: where they change places, the peer's offsets say little."""
    seen = [c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Co")]
    return any(unicodedata.combining(unicodedata.normalize("NFD", first)[-1]) and
               unicodedata.combining(unicodedata.normalize("NFD", second)[0])
               for first, second in zip(seen, seen[1:]))


def check_words(vocabulary, options, texts, tokenizer):
    """encode_with_words: the same ids, and the words and places that the peer gives."""
    global failures
    ours = unpacked(run_probe("words", vocabulary, options, texts=texts).stdout, columns=4)
    peers = tokenizer.encode_batch(texts, add_special_tokens=False)
    for text, found, peer in zip(texts, ours, peers, strict=True):
        starts = np.cumsum([0] + [len(character.encode()) for character in text]).tolist()
        spans = {}
        for word, (begin, end) in zip(peer.word_ids, peer.offsets):
            first, last = spans.get(word, (starts[begin], starts[end]))
            spans[word] = (min(first, starts[begin]), max(last, starts[end]))
        expected = [[id, word, *spans[word]] for id, word in zip(peer.ids, peer.word_ids)]
        if found.tolist() != expected:
            failures += 1
            print(f"FAILED words of {text[:60]!r}, options {options}:\n  ours {found.tolist()[:8]}"
                  f"\n  peer {expected[:8]}")
            return


def check_offsets(vocabulary, options, texts, tokenizer):
    """encode_with_offsets: where each piece stands, as the peer counts it."""
    global failures
    ours = unpacked(run_probe("offsets", vocabulary, options, texts=texts).stdout, columns=4)
    peers = tokenizer.encode_batch(texts, add_special_tokens=False)
    wrong, pieces = [], 0
    for text, found, peer in zip(texts, ours, peers, strict=True):
        starts = np.cumsum([0] + [len(character.encode()) for character in text]).tolist()
        expected = [[id, word, starts[begin], starts[end]] for id, word, (begin, end)
                    in zip(peer.ids, peer.word_ids, peer.offsets, strict=True)]
        pieces += len(expected)
        if found.tolist() != expected:
            wrong.append((text, found.tolist(), expected))
    if wrong or not pieces:
        failures += 1
        print(f"FAILED offsets, options {options}: {len(wrong)} of {len(texts)} texts differ")
        for text, found, expected in wrong[:5]:
            first = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), 0)
            print(f"  {text[:60]!r} at {first}: ours {found[first:first + 4]}, "
                  f"peer {expected[first:first + 4]}")


def check_options(options, mixes, broken, long, folder):
    spelling = folder / "characters.txt"
    tokenizer, tokens = peer_tokenizer(spelling, options), 0
    # Characters act on each other only where accents are stripped: the other places are for those.
    for place in PLACES if options in ("010", "111") else PLACES[:1]:
        tokens += compare(f"every character as {place!r}", spelling, options,
                          every_character(place), tokenizer)
    tokens += compare("mixes, spelled", spelling, options, mixes, tokenizer)
    tokens += compare("invalid UTF-8, spelled", spelling, options, broken, tokenizer)
    plain = [text for text in mixes[:4000] if not may_reorder(text)] + ["a\u00adb c\u0301. 中é"]
    check_words(spelling, options, plain, tokenizer)
    check_offsets(spelling, options, plain, tokenizer)
    tokenizer = peer_tokenizer(MINILM_VOCABULARY, options)
    for name, texts in [("mixes", mixes), ("invalid UTF-8", broken), ("long words", long)]:
        tokens += compare(name, MINILM_VOCABULARY, options, texts, tokenizer)
    for path in DUMPS:
        if path.exists():
            tokens += compare(path.name, MINILM_VOCABULARY, options, dump_text(path).splitlines(),
                              tokenizer)
    check_words(MINILM_VOCABULARY, options, plain, tokenizer)
    check_offsets(MINILM_VOCABULARY, options, plain, tokenizer)
    print(f"options {options}: {tokens} tokens compared", flush=True)


def main():
    if not MINILM_VOCABULARY.exists():
        print(f"skipped: no {MINILM_VOCABULARY} (launch/setup.sh fetches it)")
        sys.exit(77)
    rng = random.Random(20240607)
    mixes, broken, long = random_mixes(rng, 15_000), invalid_utf8(rng, 7_000), long_words()
    with tempfile.TemporaryDirectory() as folder:
        write_every_character(Path(folder) / "characters.txt")
        for options in ALL_OPTIONS:
            check_options(options, mixes, broken, long, Path(folder))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
