"""A GPT-2 whose every figure is known in advance: words in a ring, and memories planted by hand.

Each word, each word to come and each position is a concept with a pair of dimensions of its own,
(1, −1), so that a layer norm finds mean 0 and changes nothing but the scale. Attention is switched
off. The output embedding reads a word's score from the words to come (which only values write) and
from the direct paths of `Word.direct` (which the input alone decides).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from checkpoints import Checkpoint, word_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

KEYS, CONTEXT = 16, 10
RING = "ant bee cow dog elk fox gnu hen".split()  # each is followed by the next, hen by ant


@dataclass(frozen=True)
class Word:
    """What layer 0 is made to do at a word. Scores are those of words to come."""

    direct: Mapping[str, float]  # r · E
    values: tuple[Mapping[str, float], ...]  # one memory each: v_i · E; its coefficient is 1
    category: str  # of layer 0
    zero_agreement: bool
    predicts: str  # the model's final prediction


# Its own key of layer 0 is the word's place in the ring; what else fires has keys from 8 on.
PLAN = {
    "ant": Word({"bee": 3.0}, ({"bee": 4.0},), "agreement", False, "bee"),
    "bee": Word({"fox": 9.0}, ({"cow": 4.1},), "residual", False, "fox"),
    "cow": Word({"fox": 2.0}, ({"dog": 4.2},), "ffn", False, "dog"),
    "dog": Word(
        {"bee": 3.0, "gnu": 2.9}, ({"elk": 4.3, "gnu": 3.5},), "composition", False, "gnu"
    ),
    "elk": Word(
        {"ant": 1.0}, ({"fox": 4.4, "cow": 3.0}, {"bee": 3.9, "cow": 3.0}), "ffn", True, "cow"
    ),
    "fox": Word({"bee": 3.0}, (), "residual", True, "bee"),  # nothing fires: y is the bias
    "gnu": Word({"hen": 3.0}, ({"hen": 4.5},), "agreement", False, "hen"),
    "hen": Word({"cow": 2.0}, ({"ant": 4.6},), "ffn", False, "ant"),
}  # fmt: skip
BIAS = ("hen", 0.5)  # of both layers' values; layer 1 has no memory that ever fires
SECOND = 8  # elk's other key
THIRD_TOKEN = 9  # a key that fires on the third token of a sentence, and whose value is zero


@dataclass(frozen=True)
class Planted:
    """The checkpoint and its corpus: pieces of the ring that begin differently."""

    checkpoint: Checkpoint
    words: dict[str, int]  # word → token id
    lines: list[str] = field(
        default_factory=lambda: [
            " ".join(RING[(start + n) % 8] for n in range(6 if start else 9)) for start in range(8)
        ]
    )


def planted_values(folder: Path) -> Planted:
    """Save it."""
    tokenizer = word_tokenizer(RING)
    words = tokenizer.get_vocab()
    vocabulary = len(words)
    concepts = 2 * vocabulary + CONTEXT

    def concept(number: int) -> torch.Tensor:
        row = torch.zeros(2, concepts)
        row[:, number] = torch.tensor([1.0, -1.0])
        return row.reshape(-1)

    def coming(scores: Mapping[str, float]) -> torch.Tensor:
        zero = torch.zeros(2 * concepts)
        return sum((s * concept(vocabulary + words[w]) for w, s in scores.items()), zero)

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary, n_positions=CONTEXT, n_embd=2 * concepts, n_layer=2, n_head=1,
            n_inner=KEYS, activation_function="relu", tie_word_embeddings=False,
            bos_token_id=1, eos_token_id=3, layer_norm_epsilon=1e-12,
        )
    ).eval()  # fmt: skip
    scale = (concepts / 2) ** 0.5  # the norm's factor where a word and a position stand
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        for norm in (model.transformer.ln_f, *(block.ln_2 for block in model.transformer.h)):
            norm.weight.fill_(1.0)
        for token in range(vocabulary):
            model.transformer.wte.weight[token] = concept(token)
            model.lm_head.weight[token] = concept(vocabulary + token) / 2
        for position in range(CONTEXT):
            model.transformer.wpe.weight[position] = concept(2 * vocabulary + position)
        for block in model.transformer.h:
            block.mlp.c_fc.bias.fill_(-0.5)  # 1.5 − 0.5 where a key fires, −0.5 elsewhere
            block.mlp.c_proj.bias.copy_(coming(dict([BIAS])))
        first = model.transformer.h[0].mlp
        first.c_fc.weight[2 * vocabulary + 2, THIRD_TOKEN] = 1.5 / scale
        for number, (word, plan) in enumerate(PLAN.items()):
            for target, score in plan.direct.items():
                model.lm_head.weight[words[target]] += score * concept(words[word]) / 2
            for key, value in zip((number, SECOND), plan.values, strict=False):
                first.c_fc.weight[words[word], key] = 1.5 / scale
                first.c_proj.weight[key] = coming(value)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    special = frozenset(tokenizer.all_special_ids)
    return Planted(Checkpoint(folder, (), special, CONTEXT), dict(words))
