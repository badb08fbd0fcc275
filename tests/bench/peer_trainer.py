"""The Transformers Trainer's side of run_finetune.py: one fine-tuning run as its documentation has it.

peer_trainer.py REQUEST.json      prints {"score": ...} of the test split with the best epoch's weights
Needs accelerate beside the peers of launch/setup.sh (python -m pip install accelerate).
"""
import json
import sys
import tempfile

import numpy as np
import torch
import transformers
from sklearn.metrics import accuracy_score
from seqeval.metrics import f1_score


def read_table(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in list(file)[1:]]
    return [text for text, _ in rows], [label for _, label in rows]


def read_conll(path):
    words, labels = [], []
    with open(path, encoding="utf-8") as file:
        for block in file.read().split("\n\n"):
            pairs = [line.split("\t") for line in block.split("\n") if line.strip()]
            if pairs:
                words.append([pair[0] for pair in pairs])
                labels.append([pair[1] for pair in pairs])
    return words, labels


class Rows(torch.utils.data.Dataset):
    def __init__(self, encoded, labels):
        self.encoded, self.labels = encoded, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return dict({key: self.encoded[key][i] for key in self.encoded}, labels=self.labels[i])


def first_pieces(encoded, labels, ids):
    """The first piece of a word carries its label, the others -100."""
    rows = []
    for i, of_words in enumerate(labels):
        words = encoded.word_ids(i)
        rows.append([ids[of_words[word]] if word is not None and (t == 0 or words[t - 1] != word) else -100
                     for t, word in enumerate(words)])
    return rows


def main():
    request = json.load(open(sys.argv[1]))
    torch.set_num_threads(request["threads"])
    transformers.logging.set_verbosity_error()
    transformers.set_seed(request["seed"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(request["model"])
    words = request["task"] == "token_classification"
    splits = {name: (read_conll if words else read_table)(request[name]) for name in ("train", "validation", "test")}
    names = sorted({label for _, labels in splits.values() for row in labels for label in (row if words else [row])})
    ids = {name: i for i, name in enumerate(names)}
    data = {}
    for name, (texts, labels) in splits.items():
        encoded = tokenizer(texts, truncation=True, max_length=request["max_length"], is_split_into_words=words)
        data[name] = Rows(encoded, first_pieces(encoded, labels, ids) if words else [ids[label] for label in labels])
    head = transformers.AutoModelForTokenClassification if words else transformers.AutoModelForSequenceClassification
    collator = (transformers.DataCollatorForTokenClassification if words else transformers.DataCollatorWithPadding)

    def score(predicted):
        guesses, labels = np.argmax(predicted.predictions, -1), predicted.label_ids
        if not words:
            return dict(score=accuracy_score(labels, guesses))
        true = [[names[l] for l in row if l >= 0] for row in labels]
        guessed = [[names[g] for g, l in zip(gs, ls) if l >= 0] for gs, ls in zip(guesses, labels)]
        return dict(score=f1_score(true, guessed))

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, seed=request["seed"], num_train_epochs=request["epochs"], learning_rate=request["learning_rate"],
            per_device_train_batch_size=request["batch_size"], per_device_eval_batch_size=64,
            warmup_steps=request["warmup"], weight_decay=request["weight_decay"], adam_epsilon=request["epsilon"],
            max_grad_norm=1.0, lr_scheduler_type="linear", eval_strategy="epoch", save_strategy="epoch",
            save_total_limit=1, load_best_model_at_end=True, metric_for_best_model="score", report_to="none",
            disable_tqdm=True, use_cpu=True, dataloader_num_workers=0)
        trainer = transformers.Trainer(
            model=head.from_pretrained(request["model"], num_labels=len(names)), args=arguments,
            train_dataset=data["train"], eval_dataset=data["validation"], data_collator=collator(tokenizer),
            compute_metrics=score)
        trainer.train()
        result = trainer.predict(data["test"]).metrics
    print(json.dumps(dict(score=result["test_score"])))


if __name__ == "__main__":
    main()
