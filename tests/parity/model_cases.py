"""Models and batches of test_model.py: shapes, heads, lengths; random weights, tokens and labels."""
from dataclasses import dataclass, field

import numpy as np
import torch
import transformers


@dataclass
class Case:
    name: str
    architecture: str
    lengths: list
    config: dict = field(default_factory=dict)
    masked: float = 0.15  # share of tokens that are predicted
    labels: int = 3
    several: bool = False   # multi-label
    training: bool = False  # dropout
    scale: float = 3.0      # of the random weights over Transformers' initial ones


SHAPE = dict(vocab_size=1003, hidden_size=72, num_hidden_layers=3, num_attention_heads=6,
             intermediate_size=130, max_position_embeddings=130)
CASES = [
    Case("pretraining, mixed lengths with one token", "BertForPreTraining", [1, 7, 128, 33, 2, 64]),
    Case("pretraining, equal lengths", "BertForPreTraining", [40] * 5),
    Case("pretraining, initial scale", "BertForPreTraining", [31, 64, 90], scale=1.0),
    Case("pretraining, one sequence of one token", "BertForPreTraining", [1], masked=1.0),
    Case("pretraining, nothing masked", "BertForPreTraining", [9, 12], masked=0.0),
    Case("pretraining, 512 tokens", "BertForPreTraining", [512, 100, 511],
         dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("pretraining, one head, gelu_new", "BertForPreTraining", [5, 30, 17],
         dict(hidden_size=33, num_attention_heads=1, hidden_act="gelu_new", intermediate_size=7)),
    Case("pretraining, heads of size 1, relu, three segments", "BertForPreTraining", [5, 30, 17],
         dict(hidden_size=12, num_attention_heads=12, hidden_act="relu", type_vocab_size=3,
              layer_norm_eps=1e-5)),
    Case("pretraining, silu", "BertForPreTraining", [5, 30, 17], dict(hidden_act="silu")),
    Case("classification, tanh", "BertForSequenceClassification", [5, 30, 17], dict(hidden_act="tanh")),
    Case("pretraining, no padding token", "BertForPreTraining", [11, 30], dict(pad_token_id=None)),
    Case("pretraining, tiny", "BertForPreTraining", [128] * 4 + [60, 20],
         dict(vocab_size=30522, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
              intermediate_size=512, max_position_embeddings=512)),
    # Transformers' own scale: three times that makes rounding errors of so many summands as large.
    *[Case(f"pretraining, {name}", "BertForPreTraining", [1, 65, 128],
           dict(hidden_size=hidden, num_hidden_layers=2, num_attention_heads=heads,
                intermediate_size=4 * hidden), scale=1.0)
      for name, hidden, heads in (("small and medium", 512, 8), ("base", 768, 12),
                                  ("large", 1024, 16))],
    Case("pretraining, base with all its layers and tokens", "BertForPreTraining", [24, 24],
         dict(vocab_size=30522, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
              intermediate_size=3072, max_position_embeddings=512), scale=1.0),
    Case("masked language model", "BertForMaskedLM", [18, 64, 1]),
    Case("masked language model, nothing masked", "BertForMaskedLM", [9, 12, 1], masked=0.0),
    Case("masked language model, 512 tokens", "BertForMaskedLM", [512, 1, 300],
         dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("classification", "BertForSequenceClassification", [18, 64, 1, 30], labels=5),
    Case("classification, 512 tokens", "BertForSequenceClassification", [512, 1, 300], labels=5,
         config=dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("regression", "BertForSequenceClassification", [18, 64, 1, 30], labels=1),
    Case("token classification", "BertForTokenClassification", [18, 64, 1, 30], labels=7),
    Case("question answering", "BertForQuestionAnswering", [18, 64, 1, 30], labels=2),
    Case("multi-label", "BertForSequenceClassification", [18, 64, 1, 30], labels=4, several=True),
    Case("multi-label, one label", "BertForSequenceClassification", [7, 3], labels=1, several=True),
    Case("token classification, 512 tokens", "BertForTokenClassification", [512, 1, 300], labels=13,
         config=dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("question answering, 512 tokens", "BertForQuestionAnswering", [512, 1, 300], labels=2,
         config=dict(max_position_embeddings=512, hidden_size=64, num_attention_heads=4)),
    Case("question answering, one token", "BertForQuestionAnswering", [1], labels=2),
    Case("base model", "BertModel", [18, 64, 1, 30]),
    Case("dropout, pretraining", "BertForPreTraining", [48] * 3, training=True),
    Case("dropout, classification", "BertForSequenceClassification", [21], training=True,
         config=dict(classifier_dropout=0.4)),
    Case("dropout, token classification", "BertForTokenClassification", [21] * 2, training=True),
    Case("dropout, question answering", "BertForQuestionAnswering", [21], labels=2, training=True),
    Case("dropout, multi-label", "BertForSequenceClassification", [21] * 3, training=True,
         several=True),
]


def make_model(case):
    torch.manual_seed(len(case.name))
    shape = {**SHAPE, **case.config}
    rates = dict(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3) if case.training else \
        dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config = transformers.BertConfig(**shape, **rates, num_labels=case.labels)
    if case.several:
        config.problem_type = "multi_label_classification"
    config._attn_implementation = "eager"
    model = getattr(transformers, case.architecture)(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif parameter.dim() == 1:
                parameter.copy_(torch.randn_like(parameter) * 0.05)
            else:
                parameter.mul_(case.scale)
    model.train(case.training)
    return model


def make_batch(case, config):
    random = np.random.default_rng(len(case.name))
    tokens = sum(case.lengths)
    count = len(case.lengths)
    offsets = np.concatenate([[0], np.cumsum(case.lengths)])
    batch = {
        "tokens": random.integers(1, config.vocab_size, tokens),
        "segments": np.concatenate([np.sort(random.integers(0, config.type_vocab_size, length))
                                    for length in case.lengths]),
        "positions": np.concatenate([np.arange(length) for length in case.lengths]),
        "sequence_offsets": offsets,
        "sample_numbers": random.integers(0, 2**62, count),
    }
    batch["tokens"][:: 10] = 0  # the padding token as a real one: Transformers gives it no gradient
    chosen = np.flatnonzero(random.random(tokens) < case.masked)
    if case.masked > 0 and chosen.size == 0:
        chosen = np.array([0])
    batch["masked_positions"] = chosen
    batch["masked_labels"] = random.integers(0, config.vocab_size, chosen.size)
    batch["next_sentence"] = random.integers(0, 2, count)
    batch["answers"] = np.stack([random.integers(0, case.lengths), random.integers(0, case.lengths)],
                                axis=1)
    batch = {name: torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
             for name, values in batch.items()}
    if case.architecture == "BertForTokenClassification":
        batch["labels"] = torch.from_numpy(random.integers(0, case.labels, tokens))
        batch["labels"][::4] = -100
    elif case.several:
        batch["labels"] = torch.from_numpy(
            random.integers(0, 2, (count, case.labels)).astype(np.float32))
    elif case.labels == 1:
        batch["labels"] = torch.from_numpy(random.standard_normal(count).astype(np.float32))
    else:
        batch["labels"] = torch.from_numpy(random.integers(0, case.labels, count))
    return batch
