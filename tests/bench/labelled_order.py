"""The order in which `bertha finetune` takes the examples of an epoch, so that a peer can take the same.

The same as data_pipeline/samples/sample_order.cpp: a Feistel network of Philox4x32-10 (Salmon and others,
SC 2011) over the smallest even number of bits that holds the examples, walked along its cycles until a place is
one of them. Change both together.
"""
WORD = 0xFFFFFFFF
LABELLED_ORDER = 8  # what the numbers are for: RandomPurpose::labelled_order


def philox(counter, key0, key1):
    c = list(counter)
    for _ in range(10):
        high, low = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(low >> 32) ^ c[1] ^ key0, low & WORD, (high >> 32) ^ c[3] ^ key1, high & WORD]
        key0, key1 = (key0 + 0x9E3779B9) & WORD, (key1 + 0xBB67AE85) & WORD
    return c


def order(examples, seed, epoch):
    """Numbers of the examples, one after the other."""
    half = (max(1, (examples - 1).bit_length()) + 1) // 2
    mask, rounds = (1 << half) - 1, 16 if half <= 7 else 6
    keys = seed & WORD, (seed >> 32) ^ (LABELLED_ORDER * 0x85EBCA6B & WORD)

    def permuted(value):
        left, right = value >> half, value & mask
        for n in range(rounds):
            left, right = right, (left ^ philox((n, epoch, right, 0), *keys)[0]) & mask
        return left << half | right

    for place in range(examples):
        value = permuted(place)
        while value >= examples:
            value = permuted(value)
        yield value
