"""Our BERT against Transformers, live: hidden states, logits, losses and every gradient, on the
reference path and on the fused one.

fp32, dropout off: each tensor within 1e-5 relative (norm of the difference over the norm of
Transformers' own). With dropout on: Transformers runs with masks computed here, in numpy, from the
definition in trainer/kernels/cpu/dropout.cpp, so place, site number and scale of each dropout are
checked too. bf16: the loss within 2 % of fp32, gradients within 10 degrees.
"""
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

try:
    import numpy as np
    import torch
    import transformers
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = os.environ.get("BERTHA_MODEL_PROBE") or f"{os.environ['BERTHA_BUILD']}/tests/model_probe"
PATHS = ("reference", "fused")
RELATIVE = 1e-5
# Gradients that are zero in exact arithmetic are rounding noise in both: bounded by this part of the
# largest gradient of the model instead.
NOISE = 1e-6
SEED, STEP = 1234567890123, 77


@dataclass
class Case:
    name: str
    architecture: str
    lengths: list
    config: dict = field(default_factory=dict)
    masked: float = 0.15  # share of tokens that are predicted
    labels: int = 3
    several: bool = False   # multi-label
    training: bool = False  # dropout
    scale: float = 3.0      # of the random weights over Transformers' initial ones


SHAPE = dict(vocab_size=1003, hidden_size=72, num_hidden_layers=3, num_attention_heads=6,
             intermediate_size=130, max_position_embeddings=130)
