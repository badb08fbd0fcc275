"""For test_exports.py: other text than lower-cased English from end to end. A cased vocabulary by the recipe for it, and a
Chinese one: text to vocabulary, corpus, two steps, export; Transformers then makes our ids and opens the model."""
import os

import transformers

from model_folders import SAMPLES, bertha, load
from tokens_peer import DUMPS, dump_text, our_ids

CONFIGS = os.path.join(os.environ["BERTHA_SOURCE"], "configs")
CHINESE = os.path.join(SAMPLES, "chinese", "reviews.txt")
# Case, accents, ideographs beside letters and digits, full-width signs, a joined emoji, no-break and zero-width spaces.
MIXED = ["Die Straße nach Århus; CAFÉ, naïve Ünïcode and ǅ.", "在London吃了3个dim sum,真的OK！ＡＢＣ１２３", "İstanbul ISTANBUL ıi",
         "東京タワー는 한국어", "Здравей, Свят! ПРИВЕТ", "e\u0301 é E\u0301 É", "👩\u200d💻 100\u00a0% a\u200bb 你好。"]
# Recipe, its settings as the probe takes them (lower case, accents, ideographs), what only such tokens have.
KINDS = dict(cased=("bert_base_cased.ini", "001", lambda token: token.isascii() and token[:1].isupper()),
             chinese=("chinese.ini", "111", lambda token: "\u4e00" <= token[:1] <= "\u9fff"))


def lines_of(kind):
    if kind == "chinese":
        with open(CHINESE, encoding="utf-8") as file:
            return file.read().splitlines()[:2000]
    return [line for line in dump_text(DUMPS[0]).splitlines() if len(line) > 60][:3000]


def train(work, kind, lines):
    """(vocabulary, exported folder)"""
    text, vocab, corpus, run, out = (os.path.join(work, f"kind {kind} {name}") for name in ("text.txt", "vocab", "corpus", "run", "out"))
    with open(text, "w", encoding="utf-8") as file:
        file.write("".join(line + ("\n\n" if number % 20 == 19 else "\n") for number, line in enumerate(lines)))
    recipe = ("--config", os.path.join(CONFIGS, KINDS[kind][0]), "--input.paths", text, "--input.format", "sentences")
    bertha("vocab", *recipe, "--vocab.size", 3000, "--vocab.output", vocab)
    bertha("prepare", *recipe, "--tokenizer.vocab", vocab, "--prepare.output", corpus, "--prepare.validation_fraction", 0)
    bertha("pretrain", "--config", os.path.join(CONFIGS, "bert_tiny.ini"), "--data.corpus", corpus, "--train.steps", 2,
           "--train.global_batch", 8, "--masking.strategy", "word", "--train.output", run)
    bertha("export", "--train.init", run, "--train.output", out)
    return vocab, out


def check_text_kinds(work):
    for kind, (_, digits, is_typical) in KINDS.items():
        source = CHINESE if kind == "chinese" else str(DUMPS[0])
        if not os.path.exists(source):
            print(f"{source} is not here: {kind} text is not tried")
            continue
        lines = lines_of(kind)
        vocab, out = train(work, kind, lines)
        model = load(transformers.AutoModelForPreTraining, out)
        tokenizer = transformers.AutoTokenizer.from_pretrained(out)
        typical = sum(map(is_typical, tokenizer.get_vocab()))
        assert typical > 300 and len(tokenizer) == model.config.vocab_size, (kind, typical)
        texts = [text for text in MIXED + lines[-300:] if not any(special in text for special in tokenizer.all_special_tokens)]
        theirs = tokenizer(texts, add_special_tokens=False)["input_ids"]
        for text, ours, expected in zip(texts, our_ids(vocab, digits, texts), theirs, strict=True):
            assert ours.tolist() == expected, (kind, text, ours, expected)
        other = [ids.tolist() for ids in our_ids(vocab, "110" if kind == "chinese" else "111", texts)]
        assert other != theirs, "the settings change nothing"
        print(f"{kind}: {typical} typical tokens, {sum(map(len, theirs))} ids of {len(texts)} texts alike; no key missing or unexpected")
