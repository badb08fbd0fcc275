#!/usr/bin/env python3
"""Prints what the quick start learnt: summarize_quickstart.py WORK TUNED"""
import json
import os
import sys


def main():
    work, tuned = sys.argv[1:3]
    with open(os.path.join(work, "run", "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    start = next(e for e in reversed(events) if "unigram_entropy" in e)
    train = [e for e in events if e["event"] == "train"]
    with open(os.path.join(work, "evaluation.json")) as file:
        held_out = json.load(file)
    with open(os.path.join(tuned, "scores.json")) as file:
        scores = json.load(file)
    with open(os.path.join(work, "corpus", "manifest.json")) as file:
        splits = json.load(file)["splits"]
    held = "held out" if splits.get("validation", {}).get("documents") else "nothing held out: training text"
    pairs = (f"\n  next sentence, {held}   accuracy {held_out['nsp_accuracy']:.1%} of {held_out['sequences']} pairs; guessing gives 50%"
             if "nsp_accuracy" in held_out else "")
    entropy = start["unigram_entropy"]
    first, last = train[0], train[-1]
    shown = os.path.relpath(work)
    print(f"""
What was learnt
  masked words, training    loss {first['mlm_loss']:.2f} -> {last['mlm_loss']:.2f} nats; knowing word frequencies alone gives {entropy:.2f}
  masked words, {held}    loss {held_out['mlm_loss']:.2f}, accuracy {held_out['mlm_accuracy']:.1%}{pairs}
  review sentiment, test    accuracy {scores['test']['accuracy']:.1%} of {scores['examples']['test']} reviews; always the larger class gives {scores['test_majority_share']:.1%}
Where it lies
  {shown}/corpus            the corpus (bertha inspect, bertha verify)
  {shown}/run               checkpoints, metrics.jsonl, tensorboard/, report.html
  {os.path.relpath(tuned)}/model       the fine-tuned model; opens in Transformers
What to run next
  launch/quickstart.sh --corpus YOUR_TEXT
  build/release/bertha predict --train.init {os.path.relpath(tuned)}/model --task.input FILE
  mpirun -n 8 build/release/bertha pretrain --config configs/bert_base_phase1.ini --data.corpus CORPUS --train.output run""")


main()