CASES = [
    Case("pretraining, mixed lengths with one token", "BertForPreTraining", [1, 7, 128, 33, 2, 64]),
    Case("pretraining, equal lengths", "BertForPreTraining", [40] * 5),
    Case("pretraining, initial scale", "BertForPreTraining", [31, 64, 90], scale=1.0),
    Case("pretraining, one sequence of one token", "BertForPreTraining", [1], masked=1.0),
    Case("pretraining, nothing masked", "BertForPreTraining", [9, 12], masked=0.0),
    Case("pretraining, 512 tokens", "BertForPreTraining", [512, 100, 511],
         dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("pretraining, one head, gelu_new", "BertForPreTraining", [5, 30, 17],
         dict(hidden_size=33, num_attention_heads=1, hidden_act="gelu_new", intermediate_size=7)),
    Case("pretraining, heads of size 1, relu, three segments", "BertForPreTraining", [5, 30, 17],
         dict(hidden_size=12, num_attention_heads=12, hidden_act="relu", type_vocab_size=3,
              layer_norm_eps=1e-5)),
    Case("pretraining, no padding token", "BertForPreTraining", [11, 30], dict(pad_token_id=None)),
    Case("pretraining, tiny", "BertForPreTraining", [128] * 4 + [60, 20],
         dict(vocab_size=30522, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
              intermediate_size=512, max_position_embeddings=512)),
    Case("masked language model", "BertForMaskedLM", [18, 64, 1]),
    Case("classification", "BertForSequenceClassification", [18, 64, 1, 30], labels=5),
    Case("regression", "BertForSequenceClassification", [18, 64, 1, 30], labels=1),
    Case("token classification", "BertForTokenClassification", [18, 64, 1, 30], labels=7),
    Case("question answering", "BertForQuestionAnswering", [18, 64, 1, 30], labels=2),
    Case("multi-label", "BertForSequenceClassification", [18, 64, 1, 30], labels=4, several=True),
    Case("multi-label, one label", "BertForSequenceClassification", [7, 3], labels=1, several=True),
    Case("token classification, 512 tokens", "BertForTokenClassification", [512, 1, 300], labels=13,
         config=dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("question answering, 512 tokens", "BertForQuestionAnswering", [512, 1, 300], labels=2,
         config=dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("question answering, one token", "BertForQuestionAnswering", [2], labels=2),
    Case("base model", "BertModel", [18, 64, 1, 30]),
    Case("dropout, pretraining", "BertForPreTraining", [48] * 3, training=True),
    Case("dropout, classification", "BertForSequenceClassification", [21], training=True,
         config=dict(classifier_dropout=0.4)),
    Case("dropout, token classification", "BertForTokenClassification", [21] * 2, training=True),
    Case("dropout, question answering", "BertForQuestionAnswering", [21], labels=2, training=True),
    Case("dropout, multi-label", "BertForSequenceClassification", [21] * 3, training=True,
         several=True),
]


def make_model(case):
    torch.manual_seed(len(case.name))
    shape = {**SHAPE, **case.config}
    rates = dict(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3) if case.training else \
        dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config = transformers.BertConfig(**shape, **rates, num_labels=case.labels)
    if case.several:
        config.problem_type = "multi_label_classification"
    config._attn_implementation = "eager"
    model = getattr(transformers, case.architecture)(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif parameter.dim() == 1:
                parameter.copy_(torch.randn_like(parameter) * 0.05)
            else:
                parameter.mul_(case.scale)
    model.train(case.training)
    return model


def make_batch(case, config):
    random = np.random.default_rng(len(case.name))
    tokens = sum(case.lengths)
    count = len(case.lengths)
    offsets = np.concatenate([[0], np.cumsum(case.lengths)])
    batch = {
        "tokens": random.integers(1, config.vocab_size, tokens),
        "segments": np.concatenate([np.sort(random.integers(0, config.type_vocab_size, length))
                                    for length in case.lengths]),
        "positions": np.concatenate([np.arange(length) for length in case.lengths]),
        "sequence_offsets": offsets,
        "sample_numbers": random.integers(0, 2**62, count),
    }
    batch["tokens"][:: 10] = 0  # the padding token as a real one: Transformers gives it no gradient
    chosen = np.flatnonzero(random.random(tokens) < case.masked)
    if case.masked > 0 and chosen.size == 0:
        chosen = np.array([0])
    batch["masked_positions"] = chosen
    batch["masked_labels"] = random.integers(0, config.vocab_size, chosen.size)
    batch["next_sentence"] = random.integers(0, 2, count)
    batch["answers"] = np.stack([random.integers(0, case.lengths), random.integers(0, case.lengths)],
                                axis=1)
    batch = {name: torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
             for name, values in batch.items()}
    if case.architecture == "BertForTokenClassification":
        batch["labels"] = torch.from_numpy(random.integers(0, case.labels, tokens))
        batch["labels"][::4] = -100
    elif case.several:
        batch["labels"] = torch.from_numpy(
            random.integers(0, 2, (count, case.labels)).astype(np.float32))
    elif case.labels == 1:
        batch["labels"] = torch.from_numpy(random.standard_normal(count).astype(np.float32))
    else:
        batch["labels"] = torch.from_numpy(random.integers(0, case.labels, count))
    return batch


def padded(values, lengths, fill):
    return torch.nn.utils.rnn.pad_sequence(torch.split(values, lengths), batch_first=True,
                                           padding_value=fill)


def run_transformers(case, model, batch):
    """Loss, outputs by name and gradients by name; padded as a user of Transformers pads."""
    lengths = case.lengths
    inputs = dict(input_ids=padded(batch["tokens"], lengths, 0),
                  token_type_ids=padded(batch["segments"], lengths, 0),
                  attention_mask=padded(torch.ones_like(batch["tokens"]), lengths, 0),
                  output_hidden_states=True)
    real = inputs["attention_mask"].bool()
    labels = torch.full_like(batch["tokens"], -100)
    labels[batch["masked_positions"]] = batch["masked_labels"]
    masked = padded(labels, lengths, -100)
    results = {}
    if case.architecture == "BertForPreTraining":
        output = model(**inputs, labels=masked, next_sentence_label=batch["next_sentence"])
        loss = output.loss
        results["next_logits"] = output.seq_relationship_logits
        if batch["masked_labels"].numel():
            results["logits"] = output.prediction_logits[masked != -100]
        else:  # Transformers' mean over nothing is not a number
            loss = torch.nn.functional.cross_entropy(output.seq_relationship_logits,
                                                     batch["next_sentence"])
    elif case.architecture == "BertForMaskedLM":
        output = model(**inputs, labels=masked)
        loss, results["logits"] = output.loss, output.logits[masked != -100]
    elif case.architecture == "BertForTokenClassification":
        output = model(**inputs, labels=padded(batch["labels"], lengths, -100))
        loss, results["logits"] = output.loss, output.logits[real]
    elif case.architecture == "BertForQuestionAnswering":
        # Transformers lets an answer start in the padding: one sequence at a time, without any.
        loss, starts, hidden = 0, [], []
        for i, length in enumerate(lengths):
            one = {name: value[i:i + 1, :length] for name, value in inputs.items()
                   if torch.is_tensor(value)}
            output = model(**one, output_hidden_states=True,
                           start_positions=batch["answers"][i:i + 1, 0],
                           end_positions=batch["answers"][i:i + 1, 1])
            loss = loss + output.loss / len(lengths)
            starts.append(torch.stack([output.start_logits[0], output.end_logits[0]], dim=1))
            hidden.append(output.hidden_states[-1][0])
        results["logits"], results["hidden"] = torch.cat(starts), torch.cat(hidden)
    elif case.architecture == "BertModel":
        output = model(**inputs)
        loss, results["pooled"] = output.pooler_output.pow(2).sum(), output.pooler_output
    else:
        output = model(**inputs, labels=batch["labels"])
        loss, results["logits"] = output.loss, output.logits
    results.setdefault("hidden", output.hidden_states[-1][real] if "hidden" not in results else None)
    loss.backward()
    prefix = "bert." if case.architecture == "BertModel" else ""
    gradients = {prefix + name: torch.zeros_like(parameter) if parameter.grad is None
                 else parameter.grad for name, parameter in model.named_parameters()}
    return loss.detach(), {name: value.detach() for name, value in results.items()}, gradients


class DropoutMasks:
    """Masks from the definition in dropout.cpp, handed to Transformers in the order it asks."""

    def __init__(self, case, config, samples):
        self.case, self.config, self.samples, self.calls = case, config, samples, 0

    def site(self):
        # Transformers' order: embeddings; by layer attention, its output, output; the classifier.
        call = self.calls
        self.calls += 1
        if call > 3 * self.config.num_hidden_layers:
            return 1
        return 0 if call == 0 else call + 1

    def __call__(self, values, p=0.5, training=True, inplace=False):
        if not training or p == 0:
            return values
        site, shape = self.site(), values.shape
        rows, columns = math.prod(shape[1:-1]), shape[-1]
        masks = [philox_mask(SEED, STEP, site, int(sample), rows, columns, p)
                 for sample in self.samples]
        return values * torch.from_numpy(np.stack(masks)).reshape(shape)


def philox(counter, key0, key1):
    c = [np.broadcast_to(np.asarray(word, dtype=np.uint64), np.broadcast_shapes(
        *[np.shape(w) for w in counter])) for word in counter]
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> shift) ^ c[1] ^ np.uint64(key0), p1 & mask,
             (p0 >> shift) ^ c[3] ^ np.uint64(key1), p0 & mask]
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def philox_mask(seed, step, site, sample, rows, columns, rate):
    low, high = (lambda value: value & 0xFFFFFFFF), (lambda value: value >> 32)
    key = philox([low(step), high(step), site, 0], low(seed),
                 high(seed) ^ (5 * 0x85EBCA6B & 0xFFFFFFFF))
    blocks = np.arange((columns + 3) // 4)[None, :]
    words = philox([blocks, np.arange(rows)[:, None], low(sample), high(sample)],
                   int(key[0]), int(key[1]))
    words = np.stack(words, axis=-1).reshape(rows, -1)[:, :columns]
    return np.where(words < round(rate * 2**32), 0, 1 / (1 - rate)).astype(np.float32)


def run_probe(case, folder, model, batch, precision, path):
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = [case.architecture]
    (folder / "config.json").write_text(json.dumps(config))
    prefix = "bert." if case.architecture == "BertModel" else ""
    save_file({prefix + name: value.detach().contiguous()
               for name, value in model.named_parameters()}, folder / "weights.safetensors")
    save_file(batch, folder / "batch.safetensors")
    request = dict(config=str(folder / "config.json"), weights=str(folder / "weights.safetensors"),
                   batch=str(folder / "batch.safetensors"), architecture=case.architecture,
                   output=str(folder / "output.safetensors"), precision=precision,
                   implementation=path, config_output=str(folder / "written" / "config.json"),
                   training=case.training, seed=SEED, step=STEP)
    (folder / "written").mkdir(exist_ok=True)
    (folder / "request.json").write_text(json.dumps(request))
    subprocess.run([PROBE, folder / "request.json"], check=True)
    return load_file(folder / "output.safetensors")


def distance(ours, theirs):
    return float((ours.double() - theirs.double()).norm())


def is_zero_in_exact_arithmetic(case, name):
    """A softmax does not see a shift of all its inputs: not of attention scores by the key bias, not
    of the scores of all places of a question's answer."""
    last = f"bert.encoder.layer.{case.config.get('num_hidden_layers', 3) - 1}.output.LayerNorm.bias"
    return name.endswith("key.bias") or (
        case.architecture == "BertForQuestionAnswering" and name in ("qa_outputs.bias", last))


def compare(case, ours, loss, results, gradients):
    """Largest relative errors; raises on anything over the bounds or missing."""
    worst_value, worst_gradient = 0.0, 0.0
    for name, theirs in {**results, "loss": loss.reshape(1)}.items():
        error = distance(ours[name].reshape(theirs.shape), theirs) / float(theirs.norm())
        assert error <= RELATIVE, f"{case.name}: {name} is off by {error:.2e}"
        worst_value = max(worst_value, error)
    names = {name.removeprefix("gradient ") for name in ours if name.startswith("gradient ")}
    assert names == set(gradients), f"{case.name}: parameters differ: {names ^ set(gradients)}"
    largest = max(float(theirs.norm()) for theirs in gradients.values())
    for name, theirs in gradients.items():
        absolute = distance(ours["gradient " + name], theirs)
        relative = absolute / max(float(theirs.norm()), 1e-30)
        if is_zero_in_exact_arithmetic(case, name):
            assert absolute <= NOISE * largest, f"{case.name}: {name} should be zero: {absolute:.2e}"
            continue
        if float(theirs.norm()) == 0.0:
            assert absolute == 0.0, f"{case.name}: gradient of {name} should be zero: {absolute:.2e}"
            continue
        assert relative <= RELATIVE, f"{case.name}: gradient of {name} is off by {relative:.2e}"
        worst_gradient = max(worst_gradient, relative)
    return worst_value, worst_gradient


def check_written_config(folder, model):
    """Transformers reads our config.json as the model's own."""
    written = transformers.AutoConfig.from_pretrained(folder / "written")
    assert type(written) is type(model.config)
    for name, value in model.config.to_dict().items():
        if name in ("transformers_version", "dtype", "torch_dtype", "_name_or_path", "architectures"):
            continue
        assert getattr(written, name) == value, f"config.json: {name} became {getattr(written, name)}"


def check_case(case, folder):
    model = make_model(case)
    batch = make_batch(case, model.config)
    plain = torch.nn.functional.dropout
    torch.nn.functional.dropout = DropoutMasks(case, model.config, batch["sample_numbers"])
    try:
        loss, results, gradients = run_transformers(case, model, batch)
        calls = torch.nn.functional.dropout.calls
    finally:
        torch.nn.functional.dropout = plain
    assert (calls > 0) == case.training
    for path in PATHS:
        ours = run_probe(case, folder, model, batch, "fp32", path)
        values, errors = compare(case, ours, loss, results, gradients)
        check_written_config(folder, model)
        print(f"{case.name}, {path}: loss {float(loss):.4f}, {len(gradients)} gradients; largest "
              f"relative error of values {values:.1e}, of gradients {errors:.1e}")
    return model, batch, loss, gradients


def check_bf16(case, folder):
    model, batch, loss, gradients = check_case(case, folder)
    for path in PATHS:
        compare_bf16(f"{case.name}, {path}, bf16",
                     run_probe(case, folder, model, batch, "bf16", path), loss, gradients)


def compare_bf16(name, ours, loss, gradients):
    error = abs(float(ours["loss"]) - float(loss)) / abs(float(loss))
    assert 0 < error <= 0.02, f"{name}: loss is off by {error:.2%}"
    worst = 1.0
    largest = max(float(theirs.norm()) for theirs in gradients.values())
    for parameter, theirs in gradients.items():
        if float(theirs.norm()) < 1e-3 * largest:
            continue  # mostly rounding in 8 bits
        cosine = float(torch.nn.functional.cosine_similarity(
            ours["gradient " + parameter].flatten(), theirs.flatten(), dim=0))
        assert cosine >= math.cos(math.radians(10)), f"{name} {parameter}: cosine {cosine:.4f}"
        worst = min(worst, cosine)
    print(f"{name}: loss off by {error:.3%}, smallest cosine of gradients {worst:.5f}")


def main():
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            check_case(case, Path(folder))
        check_bf16(Case("mini", "BertForPreTraining", [128, 64, 100],
                        dict(vocab_size=8000, hidden_size=256, num_hidden_layers=4,
                             num_attention_heads=4, intermediate_size=1024,
                             max_position_embeddings=512)), Path(folder))
    print("model parity holds")


if __name__ == "__main__":
    main()
