"""Writes shards with h5py as NVIDIA's DeepLearningExamples and MLPerf submissions have them, and
keeps what is in them: the other side of data_pipeline/shards/foreign_shard.h."""
import os
import random

import h5py
import numpy

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLS, SEP, MASK = 2, 3, 4


def write_vocabulary(path, size):
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(token + "\n" for token in SPECIAL + [f"w{n}" for n in range(5, size)]))


def sequences(count, seed, longest, vocabulary_size, most_predictions):
    """[CLS] A [SEP] B [SEP] with a masked token in seven, as create_pretraining_data.py has them."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        length = draw.randint(7, longest)
        border = draw.randint(3, length - 3)
        tokens = [draw.randrange(5, vocabulary_size) for _ in range(length)]
        tokens[0], tokens[border], tokens[-1] = CLS, SEP, SEP
        segments = [0] * (border + 1) + [1] * (length - border - 1)
        free = [i for i in range(length) if tokens[i] >= 5]
        positions = sorted(draw.sample(free, min(most_predictions, max(1, round(0.15 * length)))))
        labels = [tokens[i] for i in positions]
        for i in positions:
            tokens[i] = MASK if draw.random() < 0.8 else draw.choice([tokens[i], draw.randrange(5, vocabulary_size)])
        made.append({"tokens": tokens, "segments": segments, "positions": positions, "labels": labels,
                     "next_sentence": draw.randrange(2)})
    return made


def matrix(rows, width, dtype):
    out = numpy.zeros((len(rows), width), dtype=dtype)
    for i, row in enumerate(rows):
        out[i, :len(row)] = row
    return out


DLE = {"ids": "<i4", "flags": "i1"}


def write_padded(path, rows, width, predictions, types=DLE, odd_chunks=False, **options):
    with h5py.File(path, "w") as file:
        def put(name, data, kind):
            chunks = tuple(min(edge, odd) for edge, odd in zip(data.shape, (7, 13))) if odd_chunks else None
            file.create_dataset(name, data=data.astype(types[kind]), chunks=chunks, **options)
        put("input_ids", matrix([r["tokens"] for r in rows], width, "i8"), "ids")
        put("input_mask", matrix([[1] * len(r["tokens"]) for r in rows], width, "i8"), "flags")
        put("segment_ids", matrix([r["segments"] for r in rows], width, "i8"), "flags")
        put("masked_lm_positions", matrix([r["positions"] for r in rows], predictions, "i8"), "ids")
        put("masked_lm_ids", matrix([r["labels"] for r in rows], predictions, "i8"), "ids")
        put("next_sentence_labels", numpy.array([r["next_sentence"] for r in rows]), "flags")


def put_lists(file, name, lists, dtype):
    data = file.create_dataset(name, (len(lists),), dtype=h5py.vlen_dtype(numpy.dtype(dtype)))
    for i, values in enumerate(lists):
        data[i] = numpy.array(values, dtype=dtype)


def write_variable(path, rows):
    with h5py.File(path, "w") as file:
        put_lists(file, "input_ids", [r["tokens"] for r in rows], "<i2")
        put_lists(file, "segment_ids", [r["segments"] for r in rows], "i1")
        put_lists(file, "masked_lm_positions", [r["positions"] for r in rows], "<i2")
        put_lists(file, "masked_lm_ids", [r["labels"] for r in rows], "<i2")
        file.create_dataset("next_sentence_labels", data=numpy.array([r["next_sentence"] for r in rows], "i1"))


def write_packed(path, rows, width):
    packs, tokens = [[]], 0
    for row in rows:
        if len(packs[-1]) == 3 or tokens + len(row["tokens"]) > width:
            packs.append([])
            tokens = 0
        packs[-1].append(row)
        tokens += len(row["tokens"])

    def joined(pack, key):
        return [value for row in pack for value in row[key]]

    def offset_positions(pack):
        out, begin = [], 0
        for row in pack:
            out += [begin + p for p in row["positions"]]
            begin += len(row["tokens"])
        return out

    with h5py.File(path, "w") as file:
        put_lists(file, "input_ids", [joined(p, "tokens") for p in packs], "<i2")
        put_lists(file, "segment_ids", [joined(p, "segments") for p in packs], "i1")
        put_lists(file, "masked_lm_positions", [offset_positions(p) for p in packs], "<i2")
        put_lists(file, "masked_lm_ids", [joined(p, "labels") for p in packs], "<i2")
        put_lists(file, "next_sentence_labels", [[r["next_sentence"] for r in p] for p in packs], "i1")
        put_lists(file, "packed_input_len", [[len(r["tokens"]) for r in p] for p in packs], "<i2")
        put_lists(file, "packed_masked_lm_len", [[len(r["positions"]) for r in p] for p in packs], "<i2")
    return len(packs)


def write_folder(folder, write, shards, name="books_training_{}.hdf5"):
    os.makedirs(folder)
    for number, rows in enumerate(shards):
        write(os.path.join(folder, name.format(number)), rows)
