"""For test_exports.py: what is taken of other people's folders, and what is refused. Rows behind the last token, heads
that are missing, a tokenizer with other settings."""
import json
import os
import re
import shutil
import subprocess

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file

from model_folders import BERTHA, bertha, load, same_bits

TOKENIZER = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")
WORDS, WORD_BIAS = "bert.embeddings.word_embeddings.weight", "cls.predictions.bias"
SENTENCES = torch.tensor([[2, 5, 17, 1999, 3], [2, 300, 3, 0, 0]])


def said(code, *arguments):
    """What the program says, which has to end with that code."""
    done = subprocess.run([BERTHA, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}, {done.stderr[-500:]}"
    return done.stderr


def load_as_told(told, folder):
    """A folder by the class that `export` recommends for it, without a key too few or too many."""
    kind, place = re.search(r'in Python: (\w+)\.from_pretrained\("(.*)"\)\n', told).groups()
    assert place == folder, (place, folder)
    return load(getattr(transformers, kind), folder)


def small_corpus(work, vocab):
    """Forty documents of six sentences of words of the vocabulary: soon evaluated."""
    corpus, text = os.path.join(work, "small corpus"), os.path.join(work, "small.txt")
    with open(vocab, encoding="utf-8") as file:
        words = [line.strip() for line in file if line.strip().isalpha()]
    random = numpy.random.default_rng(1)
    with open(text, "w", encoding="utf-8") as file:
        for _ in range(40):
            file.writelines(" ".join(random.choice(words, 8)) + ".\n" for _ in range(6))
            file.write("\n")
    bertha("prepare", "--input.paths", text, "--input.format", "sentences", "--tokenizer.vocab", vocab, "--prepare.output", corpus,
           "--prepare.validation_fraction", 0)
    return corpus


def copy_of(folder, target, rows=None, files=TOKENIZER):
    """A model folder whose weights by token have that many rows; new ones are no zeros, so that their use would show, but
    no word is ever expected there."""
    os.makedirs(target)
    weights = load_file(os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    for name in (WORDS, WORD_BIAS) if rows else ():
        more = torch.randn(max(0, rows - len(weights[name])), *weights[name].shape[1:]) - (500 if name == WORD_BIAS else 0)
        weights[name] = torch.cat([weights[name], more])[:rows].contiguous()
        config["vocab_size"] = rows
    save_file(weights, os.path.join(target, "model.safetensors"), {"format": "pt"})
    with open(os.path.join(target, "config.json"), "w") as file:
        json.dump(config, file)
    for name in files:
        shutil.copy(os.path.join(folder, name), target)
    return target


def one_step(corpus, source, target):
    """Pretraining that changes nothing: what the run writes is what it read."""
    told = said(0, "pretrain", "--data.corpus", corpus, "--train.init", source, "--train.steps", 1, "--train.global_batch", 4,
                "--optimizer.learning_rate", 0, "--train.output", target)
    return told, os.path.join(target, "checkpoints", "step-00000001")


def hidden_states(folder):
    with torch.no_grad():
        return load(transformers.AutoModelForPreTraining, folder).bert(
            SENTENCES, attention_mask=(SENTENCES > 0).long(), output_hidden_states=True).hidden_states


def check_padding(work, checkpoint, corpus):
    """Rows behind the last token are left out: as many as there are where the folder has its tokens, else up to 128."""
    tokens = len(load_file(os.path.join(checkpoint, "model.safetensors"))[WORDS])
    expected = json.loads(bertha("evaluate", "--train.init", checkpoint, "--data.corpus", corpus, "--json"))
    for rows, files in ((tokens + 6, TOKENIZER), (tokens + 1000, TOKENIZER), (tokens + 127, ())):
        padded = copy_of(checkpoint, os.path.join(work, f"padded {rows}"), rows, files)
        told, written = one_step(corpus, padded, padded + ", trained")
        assert f"{rows - tokens} padding rows behind its {tokens} tokens are left out" in told, told[-500:]
        assert len(load_file(os.path.join(written, "model.safetensors"))[WORDS]) == tokens
        assert transformers.AutoConfig.from_pretrained(written).vocab_size == tokens
        ours, theirs = hidden_states(written), hidden_states(padded)
        assert len(ours) == 3 and all(same_bits(a, b) for a, b in zip(ours, theirs, strict=True))
        said(0, "pretrain", "--train.dry_run", "true", "--data.corpus", corpus, "--train.init", padded, "--train.steps", 1,
             "--train.output", padded + ", dry")
        scores = json.loads(bertha("evaluate", "--train.init", padded, "--data.corpus", corpus, "--json"))
        assert abs(scores["loss"] - expected["loss"]) < 1e-5 and scores["mlm_accuracy"] == expected["mlm_accuracy"], scores
    for rows, files in ((tokens - 1, ()), (tokens + 128, ())):
        other = copy_of(checkpoint, os.path.join(work, f"other {rows}"), rows, files)
        told = said(65, "pretrain", "--data.corpus", corpus, "--train.init", other, "--train.steps", 1, "--train.output",
                    other + ", trained")
        assert re.search(rf"{WORDS} is \[{rows}, 128\].*--model.resize_vocabulary", told), told[-500:]
        told = said(65, "evaluate", "--train.init", other, "--data.corpus", corpus)
        assert f"has {rows} tokens" in told, told[-500:]
    print("padded rows: left out, and the hidden states are Transformers' of the padded model, bit for bit")


def check_missing_heads(corpus, base, masked_lm, pretraining):
    """`evaluate` tells no losses of heads that nobody trained."""
    evaluate = ("evaluate", "--data.corpus", corpus, "--json", "--train.init")
    told = said(65, *evaluate, base)
    assert re.search(r"error: .*has no cls.predictions.transform.*bertha pretrain --train.init", told, re.S), told[-500:]
    told = said(65, *evaluate, masked_lm, "--data.next_sentence", "true")
    assert re.search(r"error: .*has no bert.pooler.*--data.next_sentence false", told, re.S), told[-500:]
    scores = json.loads(bertha(*evaluate, masked_lm))
    assert "nsp_loss" not in scores and scores["loss"] == scores["mlm_loss"], scores
    assert scores == json.loads(bertha(*evaluate, masked_lm, "--data.next_sentence", "false"))
    assert "nsp_loss" in json.loads(bertha(*evaluate, pretraining))
    print("evaluate: heads that are not there are refused, or left out")


def check_casing(work, checkpoint, corpus):
    """A corpus whose text was made otherwise than the model's is refused; `prepare` takes the settings from the folder."""
    cased = copy_of(checkpoint, os.path.join(work, "cased"))
    with open(os.path.join(cased, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": "BertTokenizer", "do_lower_case": False}, file)
    train = ("pretrain", "--train.steps", 1, "--train.global_batch", 4, "--train.output", os.path.join(work, "uncased run"))
    for dry in ("true", "false"):
        told = said(65, *train, "--data.corpus", corpus, "--train.init", cased, "--train.dry_run", dry)
        assert re.search(r"made with lower_case false, strip_accents false, chinese_characters true; this was made with lower_case "
                         r"true, .*--tokenizer.lower_case false --tokenizer.strip_accents false", told, re.S), told[-800:]
    assert "lower_case false" in said(65, "evaluate", "--train.init", cased, "--data.corpus", corpus)
    told = said(0, *train, "--data.corpus", corpus, "--train.init", cased, "--train.dry_run", "true",
                "--model.resize_vocabulary", "true")
    assert "warning: " in told and "lower_case false" in told

    text = os.path.join(work, "text.txt")
    with open(text, "w") as file:
        file.write("\n\n".join(f"A Sentence of {word} Words.\nAnother One." for word in ("Some", "More", "Few")))
    made = os.path.join(work, "cased corpus")
    prepare = ("prepare", "--input.paths", text, "--prepare.output", made, "--prepare.validation_fraction", 0,
               "--tokenizer.vocab")

    def settings(*arguments):
        shutil.rmtree(made, ignore_errors=True)
        told = said(0, *prepare, *arguments)
        with open(os.path.join(made, "tokenizer_config.json")) as file:
            config = json.load(file)
        return told, [config[name] for name in ("do_lower_case", "strip_accents", "tokenize_chinese_chars")]
    vocab = os.path.join(cased, "vocab.txt")
    for place in (vocab, cased):
        told, taken = settings(place)
        assert taken == [False, False, True] and "tokenizer: lower_case false" in told, told
    said(0, *train, "--data.corpus", made, "--data.next_sentence", "false", "--train.init", cased, "--train.output",
         os.path.join(work, "cased run"))
    told, taken = settings(vocab, "--tokenizer.chinese_characters", "false", "--tokenizer.strip_accents", "true")
    assert taken == [False, True, False] and "warning: the text is made with lower_case false, strip_accents true" in told
    told, taken = settings(vocab, "--tokenizer.lower_case", "true")
    assert taken == [True, True, True] and "warning: " in told, told
    # A vocabulary that nothing is said of is judged by its letters.
    alone = os.path.join(work, "alone.txt")
    with open(vocab) as file, open(alone, "w") as out:
        out.writelines(f"{line[:-1]}Q\n" if i % 20 == 19 else line for i, line in enumerate(file))
    told, taken = settings(alone)
    assert taken == [True, True, True] and "tokens have capital letters" in told, told
    assert "capital letters" not in settings(alone, "--tokenizer.lower_case", "false")[0]
    told, _ = settings(shutil.copy(vocab, os.path.join(work, "plain.txt")), "--tokenizer.lower_case", "false")
    assert "has a capital letter" in told, told
    print("casing: another one than the model's is refused; prepare takes that of the vocabulary's folder")
