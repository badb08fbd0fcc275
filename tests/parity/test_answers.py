"""Question answering against its references, live: the windows of Transformers' fast tokenizer with
run_qa's labels, the choice of an answer over all windows, words and scores by the official rules: by
squad_rules.py, and by copies of the official scripts, of 2.0 in Transformers 4 and of 1.1 in AllenNLP
(launch/fetch_samples.py squad).

Real text is made of a Wikipedia dump. Files of SQuAD's JSON are tried as well: those that lie beside the script, in
$BERTHA_SAMPLES/squad, or those that BERTHA_SQUAD names instead."""
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import types
import unicodedata
from pathlib import Path

try:
    import transformers
    import squad_rules
    from tokens_peer import DUMPS, MINILM_VOCABULARY, SAMPLES, dump_text
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = f"{os.environ['BERTHA_BUILD']}/tests/answers_probe"
SCRIPT = SAMPLES / "squad/squad_metrics.py"
FIRST_SCRIPT = SAMPLES / "squad/squad_eval.py"
rng = random.Random(20241124)


def ask(requests):
    lines = "\n".join(json.dumps(request) for request in requests) + "\n"
    done = subprocess.run([PROBE, MINILM_VOCABULARY], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def official_script():
    """Its functions; what it takes from the rest of Transformers is for what we do not call."""
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("from ...", "logger = "))]
    functions = {}
    exec(compile("\n".join(kept), SCRIPT, "exec"), functions)
    return types.SimpleNamespace(**functions)


def first_script():
    """The official script of 1.1 as it stands."""
    functions = {"__name__": "squad_eval"}
    exec(compile(FIRST_SCRIPT.read_text(encoding="utf-8"), FIRST_SCRIPT, "exec"), functions)
    return types.SimpleNamespace(**functions)


def check_words(script, first):
    """Every known character below U+3000 and many above, as a word, in one, and between articles."""
    characters = [chr(c) for c in [*range(1, 0x3000), *range(0xA640, 0xAC00), *range(0xFE00, 0xFFFE),
                                   *range(0x10000, 0x10A00), *range(0x1D400, 0x1D800)]]
    # What this Python's Unicode does not know yet is no word to it, but may be one to ours.
    characters = [c for c in characters if unicodedata.category(c) != "Cn"]
    texts = [form.replace("{}", c) for c in characters for form in ("{}", "A{}b the{}", "an {}{}", "Σ{} aΣ{}the")]
    parts = ["a", "an", "the", "The", "A", " ", "  ", "\t", "\xa0", "\u3000", ".", "'", "-", "_", "“",
             "x", "1", "²", "½", "é", "e\u0301", "İ", "ΟΔΟΣ", "ß", "中", "\U0001f600", "\u200b", "\x1f"]
    texts += ["".join(rng.choices(parts, k=rng.randrange(12))) for _ in range(20_000)]
    for text, words in zip(texts, ask([dict(kind="words", text=text) for text in texts]), strict=True):
        assert words == squad_rules.normalized(text).split() == script.normalize_answer(text).split(), (text, words)
        assert words == first.normalize_answer(text).split(), (text, words)
    print(f"words: {len(texts)} texts alike")


def close(ours, theirs):
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


def compare_with_script(script, answers, ours):
    """Scores of 2.0: what was answered, and the best thresholds over the best answers there were."""
    examples = [types.SimpleNamespace(qas_id=i, answers=[dict(text=truth) for truth in answer["truths"]])
                for i, answer in enumerate(answers)]
    expected = script.squad_evaluate(examples, {i: answer["answer"] for i, answer in enumerate(answers)})
    best = {i: answer["best"] for i, answer in enumerate(answers)}
    differences = {i: answer["null_difference"] for i, answer in enumerate(answers)}
    has_answer = {i: bool(answer["truths"]) for i, answer in enumerate(answers)}
    for name, scores in zip(("exact", "f1"), script.get_raw_scores(examples, best)):
        percent, threshold = script.find_best_thresh(best, scores, differences, has_answer)
        assert close(ours[f"best_{name}"], percent), (answers, name, ours, percent)
        assert ours[f"best_{name}_thresh"] == threshold, (answers, name, ours, threshold)
    assert close(ours["exact_match"], expected["exact"]) and close(ours["f1"], expected["f1"])
    for name, value in expected.items():
        assert not name.startswith(("HasAns", "NoAns")) or close(ours[name], value), (answers, name, ours, value)


