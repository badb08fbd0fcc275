"""Text stages beside their peers, for peer_data.py: Wikipedia's markup, vocabulary training, prepare.

Processor time of everything, of programs without what they take to start. The texts are the articles of
the sample dumps as our reader takes them out, repeated until timing them makes sense.
"""
import bz2
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from tokens_peer import DUMPS, MINILM_VOCABULARY, peer_tokenizer, run_probe

BUILD = Path(os.environ["BERTHA_BUILD"])
BINARY = os.environ.get("BERTHA_BINARY", str(BUILD / "bertha"))
VOCABULARY_SIZE = 8000
RUNS = 5


def report(stage, ours, peer, name, unit="M tokens/s"):
    ratio = f"   {name} {peer:8.2f}   ratio {ours / peer:6.2f}" if peer else f"   ({name})"
    print(f"{stage:<44} {ours:8.2f} {unit}{ratio}", flush=True)


def processor_seconds(*command):
    began = os.times()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended = os.times()
    return ended.children_user + ended.children_system - began.children_user - began.children_system


def least(runs, measure):
    """Starting takes from 0.3 to 1 s of processor time here, so both are the least of several."""
    return min(measure() for _ in range(runs))


def articles(dump):
    lines = subprocess.run([BUILD / "tests/documents_probe", dump], check=True, stdout=subprocess.PIPE).stdout
    found = [json.loads(line) for line in lines.decode().splitlines()]
    return ["\n".join(article["paragraphs"]) for article in found if "paragraphs" in article]


def repeated(dump, megabytes, to):
    """The pages of a dump again and again in UTF-8, as Wikipedia's are, so that timing it makes sense; bytes of XML."""
    data = bz2.decompress(dump.read_bytes())
    xml = data.decode("utf-16" if data[:1] in (b"\xff", b"\xfe") else "utf-8").replace("\r\n", "\n").replace("utf-16", "utf-8", 1)
    begin, end = xml.index("  <page>"), xml.rindex("</page>") + len("</page>\n")
    pages = xml[begin:end].encode()
    count = max(1, round(megabytes * 1e6 / len(pages)))
    with bz2.open(to, "wb") as file:
        file.write(xml[:begin].encode())
        for _ in range(count):
            file.write(pages)
        file.write(xml[end:].encode())
    return len(xml[:begin].encode()) + count * len(pages) + len(xml[end:].encode())


def wikitext(dump, tiny, megabytes=100, peer_megabytes=10):
    """bzip2 and markup to text: bytes of XML a second. The peer gets less of the same, it takes long."""
    probe, large = BUILD / "tests/documents_probe", tiny.parent / "large.xml.bz2"
    size = repeated(dump, megabytes, large) / 1e6
    ours = (least(3, lambda: processor_seconds(probe, large, "quiet"))
            - least(5, lambda: processor_seconds(probe, tiny, "quiet")))
    name = f"dump to text, {dump.name}, {size:.0f} MB"
    peer_size = repeated(dump, peer_megabytes, large) / 1e6
    try:
        from gensim.corpora.wikicorpus import extract_pages, filter_wiki
    except ImportError:
        return report(name, size / ours, None, "the peer, gensim, is not installed", "MB/s")
    began = time.process_time()
    with bz2.open(large) as file:
        for _, text, _ in extract_pages(file, ("0",)):
            filter_wiki(text)
    report(name, size / ours, peer_size / (time.process_time() - began), "bz2 and gensim", "MB/s")
    large.unlink()


def write_inputs(folder, texts, megabytes):
    """The same documents as plain files (one each, some megabytes) and as JSON lines."""
    size = sum(len(text.encode()) for text in texts)
    repeats = max(1, round(megabytes * 1e6 / size))
    (folder / "text").mkdir(parents=True)
    with open(folder / "all.jsonl", "w", encoding="utf-8") as records:
        for number in range(repeats):
            (folder / f"text/{number:04}.txt").write_text("\n\n".join(texts), encoding="utf-8")
            for text in texts:
                records.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return repeats * size / 1e6


def vocabulary(folder, megabytes):
    from tokenizers import BertWordPieceTokenizer

    def ours(paths):
        return processor_seconds(BINARY, "vocab", "--input.paths", paths, "--vocab.size", VOCABULARY_SIZE,
                                 "--vocab.output", folder / "learnt.txt")
    took = least(3, lambda: ours(folder / "text")) - least(5, lambda: ours(folder / "tiny.txt"))
    files = sorted(str(path) for path in (folder / "text").iterdir())
    began = time.process_time()
    BertWordPieceTokenizer().train(files, vocab_size=VOCABULARY_SIZE, show_progress=False)
    report(f"vocabulary of {VOCABULARY_SIZE}", megabytes / took, megabytes / (time.process_time() - began),
           "tokenizers", "MB/s")


def prepare(folder, texts, name):
    """Text to shards, beside our own tokenizer alone and the peer's on the same text."""
    def seconds(paths):
        output = folder / "corpus"
        took = processor_seconds(BINARY, "prepare", "--input.paths", paths, "--tokenizer.vocab", MINILM_VOCABULARY,
                                 "--prepare.output", output, "--prepare.workers", 1)
        splits = json.loads((output / "manifest.json").read_text())["splits"]
        shutil.rmtree(output)
        return took, sum(split["tokens"] for split in splits.values())
    lines = [line for text in texts for line in text.splitlines()]

    def alone():
        took, count = run_probe("time", MINILM_VOCABULARY, "111", 5, texts=lines).stdout.split()
        return float(took), int(count)
    # In turns, since the machine's speed changes from minute to minute; of each the least.
    runs = [(alone(), seconds(folder / "tiny.txt"), seconds(folder / "text"), seconds(folder / "all.jsonl"))
            for _ in range(RUNS)]
    (ours, count), (start, _), text, records = (min(column) for column in zip(*runs))
    tokenizer, began = peer_tokenizer(MINILM_VOCABULARY, "111"), time.process_time()
    tokenizer.encode_batch_fast(lines, add_special_tokens=False)
    peer = count / (time.process_time() - began) / 1e6
    for form, (took, tokens) in (("text files", text), ("JSON lines", records)):
        speed = tokens / (took - start) / 1e6
        report(f"prepare, {name}, {form}", speed, count / ours / 1e6, "our tokenizer alone")
        report("", speed, peer, "tokenizers alone")


def compare(folder, megabytes):
    tiny = folder / "tiny.txt"
    tiny.write_text("One sentence. And another one.\n\nA third one.\n")
    for dump in DUMPS:
        wikitext(dump, tiny)
    for dump in DUMPS:
        texts, name = articles(dump), dump.name.split(".")[0]
        written = write_inputs(folder / name, texts, megabytes)
        shutil.copy(tiny, folder / name)
        if dump == DUMPS[0]:
            vocabulary(folder / name, written)
        prepare(folder / name, texts, name)
