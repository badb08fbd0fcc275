"""Reads what write_batches.cpp writes, as the padded tensors that Transformers takes."""
import numpy as np
import torch


def read_array(stream, count):
    data = stream.read(4 * count)
    if len(data) != 4 * count:
        raise EOFError("the batches end here")
    return np.frombuffer(data, dtype="<i4")


def read_step(stream):
    """The micro-batches of a step: (arguments of BertForPreTraining, labels [sequences, longest], tokens)."""
    batches = []
    for _ in range(int(read_array(stream, 1)[0])):
        sequences, tokens, masked = (int(n) for n in read_array(stream, 3))
        offsets = read_array(stream, sequences + 1)
        ids, segments = read_array(stream, tokens), read_array(stream, tokens)
        positions, originals = read_array(stream, masked), read_array(stream, masked)
        follows = read_array(stream, sequences)
        flat = np.full(tokens, -100)
        flat[positions] = originals
        lengths = np.diff(offsets).tolist()
        pad = lambda values, fill: torch.nn.utils.rnn.pad_sequence(
            torch.split(torch.from_numpy(values.astype(np.int64)), lengths), batch_first=True, padding_value=fill)
        batches.append((dict(input_ids=pad(ids, 0), token_type_ids=pad(segments, 0),
                             attention_mask=pad(np.ones_like(ids), 0), labels=pad(flat, -100),
                             next_sentence_label=torch.from_numpy(follows.astype(np.int64))), masked, tokens))
    return batches
