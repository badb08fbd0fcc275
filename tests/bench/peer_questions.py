"""Fine-tunes Transformers' BertForQuestionAnswering on SQuAD's JSON as run_qa does, and prints its
scores as JSON: peer_questions.py MODEL TRAIN DEV EPOCHS RATE BATCH SEED THREADS

Linear schedule with a tenth of warm-up, AdamW with decay 0.01 except on biases and LayerNorm, clipping
at 1, windows of 384 with stride 128: as Bertha's recipe. Batches are padded to their longest window."""
import json
import pathlib
import random
import sys
import time

import torch
import transformers

sys.path.append(str(pathlib.Path(__file__).parent.parent / "parity"))
import squad_rules  # noqa: E402


def windows_of_file(tokenizer, file):
    windows, questions = [], list(squad_rules.questions_of(json.load(open(file, encoding="utf-8"))))
    for row, (_, question, context, answers) in enumerate(questions):
        for window in squad_rules.windows_of(tokenizer, question, context, 384, 64, 128):
            windows.append(dict(window, row=row, labels=squad_rules.labels_of(window["places"], answers)))
    return questions, windows


def padded(windows):
    longest = max(len(window["tokens"]) for window in windows)
    grid = {name: torch.zeros(len(windows), longest, dtype=torch.long)
            for name in ("input_ids", "token_type_ids", "attention_mask")}
    for i, window in enumerate(windows):
        length = len(window["tokens"])
        grid["input_ids"][i, :length] = torch.tensor(window["tokens"])
        grid["token_type_ids"][i, :length] = torch.tensor(window["segments"])
        grid["attention_mask"][i, :length] = 1
    return grid


def evaluate(model, questions, windows, may_be_missing):
    model.eval()
    outputs = [[] for _ in questions]
    order = sorted(windows, key=lambda window: len(window["tokens"]))
    with torch.no_grad():
        for first in range(0, len(order), 32):
            some = order[first:first + 32]
            result = model(**padded(some))
            for i, window in enumerate(some):
                logits = torch.stack([result.start_logits[i], result.end_logits[i]], 1)
                outputs[window["row"]].append((window["places"], logits[:len(window["tokens"])].tolist()))
    judged = []
    for (_, _, context, answers), found in zip(questions, outputs):
        choice = squad_rules.choose(found, 20, 30, may_be_missing, 0)
        judged.append(dict(answer=context[slice(*choice["answer"])], best=context[slice(*choice["best"])],
                           null_difference=choice["null_difference"], truths=[text for text, _ in answers]))
    return squad_rules.scores_of(judged)


def main(folder, train, dev, epochs, rate, batch, seed, threads):
    torch.set_num_threads(int(threads))
    transformers.logging.set_verbosity_error()
    transformers.set_seed(int(seed))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    questions, windows = windows_of_file(tokenizer, train)
    dev_questions, dev_windows = windows_of_file(tokenizer, dev)
    may_be_missing = any(not answers for _, _, _, answers in questions)
    epochs, batch = int(epochs), int(batch)
    steps = epochs * -(-len(windows) // batch)
    plain = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW([dict(params=decayed, weight_decay=0.01), dict(params=plain, weight_decay=0)],
                                  lr=float(rate))
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    order, best, seconds = random.Random(int(seed)), None, 0
    for _ in range(epochs):
        model.train()
        began = time.time()
        shuffled = order.sample(windows, len(windows))
        for first in range(0, len(shuffled), batch):
            some = shuffled[first:first + batch]
            labels = torch.tensor([window["labels"] for window in some])
            loss = model(**padded(some), start_positions=labels[:, 0], end_positions=labels[:, 1]).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        seconds += time.time() - began
        scores = evaluate(model, dev_questions, dev_windows, may_be_missing)
        best = scores if best is None or scores["f1"] > best["f1"] else best
    print(json.dumps(dict(best, train_seconds=seconds, windows=len(windows))))


if __name__ == "__main__":
    main(*sys.argv[1:])
