"""For test_foreign_tasks.py: models of fine-tuning tasks as Transformers itself saves them, and data for them."""
import os

import numpy
import torch
import transformers

WORDS = ("the a of in is was not very and or cat dog bird fish house garden river boat red green blue old new good bad sees "
         "likes finds takes gives runs sings sleeps eats why who what where when peter hook").split()
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "##ing", ".", ",", "?", "!"]
SHAPE = dict(vocab_size=len(TOKENS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
             max_position_embeddings=128)


def labels(*names):
    return dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})


def save(folder, kind, **config):
    """Weights so large that every token counts for what is predicted."""
    torch.manual_seed(7)
    model = kind(transformers.BertConfig(**SHAPE, **config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm" not in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    return save_beside_tokenizer(model, folder)


def save_beside_tokenizer(model, folder):
    model.save_pretrained(folder)
    transformers.BertTokenizer(vocab={token: i for i, token in enumerate(TOKENS)}).save_pretrained(folder)
    assert os.path.exists(os.path.join(folder, "model.safetensors"))
    return folder


def sentences(count, longest):
    """Words that the vocabulary knows, as they are or by pieces, and one that it does not."""
    random = numpy.random.default_rng(3)
    words = [*WORDS, "Cats", "dogs", "birding", "unheard", "Red,", "is?"]
    return [" ".join(random.choice(words, random.integers(1, longest + 1))) for _ in range(count)]


def write_table(path, texts, names):
    """Texts and their labels, in turn."""
    with open(path, "w") as file:
        file.write("text\tlabel\n")
        file.writelines(f"{text}\t{names[i % len(names)]}\n" for i, text in enumerate(texts))
    return path


def write_words(path, texts, names=("",)):
    """A word a line, with its label where there are names."""
    with open(path, "w") as file:
        for text in texts:
            file.writelines(f"{word} {names[len(word) % len(names)]}".strip() + "\n" for word in text.split())
            file.write("\n")
    return path
