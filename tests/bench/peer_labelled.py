"""Transformers' side of run_labelled.sh: makes its inputs, fine-tunes and predicts as a user would.

peer_labelled.py make FOLDER [reviews.tsv vocab.txt]   a base-size model folder and texts of given lengths
peer_labelled.py finetune|predict FOLDER [attention=sdpa] [threads=2] [steps=10]
bf16 by autocast, batches padded to their longest text, fused AdamW, clipping, dropout on. Prints JSON.
"""
import json
import os
import random
import resource
import statistics
import sys
import time

import torch
import transformers

TRAIN_BATCH, PREDICT_BATCH = 32, 16


def make(folder, reviews, vocabulary):
    """Real review words cut to lengths uniform in 5..60 (train.tsv) and 16..512 tokens (input.txt)."""
    os.makedirs(folder, exist_ok=True)
    tokenizer = transformers.BertTokenizerFast(vocab_file=vocabulary)
    torch.manual_seed(1)
    config = transformers.BertConfig(vocab_size=len(tokenizer))
    transformers.BertModel(config).save_pretrained(f"{folder}/base")
    tokenizer.save_pretrained(f"{folder}/base")
    with open(vocabulary) as source, open(f"{folder}/base/vocab.txt", "w") as target:
        target.write(source.read())
    with open(reviews) as file:
        words = " ".join(line.split("\t")[0] for line in list(file)[1:]).split()
    pick = random.Random(1)

    def text(tokens):
        start = pick.randrange(len(words) - 600)
        ids = tokenizer(" ".join(words[start:start + 600]), add_special_tokens=False)["input_ids"]
        return tokenizer.decode(ids[:tokens - 2])

    with open(f"{folder}/train.tsv", "w") as file:
        print("text\tlabel", file=file)
        for _ in range(1024):
            print(text(pick.randint(5, 60)), pick.choice(["good", "bad"]), sep="\t", file=file)
    with open(f"{folder}/input.txt", "w") as file:
        for _ in range(128):
            print(text(pick.randint(16, 512)), file=file)


def load(folder, attention):
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"{folder}/base")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        f"{folder}/base", num_labels=2, attn_implementation=attention)
    return tokenizer, model


def finetune(folder, options):
    tokenizer, model = load(folder, options["attention"])
    with open(f"{folder}/train.tsv") as file:
        rows = [line.rstrip("\n").split("\t") for line in list(file)[1:]]
    random.Random(1).shuffle(rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    model.train()
    speeds = []
    for step in range(int(options["steps"]) + 2):
        part = rows[step * TRAIN_BATCH:(step + 1) * TRAIN_BATCH]
        begin = time.perf_counter()
        batch = tokenizer([text for text, _ in part], padding=True, truncation=True, return_tensors="pt")
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**batch, labels=torch.tensor([int(label == "good") for _, label in part])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        if step >= 2:
            speeds.append(int(batch["attention_mask"].sum()) / (time.perf_counter() - begin))
    return statistics.median(speeds)


def predict(folder, options):
    tokenizer, model = load(folder, options["attention"])
    with open(f"{folder}/input.txt") as file:
        texts = file.read().splitlines()
    model.eval()
    begin, tokens = time.perf_counter(), 0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for at in range(0, len(texts), PREDICT_BATCH):
            batch = tokenizer(texts[at:at + PREDICT_BATCH], padding=True, truncation=True, return_tensors="pt")
            model(**batch).logits.float().softmax(-1).tolist()
            tokens += int(batch["attention_mask"].sum())
    return tokens / (time.perf_counter() - begin)


def main():
    mode, folder = sys.argv[1:3]
    if mode == "make":
        return make(folder, *sys.argv[3:5])
    options = dict(attention="sdpa", threads="2", steps="10")
    options.update(argument.split("=", 1) for argument in sys.argv[3:])
    torch.set_num_threads(int(options["threads"]))
    transformers.logging.set_verbosity_error()
    speed = {"finetune": finetune, "predict": predict}[mode](folder, options)
    print(json.dumps(dict(who=f"transformers {options['attention']}", tokens_per_second=round(speed, 1),
                          memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))))


if __name__ == "__main__":
    main()
