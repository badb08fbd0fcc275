"""Our BERT against Transformers, live: hidden states, logits, losses and every gradient, on the
reference path and on the fused one.

fp32, dropout off: each gradient, and each output of each sequence, within 1e-5 relative (norm of the
difference over the norm of Transformers' own); sequences are packed here and padded there. With
dropout on: Transformers runs with masks computed in dropout_masks.py, so place, site number and
scale of each dropout are checked too. bf16: the loss within 2 % of fp32, gradients within 10 degrees.
"""
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    from dropout_masks import DropoutMasks
    from model_cases import CASES, Case, make_batch, make_model
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = os.environ.get("BERTHA_MODEL_PROBE") or f"{os.environ['BERTHA_BUILD']}/tests/model_probe"
PATHS = ("reference", "fused")
WITHOUT_KERNELS = ("silu", "tanh")  # activations of the reference path alone
RELATIVE = 1e-5
# Gradients that are zero in exact arithmetic are rounding noise in both: bounded by this part of the
# largest gradient of the model instead.
NOISE = 1e-6
SEED, STEP = 1234567890123, 77


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
        if batch["masked_labels"].numel() == 0:  # not a number there, nothing to learn here
            assert output.loss.isnan()
            loss = torch.zeros(())
            del results["logits"]
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
    if loss.requires_grad:
        loss.backward()
    prefix = "bert." if case.architecture == "BertModel" else ""
    gradients = {prefix + name: torch.zeros_like(parameter) if parameter.grad is None
                 else parameter.grad for name, parameter in model.named_parameters()}
    return loss.detach(), {name: value.detach() for name, value in results.items()}, gradients


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


def rows_by_sequence(case, batch, name):
    """How many rows of an output belong to each sequence; None where a sequence has just one."""
    of_tokens = case.architecture in ("BertForTokenClassification", "BertForQuestionAnswering")
    of_masked = case.architecture in ("BertForPreTraining", "BertForMaskedLM")
    if name.startswith("hidden") or (name == "logits" and of_tokens):
        return case.lengths
    if name == "logits" and of_masked:
        sequence = torch.bucketize(batch["masked_positions"], batch["sequence_offsets"][1:], right=True)
        return torch.bincount(sequence, minlength=len(case.lengths)).tolist()
    return None


def compare_values(case, batch, ours, results):
    """Sequence by sequence, so that a short one does not hide behind a long one; the largest error.

    A row of two or three logits may be nearly nothing: where a sequence has one row, the average row
    counts if it is larger."""
    worst = 0.0
    for name, theirs in results.items():
        rows = rows_by_sequence(case, batch, name)
        least = 0.0 if rows else float(theirs.norm()) / len(case.lengths) ** 0.5
        rows = rows or [1] * len(case.lengths)
        parts = zip(ours[name].reshape(theirs.shape).split(rows), theirs.split(rows), strict=True)
        for sequence, (our_part, their_part) in enumerate(parts):
            if their_part.numel() == 0:
                continue
            error = distance(our_part, their_part) / max(least, float(their_part.norm()))
            assert error <= RELATIVE, f"{case.name}: {name} of sequence {sequence} is off by {error:.2e}"
            worst = max(worst, error)
    return worst


def compare(case, batch, ours, loss, results, gradients):
    """Largest relative errors; raises on anything over the bounds or missing."""
    worst_value, worst_gradient = compare_values(case, batch, ours, results), 0.0
    error = distance(ours["loss"], loss.reshape(1)) / max(float(loss.abs()), 1e-30)
    assert error <= RELATIVE, f"{case.name}: the loss is off by {error:.2e}"
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
    torch.nn.functional.dropout = DropoutMasks(SEED, STEP, model.config, batch["sample_numbers"])
    try:
        loss, results, gradients = run_transformers(case, model, batch)
        calls = torch.nn.functional.dropout.calls
    finally:
        torch.nn.functional.dropout = plain
    assert (calls > 0) == case.training
    for path in PATHS[:1] if model.config.hidden_act in WITHOUT_KERNELS else PATHS:
        ours = run_probe(case, folder, model, batch, "fp32", path)
        values, errors = compare(case, batch, ours, loss, results, gradients)
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
