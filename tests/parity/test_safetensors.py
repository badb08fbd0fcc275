"""safetensors both ways against the safetensors package: what it writes we read and what we write it
reads, bit for bit; of hundreds of damaged files we refuse every one that it refuses; and model folders
that Transformers writes give the weights of its models."""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import torch
    import transformers
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = os.environ.get("BERTHA_SAFETENSORS_PROBE") or f"{os.environ['BERTHA_BUILD']}/tests/safetensors_probe"
TYPES = [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.float64, torch.int32,
         torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16, torch.uint32, torch.uint64,
         torch.float8_e4m3fn, torch.float8_e5m2]


def bits(tensor):
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def random_bits(shape, dtype):
    """Every bit pattern, NaNs with payloads and subnormal numbers among them."""
    size = int(np.prod(shape)) * torch.empty((), dtype=dtype).element_size()
    data = np.random.default_rng(size).integers(0, 2 if dtype == torch.bool else 256, size, dtype=np.uint8)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if size else torch.empty(shape, dtype=dtype)


def check_round_trip(folder):
    tensors = {}
    for dtype in TYPES:
        for shape in [(), (1,), (3, 5), (2, 3, 4), (7, 0, 2), (129,)]:
            tensors[f"{dtype} {list(shape)} \u00fc\n\"'"] = random_bits(shape, dtype)
    metadata = {"format": "pt", "empty": "", "with \"quotes\"": "two\nlines, \u00fcn\u00efcode \u2713"}
    theirs, ours = folder / "theirs.safetensors", folder / "ours.safetensors"
    save_file(tensors, theirs, metadata)
    subprocess.run([PROBE, "copy", theirs, ours], check=True)
    with safe_open(ours, "pt") as file:
        assert file.metadata() == metadata, file.metadata()
        assert set(file.keys()) == set(tensors)
        for name, tensor in tensors.items():
            read = file.get_tensor(name)
            assert read.dtype == tensor.dtype and read.shape == tensor.shape, name
            assert bits(read) == bits(tensor), f"{name}: bits differ"
    header = json.loads(ours.read_bytes()[8:8 + struct.unpack("<Q", ours.read_bytes()[:8])[0]])
    start = 8 + struct.unpack("<Q", ours.read_bytes()[:8])[0]
    for name, entry in header.items():
        if name != "__metadata__":
            size = tensors[name].element_size()
            assert (start + entry["data_offsets"][0]) % size == 0, f"{name} is not aligned"
    print(f"{len(tensors)} tensors of {len(TYPES)} types: equal bit for bit both ways")


def package_accepts(path):
    try:
        with safe_open(path, "pt") as file:
            for name in file.keys():
                file.get_tensor(name)
        return True
    except Exception:  # its errors are of several kinds
        return False


def damaged(generator):
    """A valid file with one thing changed in its header, its length or its data."""
    header = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
              "b": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
              "c": {"dtype": "U8", "shape": [5], "data_offsets": [40, 45]},
              "__metadata__": {"format": "pt"}}
    data = bytes(range(45))
    entry = header[generator.choice("abc")]
    numbers = [0, 1, 2, 3, 7, 24, 39, 40, 44, 45, 46, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
               2**64, -1, 1.0, 0.5, "1", None, [], {}, True]
    def shape(): entry["shape"] = generator.choices(numbers, k=generator.randrange(4))
    def offsets(): entry["data_offsets"] = generator.choices(numbers, k=generator.choice([1, 2, 2, 2, 3]))
    def one_offset(): entry["data_offsets"][generator.randrange(2)] = generator.choice(numbers)
    def one_size(): entry["shape"][0] = generator.choice(numbers)
    def dtype(): entry["dtype"] = generator.choice(["F32", "F64", "I64", "BF16", "F99", "", "f32", 1, None])
    def without(): del entry[generator.choice(list(entry))]
    def removed(): del header[generator.choice("abc")]
    def replaced(): header[generator.choice("abc")] = generator.choice(numbers)
    def nothing(): pass
    def more(): entry["more"] = generator.choice(numbers)
    def empty(): header["empty"] = {"dtype": "F16", "shape": [3, 0], "data_offsets": [generator.choice([0, 24, 24, 45])] * 2}
    def reordered(): header["a"], header["b"] = header.pop("b"), header.pop("a")
    def metadata(): header["__metadata__"] = generator.choice([None, 1, "x", [], {"x": 1}, {"x": None}, {}])
    generator.choice([shape, offsets, one_offset, one_size, dtype, without, removed, replaced, metadata,
                      nothing, nothing, nothing, more, empty, empty, reordered])()
    text = json.dumps(header).encode() + b" " * generator.choice([0, 0, 1, 9])
    change = generator.randrange(10)
    if change == 0:  # one byte of the text
        place = generator.randrange(len(text))
        text = text[:place] + bytes([generator.randrange(256)]) + text[place + 1:]
    elif change == 1:
        data = data[:generator.randrange(46)]
    elif change == 2:
        data += bytes(generator.randrange(1, 9))
    length = len(text)
    if generator.randrange(10) == 0:
        length = generator.choice([0, 1, length - 1, length + 1, length + 45, 2**32, 2**63, 2**64 - 1])
    whole = struct.pack("<Q", length) + text + data
    return whole[:generator.randrange(len(whole))] if generator.randrange(20) == 0 else whole


