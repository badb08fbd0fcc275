"""For test_exported_model.py: what holds of every fine-tuned folder that is exported, whatever its head."""
import json
import os

import torch
from safetensors.torch import load_file

from model_folders import bertha, load, same_bits


def weights_of(folder):
    return load_file(os.path.join(folder, "model.safetensors"))


def config_of(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)


def check_export(kind, folder, exported):
    """The export is of the same class, with the same bits."""
    bertha("export", "--train.init", folder, "--train.output", exported)
    ours, theirs = load(kind, exported).state_dict(), load(kind, folder).state_dict()
    assert set(ours) == set(theirs) and all(same_bits(ours[name], theirs[name]) for name in ours)


def check_bf16(kind, folder, exported):
    """Every weight is that of the folder, rounded."""
    bertha("export", "--train.init", folder, "--train.output", exported, "--export.precision", "bf16")
    model, before, after = load(kind, exported), weights_of(folder), weights_of(exported)
    loaded = model.state_dict()
    assert model.dtype == torch.bfloat16 and type(model).__name__ in config_of(exported)["architectures"]
    assert set(before) == set(after), set(before) ^ set(after)
    for name, value in before.items():
        assert value.dtype == torch.float32 and after[name].dtype == torch.bfloat16, name
        assert torch.equal(after[name], value.to(torch.bfloat16)), name
        # None is a number of bf16 by chance, but for biases and norms that are hardly trained.
        assert value.dim() == 1 or not torch.equal(after[name].float(), value), name
        assert torch.equal(loaded[name], after[name]), name


def check_import(folder, exported, again, data):
    """import(export(x)) is x: training that changes nothing writes every weight, and config.json, as they were."""
    bertha("finetune", "--train.init", exported, *data, "--task.epochs", 1, "--optimizer.learning_rate", 0, "--train.output", again)
    written = os.path.join(again, "model")
    before, after = weights_of(folder), weights_of(written)
    assert set(before) == set(after), set(before) ^ set(after)
    for name, value in before.items():
        assert same_bits(value, after[name]), name
    assert config_of(folder) == config_of(written), (config_of(folder), config_of(written))
    return len(before)


def check_tuned(kind, folder, task, train, *options):
    """`options`: more of what it was trained with."""
    exported = folder + " exported"
    check_export(kind, folder, exported)
    check_bf16(kind, folder, folder + " in bf16")
    data = ("--task.name", task, "--task.train", train, *options)
    weights = check_import(folder, exported, folder + " again", data)
    print(f"{task}, fine-tuned, exported and imported again: {weights} weights equal bit for bit; in bf16 rounded")
