"""The Transformers Trainer's side of run_finetune.py: one fine-tuning run as its documentation has it.

peer_trainer.py REQUEST.json      prints the score of the test split with the best epoch's weights, and
                                  the seconds and CPU seconds of Trainer.train() alone, as JSON
peer_trainer.py REQUEST.json FOLDER   writes the model to start from, its output layer drawn with the seed
Needs accelerate beside the peers of launch/setup.sh (python -m pip install accelerate).
"""
import json
import os
import shutil
import sys
import tempfile
import time

import numpy as np
import torch
import transformers
from seqeval.metrics import f1_score
from sklearn.metrics import accuracy_score

import labelled_order
import peer_questions


class OurOrder(torch.utils.data.Sampler):
    """The examples in the order in which `bertha finetune` takes them in each epoch."""

    def __init__(self, examples, seed):
        self.examples, self.seed, self.epoch = examples, seed, -1

    def __len__(self):
        return self.examples

    def __iter__(self):
        self.epoch += 1
        return labelled_order.order(self.examples, self.seed, self.epoch)


class OrderedTrainer(transformers.Trainer):
    def _get_train_sampler(self, *_):
        return OurOrder(len(self.train_dataset), self.args.seed)


class OurTrainer(OrderedTrainer):
    """Update n, counted from 1, at the rate n/warmup of the peak: Transformers makes the first at rate 0, and every
    later one at the rate that we give the one before."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            rate = super().create_scheduler(num_training_steps, optimizer).lr_lambdas[0]
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer,
                                                                  lambda step: rate(step + 1))
        return self.lr_scheduler


TRAINERS = {("theirs", "theirs"): transformers.Trainer, ("ours", "theirs"): OrderedTrainer, ("ours", "ours"): OurTrainer}


class Rows(torch.utils.data.Dataset):
    def __init__(self, encoded, labels):
        self.encoded, self.labels = encoded, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return dict({key: self.encoded[key][i] for key in self.encoded}, labels=self.labels[i])


def read_table(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in list(file)[1:]]
    return [text for text, _ in rows], [label for _, label in rows]


def read_conll(path):
    words, labels = [], []
    with open(path, encoding="utf-8") as file:
        for block in file.read().split("\n\n"):
            pairs = [line.split("\t") for line in block.split("\n") if line]
            if pairs:
                words.append([pair[0] for pair in pairs])
                labels.append([pair[1] for pair in pairs])
    return words, labels


def first_pieces(encoded, labels, ids):
    """The first piece of a word carries its label, the others -100."""
    rows = []
    for i, of_words in enumerate(labels):
        words = encoded.word_ids(i)
        rows.append([ids[of_words[word]] if word is not None and (t == 0 or words[t - 1] != word) else -100
                     for t, word in enumerate(words)])
    return rows


class Texts:
    """Classification of texts, or of each word of a sentence."""

    def __init__(self, request, tokenizer):
        self.words = request["task"] == "token_classification"
        read = read_conll if self.words else read_table
        splits = {name: read(request[name]) for name in ("train", "validation", "test")}
        self.names = sorted({label for _, labels in splits.values() for row in labels
                             for label in (row if self.words else [row])})
        ids = {name: i for i, name in enumerate(self.names)}
        self.splits = {}
        for name, (texts, labels) in splits.items():
            encoded = tokenizer(texts, truncation=True, max_length=request["max_length"],
                                is_split_into_words=self.words)
            self.splits[name] = Rows(encoded, first_pieces(encoded, labels, ids) if self.words
                                     else [ids[label] for label in labels])
        head = (transformers.AutoModelForTokenClassification if self.words
                else transformers.AutoModelForSequenceClassification)
        self.model = head.from_pretrained(request["model"], num_labels=len(self.names),
                                          id2label=dict(enumerate(self.names)), label2id=ids)
        self.collator = (transformers.DataCollatorForTokenClassification if self.words
                         else transformers.DataCollatorWithPadding)(tokenizer)

    def score(self, _, predicted):
        guesses, labels = np.argmax(predicted.predictions, -1), predicted.label_ids
        if not self.words:
            return accuracy_score(labels, guesses)
        true = [[self.names[l] for l in row if l >= 0] for row in labels]
        guessed = [[self.names[g] for g, l in zip(gs, ls) if l >= 0] for gs, ls in zip(guesses, labels)]
        return f1_score(true, guessed)


class Questions:
    def __init__(self, request, tokenizer):
        self.splits = {name: peer_questions.Windows(tokenizer, request[name], request["max_length"],
                                                    request["max_query_length"], request["stride"])
                       for name in ("train", "validation", "test")}
        self.model = transformers.AutoModelForQuestionAnswering.from_pretrained(request["model"])
        self.collator = transformers.DataCollatorWithPadding(tokenizer)

    def score(self, split, predicted):
        return self.splits[split].f1(predicted.predictions)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    torch.set_num_threads(request["threads"])
    transformers.logging.set_verbosity_error()
    transformers.set_seed(request["seed"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(request["model"])
    task = (Questions if request["task"] == "question_answering" else Texts)(request, tokenizer)
    if len(sys.argv) > 2:
        task.model.save_pretrained(sys.argv[2])
        tokenizer.save_pretrained(sys.argv[2])
        shutil.copy(os.path.join(request["model"], "vocab.txt"), sys.argv[2])
        return
    steps = request["epochs"] * -(-len(task.splits["train"]) // request["batch_size"])
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, seed=request["seed"], num_train_epochs=request["epochs"], learning_rate=request["learning_rate"],
            per_device_train_batch_size=request["batch_size"], per_device_eval_batch_size=32,
            warmup_steps=int(request["warmup_fraction"] * steps + 0.5), weight_decay=request["weight_decay"], adam_epsilon=request["epsilon"],
            max_grad_norm=1.0, lr_scheduler_type="linear", eval_strategy="epoch", save_strategy="epoch",
            save_total_limit=1, load_best_model_at_end=True, metric_for_best_model="score", greater_is_better=True,
            report_to="none", disable_tqdm=True, use_cpu=True, dataloader_num_workers=0)
        trainer = TRAINERS[request["order"], request["schedule"]](
            model=task.model, args=arguments, train_dataset=task.splits["train"],
            eval_dataset=task.splits["validation"], data_collator=task.collator,
            compute_metrics=lambda predicted: dict(score=task.score("validation", predicted)))
        begin, cpu = time.perf_counter(), time.process_time()
        trainer.train()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        trainer.compute_metrics = None
        score = float(task.score("test", trainer.predict(task.splits["test"])))
    validations = [entry["eval_score"] for entry in trainer.state.log_history if "eval_score" in entry]
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    print(json.dumps(dict(score=score, validations=validations, losses=losses, train_seconds=seconds, train_cpu_seconds=cpu,
                          steps=trainer.state.global_step)))


if __name__ == "__main__":
    main()
