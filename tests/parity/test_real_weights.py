"""Trained weights beside Transformers, live: all-MiniLM-L6-v2 as it is in its folder (names without "bert.",
a position_ids buffer), on real text cut to lengths from 1 to 512 tokens, packed here and padded there.

On both paths the hidden states of every layer (and of the embeddings) and the pooled output of every sequence are within
1e-5 of Transformers', relative to its own norm, and so is every gradient of the sum of the pooled output's squares.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    import test_model
    from model_cases import Case
    from tokens_peer import DUMPS, SAMPLES, dump_text
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

MINILM = SAMPLES / "minilm"
LENGTHS = [1, 512, 2, 37, 128, 511, 9, 300]


def real_batch(lengths):
    """Each sequence is a line of Wikipedia from [CLS] on; every second one is a pair of two halves."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(MINILM)
    lines = [line for line in dump_text(DUMPS[0]).splitlines() if len(line) > 4000 and "[" not in line[:1]]
    assert len(lines) >= len(lengths), "the sample has too few long lines"
    rows, segments = [], []
    for number, length in enumerate(lengths):
        ids = tokenizer(lines[number], truncation=True, max_length=512)["input_ids"][:length]
        assert len(ids) == length, (length, len(ids))
        rows.append(ids)
        segments.append(np.arange(length) >= (length // 2 if number % 2 else length))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    batch = dict(tokens=np.concatenate(rows), segments=np.concatenate(segments), sequence_offsets=offsets,
                 positions=np.concatenate([np.arange(length) for length in lengths]),
                 sample_numbers=np.arange(len(lengths)), masked_positions=[], masked_labels=[])
    return {name: torch.tensor(np.asarray(values), dtype=torch.int64) for name, values in batch.items()}


def run_probe(folder, path):
    request = dict(config=str(MINILM / "config.json"), weights=str(MINILM), batch=str(folder / "batch.safetensors"),
                   architecture="BertModel", output=str(folder / "output.safetensors"), precision="fp32",
                   implementation=path, config_output=str(folder / "config.json"), training=False, seed=1, step=1,
                   all_layers=True)
    (folder / "request.json").write_text(json.dumps(request))
    subprocess.run([test_model.PROBE, folder / "request.json"], check=True)
    return load_file(folder / "output.safetensors")


def all_hidden_states(model, batch):
    """By the probe's name, a row for each real token."""
    real = test_model.padded(torch.ones_like(batch["tokens"]), LENGTHS, 0).bool()
    with torch.no_grad():
        output = model(input_ids=test_model.padded(batch["tokens"], LENGTHS, 0),
                       token_type_ids=test_model.padded(batch["segments"], LENGTHS, 0),
                       attention_mask=real.long(), output_hidden_states=True)
    return {f"hidden {layer}": state[real] for layer, state in enumerate(output.hidden_states)}


def main():
    if not (MINILM / "model.safetensors").exists() or not DUMPS[0].exists():
        print(f"skipped: no {MINILM} or no {DUMPS[0]} (launch/fetch_samples.py)")
        sys.exit(77)
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    model, report = transformers.AutoModel.from_pretrained(
        MINILM, attn_implementation="eager", dtype=torch.float32, output_loading_info=True)
    assert type(model) is transformers.BertModel and not report["missing_keys"], report
    model.eval()
    case = Case("all-MiniLM-L6-v2", "BertModel", LENGTHS)
    batch = real_batch(LENGTHS)
    loss, results, gradients = test_model.run_transformers(case, model, batch)
    states = all_hidden_states(model, batch)
    assert len(states) == model.config.num_hidden_layers + 1 == 7
    assert torch.equal(states["hidden 6"], results["hidden"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_file(batch, folder / "batch.safetensors")
        for path in test_model.PATHS:
            ours = run_probe(folder, path)
            values, errors = test_model.compare(case, batch, ours, loss, results, gradients)
            first = 1 if path == "fused" else 0
            layers = [test_model.compare_values(case, batch, ours, {name: states[name]})
                      for name in (f"hidden {layer}" for layer in range(first, 7))]
            print(f"{case.name}, {path}: {len(LENGTHS)} sequences of {min(LENGTHS)} to {max(LENGTHS)} tokens; largest "
                  f"relative error of values {values:.1e}, of {len(gradients)} gradients {errors:.1e}; of the "
                  f"hidden states from layer {first} on {', '.join(f'{layer:.1e}' for layer in layers)}")
    print("real weights: hidden states hold")


if __name__ == "__main__":
    main()
