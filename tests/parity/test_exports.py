"""`bertha export`, live: each class of Transformers loads what is made for it without a key too few, too many or of
another shape; folders with NVIDIA's names, in several files or of a base model come out as Transformers has them;
what is exported and imported again keeps every bit; what they would not load whole is refused; its tokenizer is ours; cased and Chinese text go the whole way, too."""
import json
import os
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file

from export_checks import check_hostile, check_unusual
from import_checks import TOKENIZER, check_casing, check_missing_heads, check_padding, load_as_told, said, small_corpus
from model_folders import SAMPLES, TEXT, bertha, load, make_run, same_bits
from text_kinds import check_text_kinds
from tokens_peer import DUMPS, dump_text, our_ids

AUTO_CLASSES = dict(base="AutoModel", masked_lm="AutoModelForMaskedLM", pretraining="AutoModelForPreTraining",
                    next_sentence="AutoModelForNextSentencePrediction")
# Others that open the same folders whole. A causal model without is_decoder sees both sides, as the masked one does.
MORE_CLASSES = dict(base=["AutoModelForTextEncoding"], masked_lm=["AutoModelForCausalLM"])
# Of NVIDIA's DeepLearningExamples (modeling.py: LinearActivation is called dense_act), and of BERT's first ports to
# PyTorch (gamma, beta), whose names its older files have.
NVIDIA_NAMES = [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"),
                ("intermediate.dense.", "intermediate.dense_act."), ("pooler.dense.", "pooler.dense_act."),
                ("transform.dense.", "transform.dense_act.")]
# What NVIDIA's bert_config.json says; neither model_type nor architectures.
NVIDIA_FIELDS = ("attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "initializer_range",
                 "intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers",
                 "type_vocab_size", "vocab_size")


def export(source, target, **options):
    told = said(0, "export", "--train.init", source, "--train.output", target,
                *(part for name, value in options.items() for part in (f"--export.{name}", value)))
    load_as_told(told, target)
    return target


def check_tokenizer(folder, vocab):
    """AutoTokenizer of the folder gives our ids, on real text."""
    if not os.path.exists(TEXT):
        return print(f"{TEXT} is not here: its tokens are not compared")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [line for line in dump_text(DUMPS[0]).splitlines()[:4000]
             if line.strip() and not any(special in line for special in tokenizer.all_special_tokens)]
    theirs = tokenizer(texts, add_special_tokens=False, truncation=False)["input_ids"]
    ours = [ids.tolist() for ids in our_ids(vocab, "111", texts)]
    assert sum(map(len, ours)) > 50_000
    for text, a, b in zip(texts, ours, theirs, strict=True):
        assert a == b, (text, a, b)
    print(f"tokenizer: {len(texts)} lines, {sum(map(len, ours))} tokens alike")


def check_auto_classes(work, run):
    """In fp32 and in bf16, with the weights of the checkpoint to the bit; config too."""
    weights = load_file(os.path.join(run, "checkpoints", "step-00000002", "model.safetensors"))
    for form, name in AUTO_CLASSES.items():
        for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            folder = export(run, os.path.join(work, f"{form} {precision}"), model=form, precision=precision)
            model = load(getattr(transformers, name), folder)
            assert model.dtype == dtype, (form, precision, model.dtype)
            assert transformers.AutoConfig.from_pretrained(folder).architectures == [type(model).__name__]
            assert len(transformers.AutoTokenizer.from_pretrained(folder)) == model.config.vocab_size
            loaded = model.state_dict()
            for key, value in weights.items():
                key = key.removeprefix("bert.") if form == "base" else key
                if key in loaded:
                    assert torch.equal(loaded[key], value.to(dtype)), (form, precision, key)
            with torch.no_grad():
                expected = model(input_ids=torch.tensor([[2, 5, 9, 3]]))[0]
                for other in MORE_CLASSES.get(form, ()):
                    output = load(getattr(transformers, other), folder)(input_ids=torch.tensor([[2, 5, 9, 3]]))[0]
                    assert torch.equal(output, expected), (form, other)
    print(f"{len(AUTO_CLASSES) + len(MORE_CLASSES)} Auto classes, fp32 and bf16: no missing, unexpected or mismatched key")