def check_damaged(folder, count=1500):
    generator = random.Random(1)
    paths = []
    for number in range(count):
        paths.append(folder / f"{number}.safetensors")
        paths[-1].write_bytes(damaged(generator))
    done = subprocess.run([PROBE, "check", *paths], capture_output=True)
    assert done.returncode == 0, done.stderr[-500:]
    lines = done.stdout.decode(errors="replace").splitlines()
    assert len(lines) == count, "a message of several lines, or none"
    refused = stricter = 0
    for path, line in zip(paths, lines):
        ours, theirs = line == "ok", package_accepts(path)
        assert ours or line.startswith(f"65 {path}"), line
        assert theirs or not ours, f"we accept what the package refuses: {path.read_bytes()}"
        refused += not ours
        if theirs and not ours:
            stricter += 1
            print("  stricter than the package:", line.split(": ", 1)[1])
    assert count / 2 < refused < 0.9 * count
    print(f"{count} changed files: {refused} refused by us, {refused - stricter} of those by the package too")


def check_model_folders(folder):
    shape = dict(vocab_size=97, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
                 max_position_embeddings=33)
    for kind in ("BertModel", "BertForPreTraining", "BertForMaskedLM", "BertForSequenceClassification",
                 "BertForTokenClassification", "BertForQuestionAnswering"):
        torch.manual_seed(1)
        model = getattr(transformers, kind)(transformers.BertConfig(**shape))
        prefix = "bert." if kind == "BertModel" else ""
        expected = {prefix + name: value for name, value in model.state_dict().items()
                    if not name.startswith("cls.predictions.decoder.")}
        for shards, dtype in (("10GB", torch.float32), ("12KB", torch.float32), ("10GB", torch.bfloat16)):
            path = folder / f"{kind} {shards} {dtype}"
            model.to(dtype).save_pretrained(path, max_shard_size=shards)
            assert (path / "model.safetensors.index.json").exists() == (shards == "12KB"), os.listdir(path)
            subprocess.run([PROBE, "weights", path, folder / "out.safetensors"], check=True)
            ours = load_file(folder / "out.safetensors")
            assert set(ours) == set(expected), (kind, set(ours) ^ set(expected))
            for name, value in expected.items():
                assert bits(ours[name]) == bits(value.to(dtype)), f"{kind}: {name}"
    print("weights of 6 Transformers classes, whole, in shards and in bf16: equal bit for bit")
    check_nvidia_names(folder, shape)


def check_nvidia_names(folder, shape):
    """A model as NVIDIA's BERT names it: dense_act where an activation follows, LayerNorm's gamma and beta."""
    model = transformers.BertForPreTraining(transformers.BertConfig(**shape))
    expected = {name: value for name, value in model.state_dict().items() if "decoder" not in name}
    renamed = {}
    for name, value in expected.items():
        for dense in ("intermediate.dense.", "pooler.dense.", "transform.dense."):
            name = name.replace(dense, dense.replace("dense", "dense_act"))
        renamed[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = value
    assert sum("dense_act" in name for name in renamed) == 2 * (shape["num_hidden_layers"] + 2)
    path = folder / "nvidia"
    model.config.save_pretrained(path)
    save_file({name: value.contiguous() for name, value in renamed.items()}, path / "model.safetensors")
    subprocess.run([PROBE, "weights", path, folder / "out.safetensors"], check=True)
    ours = load_file(folder / "out.safetensors")
    assert set(ours) == set(expected), set(ours) ^ set(expected)
    assert all(bits(ours[name]) == bits(value) for name, value in expected.items())
    print("NVIDIA's names: equal bit for bit")


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        check_round_trip(Path(folder))
        check_damaged(Path(folder))
        check_model_folders(Path(folder))


if __name__ == "__main__":
    main()
