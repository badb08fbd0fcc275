"""Times whole training steps of Transformers' BertForPreTraining, as bench_step does ours.

peer_step.py size=tiny batch=64 length=128 precision=fp32 attention=eager steps=10 threads=2
Padded batches, dropout on, gradient clipping, fused AdamW; bf16 by autocast. Prints JSON.
micro=N           so many sequences at a time, gradients added up, where a whole batch does not fit
turn=FILE         keeps this file locked while it uses the GPU: others wait
warm=FILE         with turn: the warm-up, which compiles, keeps this file locked instead, and says so when it is done
"""
import fcntl
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
# Quantiles of the lengths of MLPerf's sequences, the same as in made_up_batch.cpp, which says where they are from.
MLPERF_LENGTHS = (25, 35, 43, 50, 57, 64, 71, 79, 89, 99, 111, 124, 139, 155, 173, 193,
                  215, 240, 267, 298, 332, 369, 411, 459, 511, 512, 512, 512, 512, 512, 512, 512)


def read_options():
    options = dict(size="tiny", batch="64", length="128", precision="fp32", attention="eager",
                   steps="10", threads="2", warmup="2", compile="no", device="cpu", micro="", turn="", warm="")
    for argument in sys.argv[1:]:
        name, _, value = argument.partition("=")
        if name not in options or not value:
            sys.exit(f"what is {argument}?")
        options[name] = value
    return options


def lengths_of(sequences, length):
    if length == "mlperf":
        return [MLPERF_LENGTHS[s % len(MLPERF_LENGTHS)] for s in range(sequences)]
    shortest, _, longest = length.partition("-")
    shortest, longest = int(shortest), int(longest or shortest)
    return [shortest + (longest - shortest) * s // max(1, sequences - 1) for s in range(sequences)]


def make_batch(vocabulary, sequences, length):
    """The tokens of made_up_batch.cpp, padded to the longest sequence."""
    lengths = torch.tensor(lengths_of(sequences, length))[:, None]
    s, i = torch.arange(sequences)[:, None], torch.arange(int(lengths.max()))[None]
    real = i < lengths
    ids = torch.where(real, (s * 7919 + i * 104729) % (vocabulary - 1000) + 999, 0)
    predicted = real & torch.isin(i % 20, torch.tensor([3, 9, 15]))
    batch = dict(input_ids=ids, token_type_ids=(real & (2 * i >= lengths)).long(), attention_mask=real.long(),
                 labels=torch.where(predicted, ids, -100), next_sentence_label=torch.arange(sequences) % 2)
    return batch, int(real.sum())


def take(path):
    """Waits until nobody else holds this file, and holds it until it is closed."""
    if not path:
        return None
    file = open(path, "w", encoding="ascii")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def main():
    options = read_options()
    torch.set_num_threads(int(options["threads"]))
    transformers.logging.set_verbosity_error()
    layers, hidden = SIZES[options["size"]]
    config = transformers.BertConfig(vocab_size=30522, hidden_size=hidden, num_hidden_layers=layers,
                                     num_attention_heads=hidden // 64, intermediate_size=4 * hidden,
                                     attn_implementation=options["attention"])
    torch.manual_seed(1)
    device, sequences = options["device"], int(options["batch"])
    model = transformers.BertForPreTraining(config).train()
    batch, tokens = make_batch(config.vocab_size, sequences, options["length"])
    held = take(options["warm"] or options["turn"])
    model = model.to(device)
    parts = [dict(zip(batch, values)) for values in zip(
        *(values.to(device).split(int(options["micro"] or sequences)) for values in batch.values()))]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    run = torch.compile(model) if options["compile"] == "yes" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        total = 0
        for part in parts:
            with torch.autocast(device, torch.bfloat16, enabled=options["precision"] == "bf16"):
                loss = run(**part).loss * (len(part["input_ids"]) / sequences)
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return total.item()  # read in every step, as Bertha does; waits for a GPU

    for _ in range(int(options["warmup"])):
        step()
    if options["warm"]:
        optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()  # for those who come before it
        held.close()
        print("warm, waits for its turn", file=sys.stderr, flush=True)
        held = take(options["turn"])
        step()
    seconds = []
    for _ in range(int(options["steps"])):
        begin = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(json.dumps(dict(
        who="transformers " + ("compile" if options["compile"] == "yes" else options["attention"]),
        tokens=tokens, seconds=round(median, 5),
        tokens_per_second=round(tokens / median, 1), loss=round(loss, 4),
        memory_mb=round(torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else
                        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))))


if __name__ == "__main__":
    main()
