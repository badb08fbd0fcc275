"""Documents of made-up words in many scripts, some of them the same, some damaged, in files of every format that
`prepare` takes; for kill_prepares.py."""
import bz2
import gzip
import html
import json
import os
import random
import shutil
import subprocess

SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai", "en", "or")]


def letters(first, last):
    return [chr(code) for code in range(first, last + 1)]


# Name: what words are made of, and what stands between them.
SCRIPTS = {
    "latin": (SYLLABLES, " "), "accented": (["é", "ñ", "ü", "e\u0301", "ß", "ø", "İ", "ł"] + SYLLABLES[:20], " "),
    "cyrillic": (letters(0x430, 0x44f), " "), "greek": (letters(0x3b1, 0x3c9), " "), "hebrew": (letters(0x5d0, 0x5ea), " "),
    "arabic": (letters(0x627, 0x63a), " "), "devanagari": (letters(0x905, 0x939) + ["\u093e", "\u094d"], " "),
    "thai": (letters(0xe01, 0xe2e) + ["\u0e34"], ""), "han": (letters(0x4e00, 0x4fff), ""), "kana": (letters(0x3042, 0x308f), ""),
    "hangul": (letters(0xac00, 0xad00), " "), "old": (letters(0x10330, 0x1034a) + letters(0x20000, 0x20020), " ")}
EMOJI = ["😀", "👩\u200d👩\u200d👧", "🇧🇬", "✊🏿", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e007f"]
ODD = ["\u0000", "\u200b", "\ufeff", "\u2028", "\u00ad", "\x07", "\ufffd", "\u202e"]
INVALID = [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\x80\x80"]
STOPS = {"han": "。", "kana": "。", "devanagari": "।", "arabic": "؟"}


class Texts:
    def __init__(self, seed):
        self.random = random.Random(seed)
        draw = self.random
        self.words = {name: ["".join(draw.choices(parts, k=1 + n % 4)) for n in range(5000 if name == "latin" else 800)]
                      for name, (parts, _) in SCRIPTS.items()}
        self.weights = {name: [1 / (rank + 3) for rank in range(len(words))] for name, words in self.words.items()}
        self.kept, self.counts = [], dict.fromkeys((*SCRIPTS, "emoji", "invalid bytes", "odd characters", "the same again"), 0)

    def text(self):
        """Half of it Latin. As text, without the invalid bytes."""
        draw = self.random
        name = "latin" if draw.random() < 0.5 else draw.choice(list(SCRIPTS))
        self.counts[name] += 1
        words = draw.choices(self.words[name], self.weights[name], k=int(draw.lognormvariate(5.4, 0.8)) + 5)
        for place in range(draw.randrange(20), len(words), 17):
            words[place] += STOPS.get(name, ".")
        for kind, values in (("emoji", EMOJI), ("odd characters", ODD)):
            if draw.random() < 0.1:
                self.counts[kind] += 1
                for _ in range(3):
                    words.insert(draw.randrange(len(words)), draw.choice(values))
        return SCRIPTS[name][1].join(words).replace(". ", ".\n\n", 1)

    def document(self):
        draw = self.random
        if self.kept and draw.random() < 0.02:
            self.counts["the same again"] += 1
            return draw.choice(self.kept)
        text = self.text()
        if len(self.kept) < 50:
            self.kept.append(text)
        return text

    def damaged(self, data):
        """The bytes, a tenth of them with some that are no UTF-8. Never within an escape of JSON's."""
        draw = self.random
        if draw.random() < 0.1:
            place = data.find(b" ", draw.randrange(len(data)) if data else 0)
            if place > 0:
                self.counts["invalid bytes"] += 1
                data = data[:place] + draw.choice(INVALID) + data[place:]
        return data

    def json_line(self, text):
        # Either way of writing what is not ASCII.
        return self.damaged(json.dumps({"text": text}, ensure_ascii=self.random.random() < 0.3).encode()) + b"\n"

    def json_lines(self, texts):
        return b"".join(map(self.json_line, texts))

    def sentences(self, texts):
        return b"\n\n".join(self.damaged(text.replace("\n\n", "\n").replace(". ", ".\n").encode()) for text in texts) + b"\n"

    def dump(self, texts):
        """bzip2 streams of some pages each, with a head and a tail, as Wikipedia has them."""
        pages = [f"  <page>\n    <title>Page {n}</title>\n    <ns>{0 if n % 9 else 4}</ns>\n    <id>{n + 1}</id>\n    <revision>\n      <id>{n + 1}</id>\n"
                 f'      <text xml:space="preserve">\'\'\'{n}\'\'\' [[link|{n}]] {{{{cite|x=1}}}}\n== Part ==\n'.encode()
                 + self.damaged(html.escape("".join(c for c in text if c >= " " or c == "\n")).encode())
                 + b"</text>\n    </revision>\n  </page>\n" for n, text in enumerate(texts)]
        head = b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">\n  <siteinfo><sitename>Made up</sitename></siteinfo>\n'
        parts = [head] + [b"".join(pages[at:at + 20]) for at in range(0, len(pages), 20)] + [b"</mediawiki>\n"]
        return b"".join(map(bz2.compress, parts))

    def write(self, folder, documents):
        """Half in one large file that is cut, the rest in files of other sizes and formats."""
        def put(name, data):
            with open(name, "wb") as file:
                file.write(data)
        with open(os.path.join(folder, "a.jsonl"), "wb") as file:
            for _ in range(documents // 2):
                file.write(self.json_line(self.document()))
        rest, number = documents - documents // 2, 0
        zstd = shutil.which("zstd")
        while rest > 0:
            count = min(rest, self.random.randrange(1, max(3, documents // 20)))
            name, kind = os.path.join(folder, f"b{number:04}"), number % 6
            if kind == 2:
                count = min(count, 40)
            texts = [self.document() for _ in range(count)]
            if kind == 0:
                put(name + ".jsonl.bz2", bz2.compress(self.json_lines(texts), 1))
            elif kind == 1:
                put(name + ".jsonl.gz", gzip.compress(self.json_lines(texts), 1))
            elif kind == 2:
                os.mkdir(name)
                for i, text in enumerate(texts):
                    put(os.path.join(name, f"{i:03}.txt"), self.damaged(text.encode()))
            elif kind == 3 and zstd:
                put(name + ".jsonl.zst", subprocess.run([zstd, "-c"], input=self.json_lines(texts), capture_output=True, check=True).stdout)
            elif kind == 4:
                put(name + ".xml.bz2", self.dump(texts))
            else:
                put(name + ".sentences", self.sentences(texts))
            rest -= count
            number += 1
