"""Dropout of trainer/kernels/cpu/dropout.cpp, computed afresh in numpy from its definition there."""
import math

import numpy as np
import torch


class DropoutMasks:
    """Masks from the definition in dropout.cpp, handed to Transformers in the order it asks."""

    def __init__(self, seed, step, config, samples):
        self.seed, self.step, self.config, self.samples, self.calls = seed, step, config, samples, 0

    def site(self):
        # Transformers' order: embeddings; by layer attention, its output, output; the classifier.
        call = self.calls
        self.calls += 1
        if call > 3 * self.config.num_hidden_layers:
            return 1
        return 0 if call == 0 else call + 1

    def __call__(self, values, p=0.5, training=True, inplace=False):
        if not training or p == 0:
            return values
        site, shape = self.site(), values.shape
        rows, columns = math.prod(shape[1:-1]), shape[-1]
        masks = [philox_mask(self.seed, self.step, site, int(sample), rows, columns, p)
                 for sample in self.samples]
        return values * torch.from_numpy(np.stack(masks)).reshape(shape)


def philox(counter, key0, key1):
    c = [np.broadcast_to(np.asarray(word, dtype=np.uint64), np.broadcast_shapes(
        *[np.shape(w) for w in counter])) for word in counter]
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> shift) ^ c[1] ^ np.uint64(key0), p1 & mask,
             (p0 >> shift) ^ c[3] ^ np.uint64(key1), p0 & mask]
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def philox_mask(seed, step, site, sample, rows, columns, rate):
    low, high = (lambda value: value & 0xFFFFFFFF), (lambda value: value >> 32)
    key = philox([low(step), high(step), site, 0], low(seed),
                 high(seed) ^ (5 * 0x85EBCA6B & 0xFFFFFFFF))
    blocks = np.arange((columns + 3) // 4)[None, :]
    words = philox([blocks, np.arange(rows)[:, None], low(sample), high(sample)],
                   int(key[0]), int(key[1]))
    words = np.stack(words, axis=-1).reshape(rows, -1)[:, :columns]
    return np.where(words < round(rate * 2**32), 0, 1 / (1 - rate)).astype(np.float32)
