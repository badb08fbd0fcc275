"""Talks to tokens_probe, and builds the Hugging Face tokenizer it is compared with."""
import bz2
import os
import struct
import subprocess
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

PROBE = os.environ.get("BERTHA_TOKENS_PROBE") or f"{os.environ['BERTHA_BUILD']}/tests/tokens_probe"
SAMPLES = Path(os.environ.get("BERTHA_SAMPLES", Path.home() / ".cache/bertha/downloads"))
MINILM_VOCABULARY = SAMPLES / "minilm/vocab.txt"
DUMPS = [SAMPLES / "wikipedia/enwiki.xml.bz2", SAMPLES / "wikipedia/bgwiki.xml.bz2"]
ALL_OPTIONS = [f"{number:03b}" for number in range(8)]


def packed(texts):
    """Texts (str or bytes) as the probe reads them."""
    raw = (text if isinstance(text, bytes) else text.encode() for text in texts)
    return b"".join(struct.pack("<I", len(text)) + text for text in raw)


def run_probe(*arguments, texts=(), check=True):
    return subprocess.run([PROBE, *map(str, arguments)], input=packed(texts), check=check,
                          stdout=subprocess.PIPE)


def unpacked(output, columns=1):
    """Per text an int32 array, [count] or [count, columns]."""
    values = np.frombuffer(output, dtype="<i4")
    result, at = [], 0
    while at < len(values):
        end = at + 1 + int(values[at]) * columns
        rows = values[at + 1:end]
        result.append(rows if columns == 1 else rows.reshape(-1, columns))
        at = end
    return result


def our_ids(vocabulary, options, texts):
    return unpacked(run_probe("ids", vocabulary, options, texts=texts).stdout)


def peer_tokenizer(vocabulary, options):
    """BERT's normaliser, words and WordPiece without added tokens: "[MASK]" in a text is text."""
    lower, strip, chinese = (digit == "1" for digit in options)
    tokenizer = Tokenizer(models.WordPiece.from_file(str(vocabulary), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def write_every_character(path):
    """A vocabulary in which each character is a token, so that ids spell the normalised text."""
    planes = [*range(0x21, 0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE0200)]
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    characters = [chr(code_point) for code_point in planes]
    path.write_text("\n".join(specials + characters + ["##" + c for c in characters]) + "\n",
                    newline="\n")
    return path


def dump_text(path):
    raw = bz2.decompress(path.read_bytes())
    return raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "utf-8")
