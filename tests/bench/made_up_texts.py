"""Texts whose lengths in tokens are known, made of a vocabulary's whole words by a fixed rule."""
import random
import re


def lengths_of(count, shortest, longest):
    """Spread evenly, in an order that is always the same."""
    lengths = [shortest + (longest - shortest) * i // max(1, count - 1) for i in range(count)]
    random.Random(1).shuffle(lengths)
    return lengths


def texts_of(vocabulary, lengths):
    """A text for each length, which counts [CLS] and [SEP]."""
    with open(vocabulary, encoding="utf-8") as file:
        words = [token for token in file.read().split("\n") if re.fullmatch("[a-z]{3,}", token)]
    return [" ".join(words[(7919 * text + 104729 * place) % len(words)] for place in range(length - 2))
            for text, length in enumerate(lengths)]
