"""Vocabularies we train and tokenizer files we write, against Hugging Face tokenizers, live.

Trained on the first 80 % of a Wikipedia dump's lines, our vocabulary must need no more tokens per
word on the rest than BertWordPieceTokenizer's of the same size, within 1 %. The files we write must
open in Transformers and tokenizers and give our ids; theirs must open in ours.
"""
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

try:
    from tokenizers import Tokenizer
    from tokenizers.implementations import BertWordPieceTokenizer
    from tokens_peer import (ALL_OPTIONS, DUMPS, MINILM_VOCABULARY, dump_text, our_ids,
                             peer_tokenizer, run_probe)
    from transformers import AutoTokenizer, BertConfig, BertTokenizer
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

SIZES = {8000: 5.0, 30522: 30.0}  # and the seconds that training may take
MARGIN = 1.01
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["Hello, world! naïve café ΑΣ 中文字 İstanbul", "don't [MASK] x\u00ad\u200by", "a" * 101, "",
         "Übergrößenträger ﬁne 각 \U0001d165\u0301", "tokenization of electroencephalography"]
failures = []


def expect(condition, message):
    if not condition:
        failures.append(message)
        print(f"FAILED {message}")


def tokens_of(vocabulary, texts, options="111"):
    encoded = peer_tokenizer(vocabulary, options).encode_batch_fast(texts, add_special_tokens=False)
    unknown = vocabulary.read_text().split("\n").index("[UNK]")
    ids = [id for encoding in encoded for id in encoding.ids]
    return len(ids), ids.count(unknown)


def compare_training(name, lines, size, seconds, folder):
    cut = len(lines) * 8 // 10
    train, unseen = lines[:cut], lines[cut:]
    began = time.monotonic()
    ours = folder / "ours.txt"
    ours.write_bytes(run_probe("train", size, "111", texts=train).stdout)
    took = time.monotonic() - began
    again = run_probe("train", size, "111", texts=reversed(train)).stdout
    expect(again == ours.read_bytes(), f"{name} {size}: the order of the lines matters")

    peer = BertWordPieceTokenizer(lowercase=True)
    peer.train_from_iterator(train, vocab_size=size, min_frequency=2, limit_alphabet=1000,
                             show_progress=False)
    theirs = folder / "theirs.txt"
    by_id = sorted((id, token) for token, id in peer.get_vocab().items())
    theirs.write_text("".join(token + "\n" for _, token in by_id))

    tokens = ours.read_text().split("\n")[:-1]
    words = len([word for line in unseen for word in line.split()])
    our_count, our_unknown = tokens_of(ours, unseen)
    peer_count, peer_unknown = tokens_of(theirs, unseen)
    print(f"{name} {size}: {took:.2f} s; {len(tokens)} tokens (peer {len(by_id)}), "
          f"{len(set(tokens) & {token for _, token in by_id})} in common; on unseen text "
          f"{our_count / words:.4f} tokens per word (peer {peer_count / words:.4f}), "
          f"{our_unknown} unknown (peer {peer_unknown})")
    expect(took < seconds, f"{name} {size}: training took {took:.1f} s, more than {seconds}")
    expect(tokens[:5] == SPECIALS, f"{name} {size}: special tokens first, not {tokens[:5]}")
    expect(len(tokens) == min(size, len(by_id)) or abs(len(tokens) - len(by_id)) < 0.01 * size,
           f"{name} {size}: {len(tokens)} tokens, peer {len(by_id)}")
    expect(our_count <= peer_count * MARGIN, f"{name} {size}: more tokens per word than the peer")
    expect(our_unknown <= peer_unknown * MARGIN + 10, f"{name} {size}: more unknown words")
    return ours


def check_files_we_write(vocabulary, folder):
    """The three files, in a folder with a model's config.json, under every option combination."""
    for options in ALL_OPTIONS:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        run_probe("write", vocabulary, options, folder)
        BertConfig(vocab_size=100).save_pretrained(folder)
        ours = [ids.tolist() for ids in our_ids(vocabulary, options, TEXTS)]
        auto = AutoTokenizer.from_pretrained(folder)
        plain = auto(TEXTS, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        expect(plain == ours, f"AutoTokenizer of our files, options {options}: {plain} not {ours}")
        saved = Tokenizer.from_file(str(folder / "tokenizer.json"))
        saved.encode_special_tokens = True
        plain = [encoding.ids for encoding in saved.encode_batch(TEXTS, add_special_tokens=False)]
        expect(plain == ours, f"tokenizers of our tokenizer.json, options {options}")
        check_special_tokens(auto, saved)
        back = run_probe("read", folder).stdout
        expect(back == f"{options}\n".encode() + vocabulary.read_bytes(), f"{options} read back")


def check_special_tokens(auto, saved):
    expect(type(auto).__name__ in ("BertTokenizer", "BertTokenizerFast"), f"class {type(auto)}")
    expect(auto.model_max_length == 512, "model_max_length")
    names = [auto.pad_token, auto.unk_token, auto.cls_token, auto.sep_token, auto.mask_token]
    expect(names == SPECIALS, f"special tokens {names}")
    pair = auto("hello world", "a b")
    ids = pair["input_ids"]
    expect(ids[0] == auto.cls_token_id and ids[-1] == auto.sep_token_id, "[CLS] and [SEP] around")
    expect(ids.count(auto.sep_token_id) == 2 and pair["token_type_ids"][-1] == 1, "pair template")
    expect(saved.encode("hello world", "a b").ids == ids, "the same pair from tokenizer.json")
    expect(auto.decode(auto("hello world")["input_ids"], skip_special_tokens=True) == "hello world",
           "decoder")


def check_files_of_transformers(vocabulary, folder):
    """What BertTokenizer saves: settings and, without a vocab.txt, the vocabulary."""
    tokens = vocabulary.read_text().split("\n")[:-1]
    for lower, strip, chinese, expected in [(True, None, True, "111"), (False, None, False, "000"),
                                            (False, True, True, "011"), (True, False, True, "101")]:
        shutil.rmtree(folder, ignore_errors=True)
        peer = BertTokenizer(vocab={token: id for id, token in enumerate(tokens)},
                             do_lower_case=lower, strip_accents=strip,
                             tokenize_chinese_chars=chinese)
        peer.save_pretrained(folder)
        (folder / "vocab.txt").unlink(missing_ok=True)
        back = run_probe("read", folder).stdout.decode()
        expect(back == expected + "\n" + vocabulary.read_text(),
               f"files of Transformers, {expected}")
        ours = [ids.tolist() for ids in our_ids(vocabulary, expected, TEXTS)]
        plain = peer(TEXTS, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        expect(plain == ours, f"ids of BertTokenizer, {expected}")
    damaged = json.loads((folder / "tokenizer.json").read_text())
    damaged["model"]["vocab"]["[MASK]"] = len(tokens) + 7
    (folder / "tokenizer.json").write_text(json.dumps(damaged))
    expect(run_probe("read", folder, check=False).returncode == 65, "sparse ids are bad data")


def main():
    if not all(path.exists() for path in DUMPS):
        print(f"skipped: no {DUMPS[0].parent} (launch/setup.sh fetches it)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in DUMPS:
            lines = dump_text(path).splitlines()
            for size, seconds in SIZES.items():
                ours = compare_training(path.name, lines, size, seconds, folder)
        check_files_we_write(ours, folder / "written")
        check_files_of_transformers(ours, folder / "saved")
        if MINILM_VOCABULARY.exists():
            check_files_we_write(MINILM_VOCABULARY, folder / "written")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
