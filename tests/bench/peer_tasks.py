"""Transformers' side of run_tasks.py: fine-tuning and prediction as a plain loop.

peer_tasks.py make FOLDER VOCABULARY SIZE        a two-class model of random weights, for both sides
peer_tasks.py finetune|predict MODEL FILE [batch=32 attention=sdpa precision=bf16 max_length=128 threads=2 order=file]
FILE: a line a text; for finetune a table of text and label with a header. finetune encodes it once, predict
batch by batch, as Bertha does. A batch is padded to its longest text; order=length has predict sort them first.
Fine-tuning: autocast, dropout on, clipping at 1, fused AdamW, linear schedule; prediction: a model of that
precision. Prints as JSON the real tokens and seconds of every batch, and when (since 1970) each was done.
"""
import json
import os
import random
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch  # noqa: E402
import transformers  # noqa: E402

from peer_step import SIZES  # noqa: E402


def make(folder, vocabulary, size):
    with open(vocabulary, encoding="utf-8") as file:
        tokens = {line.rstrip("\n"): id for id, line in enumerate(file)}
    layers, hidden = SIZES[size]
    torch.manual_seed(1)
    model = transformers.BertForSequenceClassification(transformers.BertConfig(
        vocab_size=len(tokens), hidden_size=hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 64, intermediate_size=4 * hidden, num_labels=2))
    model.save_pretrained(folder)
    transformers.BertTokenizer(vocab=tokens, model_max_length=512).save_pretrained(folder)


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def batches_of(rows, size):
    return [rows[begin:begin + size] for begin in range(0, len(rows), size)]


def finetune(model, tokenizer, file, options):
    rows = [line.split("\t") for line in read_lines(file)[1:]]
    encoded = tokenizer([text for text, _ in rows], truncation=True, max_length=int(options["max_length"]))
    rows = list(zip(encoded["input_ids"], (int(label) for _, label in rows)))
    random.Random(1).shuffle(rows)
    batches = batches_of(rows, int(options["batch"]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, len(batches) // 10, len(batches))
    model.train()

    def step(batch):
        inputs = tokenizer.pad(dict(input_ids=[ids for ids, _ in batch]), return_tensors="pt")
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=options["precision"] == "bf16"):
            loss = model(**inputs, labels=torch.tensor([label for _, label in batch])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        loss.item()
        return int(inputs["attention_mask"].sum())
    return batches, step


def predict(model, tokenizer, file, options):
    model.eval()

    @torch.inference_mode()
    def step(texts):
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=int(options["max_length"]),
                           return_tensors="pt")
        model(**inputs).logits.float().softmax(-1).tolist()
        return int(inputs["attention_mask"].sum())
    texts = read_lines(file)
    return batches_of(sorted(texts, key=len) if options["order"] == "length" else texts, int(options["batch"])), step


def main():
    task, folder, file, *rest = sys.argv[1:]
    if task == "make":
        return make(folder, file, *rest)
    options = dict(batch="32", attention="sdpa", precision="bf16", max_length="128", threads="2", order="file")
    options.update(argument.split("=", 1) for argument in rest)
    torch.set_num_threads(int(options["threads"]))
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation=options["attention"],
        dtype=torch.bfloat16 if (task, options["precision"]) == ("predict", "bf16") else torch.float32)
    batches, step = dict(finetune=finetune, predict=predict)[task](model, tokenizer, file, options)
    tokens, seconds, done = [], [], []
    for batch in batches:
        begin = time.perf_counter()
        tokens.append(step(batch))
        seconds.append(time.perf_counter() - begin)
        done.append(time.time())
    print(json.dumps(dict(tokens=tokens, seconds=seconds, done=done)))


if __name__ == "__main__":
    main()