def check_import(work, run, corpus):
    """import(export(x)) is x: a step without a learning rate after an export keeps every bit that was exported."""
    before = load_file(os.path.join(run, "checkpoints", "step-00000002", "model.safetensors"))
    kept = dict(auto=lambda name: True, base=lambda name: name.startswith("bert."),
                masked_lm=lambda name: not name.startswith(("bert.pooler.", "cls.seq_relationship.")))
    for form, precision in (("auto", "auto"), ("auto", "bf16"), ("base", "auto"), ("masked_lm", "auto")):
        exported, again = (os.path.join(work, f"{kind} {form} {precision}") for kind in ("out", "in"))
        export(run, exported, model=form, precision=precision)
        bertha("pretrain", "--data.corpus", corpus, "--train.init", exported, "--train.steps", 1,
               "--train.global_batch", 4, "--optimizer.learning_rate", 0, "--train.output", again,
               *(("--data.next_sentence", "false") if form == "masked_lm" else ()))
        after = load_file(os.path.join(again, "checkpoints", "step-00000001", "model.safetensors"))
        expected = {name: value for name, value in before.items() if kept[form](name)}
        assert set(after) == (set(before) if form == "base" else set(expected)), set(after) ^ set(expected)
        for name, value in expected.items():
            value = value if precision == "auto" else value.to(torch.bfloat16).float()
            assert same_bits(value, after[name]), (form, precision, name)
        print(f"exported ({form}, {precision}) and imported again: {len(expected)} weights equal bit for bit")


def same_weights(model, weights):
    """Every weight of a loaded model is that of `weights` (our names), to the bit."""
    prefix = "bert." if type(model) is transformers.BertModel else ""
    for name, value in model.named_parameters():
        assert same_bits(value.detach(), weights[prefix + name]), name


def check_foreign_names(work, checkpoint):
    """NVIDIA's names, its copy of the word embeddings as decoder, its config.json."""
    weights = load_file(os.path.join(checkpoint, "model.safetensors"))
    folder = os.path.join(work, "nvidia")
    os.makedirs(folder)
    foreign = {"cls.predictions.decoder.weight": weights["bert.embeddings.word_embeddings.weight"].clone()}
    for name, value in weights.items():
        for ours, theirs in NVIDIA_NAMES:
            name = name.replace(ours, theirs)
        foreign[name] = value
    assert sum(name not in weights for name in foreign) > 10
    save_file(foreign, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(checkpoint, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({name: config[name] for name in NVIDIA_FIELDS}, file)
    shutil.copy(os.path.join(checkpoint, "vocab.txt"), folder)
    for form, name in dict(auto="AutoModelForPreTraining", **AUTO_CLASSES).items():
        out = export(folder, os.path.join(work, "nvidia " + form), model=form)
        model = load(getattr(transformers, name), out)
        assert transformers.AutoConfig.from_pretrained(out).architectures == [type(model).__name__]
        same_weights(model, weights)
    print(f"NVIDIA's names: {len(foreign)} weights exported for {1 + len(AUTO_CLASSES)} classes")


def check_shards(work, checkpoint):
    """Folders whose weights Transformers wrote into several files, with a head and without."""
    weights = load_file(os.path.join(checkpoint, "model.safetensors"))
    for name in ("AutoModelForPreTraining", "AutoModel"):
        folder = os.path.join(work, name + " in shards")
        kind = getattr(transformers, name)
        kind.from_pretrained(checkpoint).save_pretrained(folder, max_shard_size="500KB")
        shards = [file for file in os.listdir(folder) if file.endswith(".safetensors")]
        assert len(shards) > 1 and "model.safetensors" not in shards, shards
        for file in TOKENIZER:
            shutil.copy(os.path.join(checkpoint, file), folder)
        out = export(folder, folder + ", exported")
        model = load(kind, out)
        same_weights(model, weights)
        assert os.path.exists(os.path.join(out, "model.safetensors"))
        assert not os.path.exists(os.path.join(out, "model.safetensors.index.json"))
        print(f"{name} in {len(shards)} files: exported as one")


def check_base_model(work):
    """all-MiniLM-L6-v2, whose file holds a buffer: exported without it, under BertModel's own names."""
    folder = os.path.join(SAMPLES, "minilm")
    if not os.path.exists(os.path.join(folder, "model.safetensors")):
        return print("all-MiniLM-L6-v2 is not here: not tried")
    out = export(folder, os.path.join(work, "minilm"))
    model = load(transformers.AutoModel, out)
    names = load_file(os.path.join(out, "model.safetensors"))
    assert set(names) == {name for name, _ in model.named_parameters()}, set(names)
    weights = load_file(os.path.join(folder, "model.safetensors"))
    assert all(same_bits(value, weights[name]) for name, value in names.items())
    print(f"all-MiniLM-L6-v2: {len(names)} weights exported as they are")


def main():
    with tempfile.TemporaryDirectory() as work:
        vocab, corpus, run = make_run(work)
        checkpoint = os.path.join(run, "checkpoints", "step-00000002")
        check_tokenizer(export(run, os.path.join(work, "plain")), vocab)
        check_auto_classes(work, run)
        check_import(work, run, corpus)
        small = small_corpus(work, vocab)
        check_missing_heads(small, *(os.path.join(work, f"{form} fp32") for form in ("base", "masked_lm", "pretraining")))
        check_padding(work, checkpoint, small)
        check_casing(work, checkpoint, small)
        check_foreign_names(work, checkpoint)
        check_shards(work, checkpoint)
        check_base_model(work)
        check_hostile(work, checkpoint)
        check_unusual(work, checkpoint)
        check_text_kinds(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
