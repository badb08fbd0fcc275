"""For test_exports.py: what `export` refuses, before it writes anything, because Transformers would load it with keys too
few, too many or of another shape, or with weights that are no numbers; and what it takes nevertheless."""
import json
import os
import re

import transformers
from safetensors.torch import load_file, save_file

from import_checks import TOKENIZER, copy_of, load_as_told, said
from model_folders import load, same_bits

QUERY = "bert.encoder.layer.0.attention.self.query.weight"
EXTRA = QUERY.replace("layer.0", "layer.2")


def changed(work, checkpoint, name, change=lambda weights: None, files=TOKENIZER, **fields):
    """A copy of the folder whose weights went through `change`, with other fields in its config.json (None: without)."""
    folder = copy_of(checkpoint, os.path.join(work, "changed " + name), files=files)
    path = os.path.join(folder, "model.safetensors")
    weights = load_file(path)
    new = change(weights)
    save_file(weights if new is None else new, path, {"format": "pt"})
    with open(os.path.join(folder, "config.json")) as file:
        config = {**json.load(file), **fields}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({field: value for field, value in config.items() if value is not None}, file)
    return folder


def check_hostile(work, checkpoint):
    """With export.model and without: 65, one line that names the weight, and nothing written."""
    def without(*names):
        return lambda weights: {name: value for name, value in weights.items() if not name.startswith(names)}

    def spoilt(weights):
        weights[QUERY][3, 5] = float("nan")
    hostile = {
        "empty": (lambda weights: {}, {}, r"lacks \d+ weight\(s\) of the encoder"),
        "lacks": (without(QUERY), {}, r"lacks 1 weight\(s\) of the encoder, first " + QUERY),
        "extra": (lambda weights: weights.update({EXTRA: weights[QUERY].clone()}), {}, EXTRA),
        "few layers": (lambda weights: None, dict(num_hidden_layers=1), "layer.1.*no place"),
        "many layers": (lambda weights: None, dict(num_hidden_layers=3), r"lacks 16 weight\(s\)"),
        "wide": (lambda weights: None, dict(hidden_size=256), r"is \[.*128\], but \[.*256\] by its config.json"),
        "words": (lambda weights: None, dict(vocab_size=1995), r"where its last rows are padding, make its vocab_size 2000"),
        "integers": (lambda weights: weights.update({QUERY: weights[QUERY].int()}), {}, QUERY + " is of type Int"),
        "no numbers": (spoilt, {}, QUERY + " holds values that are no finite numbers"),
        "twice": (lambda weights: weights.update({QUERY.removeprefix("bert."): weights[QUERY].clone()}), {}, "two weights that mean " + QUERY)}
    out = os.path.join(work, "hostile, exported")
    for name, (change, fields, pattern) in hostile.items():
        folder = changed(work, checkpoint, name, change, **fields)
        for form in ("auto", "base", "pretraining", "masked_lm"):
            told = said(65, "export", "--train.init", folder, "--train.output", out, "--export.model", form)
            assert re.search(rf"bertha: error: .*{pattern}", told, re.S), (name, form, told[-500:])
            assert not os.path.exists(out) and not os.path.exists(out + ".staging"), (name, form)
    # Heads: by the class that config.json names. What is left out need not be whole.
    headless = changed(work, checkpoint, "headless", without("cls.seq_relationship.bias"))
    told = said(65, "export", "--train.init", headless, "--train.output", out)
    assert "has no cls.seq_relationship.bias, which a BertForPreTraining needs" in told, told[-500:]
    assert not os.path.exists(out)
    for form, kind in (("base", "AutoModel"), ("masked_lm", "AutoModelForMaskedLM")):
        folder = os.path.join(work, "headless " + form)
        said(0, "export", "--train.init", headless, "--train.output", folder, "--export.model", form)
        load(getattr(transformers, kind), folder)
    print(f"{len(hostile)} folders that Transformers would not load whole: refused")


def check_unusual(work, checkpoint):
    """Taken, with a warning where something is missing: no pooler, no tokenizer, heads beside the named class's, a class of
    somebody else."""
    weights = load_file(os.path.join(checkpoint, "model.safetensors"))
    bare = changed(work, checkpoint, "bare", lambda all: {name.removeprefix("bert."): value for name, value in all.items()
                                                         if name.startswith("bert.") and ".pooler." not in name},
                   files=(), architectures=["BertModel"])
    out = bare + ", exported"
    told = said(0, "export", "--train.init", bare, "--train.output", out)
    assert re.search("warning: .*has no pooler", told) and re.search("warning: .*has no vocab.txt", told), told[-800:]
    _, report = transformers.BertModel.from_pretrained(out, add_pooling_layer=False, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    for name, kind in (("BertForMaskedLM", transformers.BertForMaskedLM), ("SomebodysModel", None)):
        folder = changed(work, checkpoint, name, architectures=[name])
        told = said(0, "export", "--train.init", folder, "--train.output", folder + ", exported")
        assert ("warning: " in told) == (kind is not None), told[-500:]
        if kind:
            assert "4 weight(s) that a BertForMaskedLM does not know, first " in told, told[-500:]
        kept = load_file(os.path.join(folder + ", exported", "model.safetensors"))
        assert kept.keys() == weights.keys() and all(same_bits(value, weights[key]) for key, value in kept.items()), name
    # Without a class of its own: named by its weights.
    folder = changed(work, checkpoint, "unnamed", architectures=None)
    told = said(0, "export", "--train.init", folder, "--train.output", folder + ", exported")
    assert "warning: " not in told and type(load_as_told(told, folder + ", exported")) is transformers.BertForPreTraining
    print("no pooler, no tokenizer, more heads, another class, none: exported")
