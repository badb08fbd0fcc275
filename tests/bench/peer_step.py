"""Times whole training steps of Transformers' BertForPreTraining, as bench_step does ours.

peer_step.py size=tiny batch=64 length=128 precision=fp32 attention=eager steps=10 threads=2
Padded batches, dropout on, gradient clipping, fused AdamW; bf16 by autocast. Prints JSON.
"""
import json
import os
import resource
import statistics
import sys
import time

import torch
import transformers

SIZES = {"tiny": (2, 128), "mini": (4, 256), "small": (4, 512), "medium": (8, 512),
         "base": (12, 768), "large": (24, 1024)}


def read_options():
    options = dict(size="tiny", batch="64", length="128", precision="fp32", attention="eager",
                   steps="10", threads="2", warmup="2", compile="no", device="cpu")
    for argument in sys.argv[1:]:
        name, _, value = argument.partition("=")
        if name not in options or not value:
            sys.exit(f"what is {argument}?")
        options[name] = value
    return options


def make_batch(vocabulary, sequences, length):
    """The tokens of bench_step.cpp, padded to the longest sequence."""
    shortest, _, longest = length.partition("-")
    shortest, longest = int(shortest), int(longest or shortest)
    ids = torch.zeros(sequences, longest, dtype=torch.long)
    segments, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for s in range(sequences):
        tokens = shortest + (longest - shortest) * s // max(1, sequences - 1)
        for i in range(tokens):
            ids[s, i] = (s * 7919 + i * 104729) % (vocabulary - 1000) + 999
            segments[s, i] = int(2 * i >= tokens)
            if i % 20 in (3, 9, 15):
                labels[s, i] = ids[s, i]
        mask[s, :tokens] = 1
    batch = dict(input_ids=ids, token_type_ids=segments, attention_mask=mask, labels=labels,
                 next_sentence_label=torch.arange(sequences) % 2)
    return batch, int(mask.sum())


def main():
    options = read_options()
    torch.set_num_threads(int(options["threads"]))
    transformers.logging.set_verbosity_error()
    layers, hidden = SIZES[options["size"]]
    config = transformers.BertConfig(vocab_size=30522, hidden_size=hidden, num_hidden_layers=layers,
                                     num_attention_heads=hidden // 64, intermediate_size=4 * hidden,
                                     attn_implementation=options["attention"])
    torch.manual_seed(1)
    device = options["device"]
    model = transformers.BertForPreTraining(config).train().to(device)
    batch, tokens = make_batch(config.vocab_size, int(options["batch"]), options["length"])
    batch = {name: values.to(device) for name, values in batch.items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    run = torch.compile(model) if options["compile"] == "yes" else model
    seconds = []
    for step in range(int(options["warmup"]) + int(options["steps"])):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=options["precision"] == "bf16"):
            loss = run(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()  # read in every step, as Bertha does; waits for a GPU
        if step >= int(options["warmup"]):
            seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(json.dumps(dict(
        who="transformers " + ("compile" if options["compile"] == "yes" else options["attention"]),
        tokens=tokens, seconds=round(median, 5),
        tokens_per_second=round(tokens / median, 1), loss=round(loss.item(), 4),
        memory_mb=round(torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else
                        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))))


if __name__ == "__main__":
    main()