def compare_with_first_script(first, answers, ours):
    """Scores of 1.1, where each question has an answer: a document of one paragraph."""
    questions = [dict(id=str(i), answers=[dict(text=truth) for truth in answer["truths"]]) for i, answer in enumerate(answers)]
    expected = first.evaluate([dict(paragraphs=[dict(qas=questions)])],
                              {str(i): answer["answer"] for i, answer in enumerate(answers)})
    assert ours.keys() == expected.keys() == {"exact_match", "f1"}, (answers, ours, expected)
    assert all(close(ours[name], value) for name, value in expected.items()), (answers, ours, expected)


def check_scores(script, first):
    words = ["a", "the", "cat", "Cat", "dog.", "1066", "", "!", "été", "in 1066", "the cat"]

    def text():
        return " ".join(rng.choices(words, k=rng.randrange(5)))
    cases = [[]] + [[dict(answer="the", best="the", null_difference=0, truths=truths)]
                    for truths in ([], ["a"], ["the", "cat"], [""])]
    # Of 1.1: every pair, with one truth and with two, of what is nothing, articles, signs and words.
    odd = ["", "a", "The", ".", " ", "cat", "the cat", "Cat!", "cat cat", "a cat dog", "1,066", "\u00a0", "été", "²"]
    cases += [[dict(answer=answer, best=answer, null_difference=0, truths=truths)] for answer in odd
              for truths in [[truth] for truth in odd] + [["dog", truth] for truth in odd]]
    for _ in range(2000):
        with_null = rng.random() < 0.7
        answers = []
        for _ in range(rng.randrange(1, 15)):
            truths = [text() or "x" for _ in range(rng.randrange(0 if with_null else 1, 4))]
            best = rng.choice(truths) if truths and rng.random() < 0.5 else text()
            answers.append(dict(answer=rng.choice([best, ""]), best=best, truths=truths,
                                null_difference=rng.choice([rng.uniform(-9, 9), rng.randrange(-2, 3)])))
        cases.append(answers)
    firsts = 0
    for answers, ours in zip(cases, ask([dict(kind="scores", answers=a) for a in cases]), strict=True):
        if answers and all(answer["truths"] for answer in answers):
            compare_with_first_script(first, answers, ours)
            firsts += 1
        expected = squad_rules.scores_of(answers) if answers else dict(exact_match=0, f1=0)
        assert ours.keys() == expected.keys(), (ours, expected)
        for name, value in expected.items():
            assert close(ours[name], value), (answers, name, ours, value)
        if "best_exact" in ours:
            compare_with_script(script, answers, ours)
    assert firsts > 800, firsts
    print(f"scores: {len(cases)} cases alike, {firsts} of them by the official script of 1.1")


def random_window(context_tokens, begin, tied):
    """Places of tokens as text gives them, and scores: of real numbers, or of few values."""
    places = [None] * rng.randrange(2, 6) + [[3 * i, 3 * i + 2] for i in
                                             range(begin, begin + context_tokens)] + [None]
    number = (lambda: float(rng.randrange(3))) if tied else (lambda: rng.randrange(-4000, 4000) / 256)
    return places, [(number(), number()) for _ in places]


def check_choices():
    cases = []
    for _ in range(3000):
        tied, size = rng.random() < 0.3, rng.choice([0, 1, 3, 10, 60])
        windows = [random_window(size, i * max(1, size // 2), tied) for i in range(rng.randrange(1, 4))]
        cases.append((windows, dict(n_best=rng.choice([1, 2, 5, 20]), may_be_missing=rng.random() < 0.5,
                                    max_answer_length=rng.choice([1, 3, 30]),
                                    null_threshold=rng.choice([0, -3, 5]))))
    requests = [dict(kind="choice", **options, windows=[
        dict(places=places, outputs=[x for pair in outputs for x in pair]) for places, outputs in windows])
        for windows, options in cases]
    for (windows, options), ours in zip(cases, ask(requests), strict=True):
        expected = squad_rules.choose(windows, **options)
        assert ours["answer"][:2] == expected["answer"], (windows, options, ours, expected)
        assert ours["best"][:2] == expected["best"] and close(ours["null_difference"],
                                                              expected["null_difference"])
        assert len(ours["n_best"]) == len(expected["n_best"]), (options, ours, expected)
        for a, b in zip(ours["n_best"], expected["n_best"]):
            assert a[:2] == b[:2] and all(map(close, a, b)), (options, ours, expected)
    print(f"choice of answers: {len(cases)} cases alike")


def odd_context():
    """Accents, ideographs, emoji, marks of their own, characters that go or become several."""
    parts = ["Café", "e\u0301te\u0301", "naïve", "中文", "東京タワー", "\U0001f600", "👩‍👩‍👧", "각하", "İstanbul",
             "ﬁn", "½", "ΟΔΟΣ", "\u200b", "\ufffd", "a\u00adb", "Ünïcödé", "المدرسة", "हिन्दी", "1,234.56",
             "don't", "(x)", "\x07", "unaffordable", "Zwölfboxkämpfer", "word", "the", "of"]
    return rng.choice([" ", "  ", "\n"]).join(rng.choices(parts, k=rng.randrange(1, 60)))


def random_questions(contexts):
    paragraphs = []
    for number, context in enumerate(contexts):
        questions = []
        for i in range(4):
            answers = []
            for _ in range(rng.randrange(4)):
                begin = rng.randrange(len(context))
                text = context[begin:begin + rng.choice([1, 5, 20, 200])]
                answers.append(dict(text=text, answer_start=begin))
            words = context.split()
            asked = " ".join(rng.choices(words, k=rng.choice([0, 3, 8, 30]))) if words else ""
            questions.append(dict(id=f"{number}-{i}", question=asked + "?", answers=answers,
                                  is_impossible=not answers))
        last = context.split()[-1] if context.split() else context  # an answer in the last token
        questions.append(dict(id=f"{number}-last", question="?",
                              answers=[dict(text=last, answer_start=context.rindex(last))]))
        paragraphs.append(dict(context=context, qas=questions))
    return dict(version="v2.0", data=[dict(title="t", paragraphs=paragraphs)])


def check_windows(name, file, tokenizer, settings):
    """settings: (max_length, max_query_length, document_stride)."""
    squad = json.loads(Path(file).read_text(encoding="utf-8"))
    keys = "max_length", "max_query_length", "document_stride"
    rows = ask([dict(kind="windows", file=str(file), **dict(zip(keys, settings)))])[0]
    windows = labelled = 0
    for row, (id, question, context, answers) in zip(rows, squad_rules.questions_of(squad), strict=True):
        expected = list(squad_rules.windows_of(tokenizer, question, context, *settings))
        assert row["id"] == id and len(row["windows"]) == len(expected), (id, len(row["windows"]))
        for ours, theirs in zip(row["windows"], expected):
            for part in ("tokens", "segments", "places"):
                assert ours[part] == theirs[part], (id, question, context, part, ours, theirs)
            labels = squad_rules.labels_of(theirs["places"], answers)
            assert ours["labels"] == labels, (id, context, answers, ours, labels)
            windows, labelled = windows + 1, labelled + (labels != [0, 0])
    print(f"{name}: {len(rows)} questions, {windows} windows, {labelled} with the answer, alike")


def squad_files():
    named = os.environ.get("BERTHA_SQUAD", "").split()
    files = named or sorted(map(str, SCRIPT.parent.glob("*.json")))
    if not files:
        print(f"no file of SQuAD in {SCRIPT.parent}, none named by BERTHA_SQUAD: not tried")
    return files


def main():
    if not MINILM_VOCABULARY.exists() or not DUMPS[0].exists() or not SCRIPT.exists() \
            or not FIRST_SCRIPT.exists():
        print("skipped: no samples (launch/fetch_samples.py minilm, wikipedia, squad)")
        sys.exit(77)
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(MINILM_VOCABULARY.parent)
    script = official_script()
    first = first_script()
    check_words(script, first)
    check_scores(script, first)
    check_choices()
    with tempfile.TemporaryDirectory() as folder:
        texts = [line for dump in DUMPS if dump.exists() for line in dump_text(dump).splitlines()
                 if 300 < len(line) and "[SEP]" not in line and "[MASK]" not in line]
        texts = [re.sub(r"[\[\]{}|=']+", " ", text)[:6000] for text in rng.sample(texts, 60)]
        odd = [odd_context() for _ in range(150)]
        for name, contexts, settings in (("Wikipedia", texts, (384, 64, 128)),
                                         ("short windows", texts[:20], (48, 16, 9)),
                                         ("odd texts", odd, (384, 64, 128)),
                                         ("odd texts, short windows", odd, (40, 20, 5))):
            file = Path(folder) / "squad.json"
            file.write_text(json.dumps(random_questions(contexts), ensure_ascii=rng.random() < 0.5),
                            encoding="utf-8")
            check_windows(name, file, tokenizer, settings)
        for file in squad_files():
            check_windows(Path(file).name, file, tokenizer, (384, 64, 128))
            check_windows(Path(file).name, file, tokenizer, (128, 64, 32))


if __name__ == "__main__":
    main()
