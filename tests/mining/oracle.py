"""The brute force that mining is compared with: every coefficient kept, a full sort, no tensors.

Written from the contract and the paper alone; it shares no line with `mining/`. Each sentence
is run by itself through the transformers model (a batch of one, no padding, float32), with a plain
pre-hook on each block's down-projection, whose input is the memory coefficient by definition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from checkpoints import Checkpoint
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel


@dataclass(frozen=True)
class Trigger:
    """One expected row of triggers.parquet."""

    layer: int
    key: int
    sign: int
    rank: int
    coefficient: float
    sentence_id: int
    position: int
    next_token_id: int
    prefix: str


@dataclass(frozen=True)
class KeyStatistics:
    """One expected row of keys.parquet."""

    triggers: int
    active_share: float
    mean: float
    max: float
    min: float


@dataclass(frozen=True)
class _Prefix:
    coefficient: float
    sentence_id: int
    position: int


class Oracle:
    """All coefficients of a checkpoint over some sentences, and what a run must make of them."""

    def __init__(self, checkpoint: Checkpoint, sentences: Sequence[str]) -> None:
        """`sentences` in corpus order; the parts they are split in count from 0."""
        self._read(checkpoint, sentences)
        fed = len(checkpoint.begins_with)
        # One array a sentence: layers × positions × keys, the sentence's own positions only.
        forwards = [
            _forward(checkpoint.folder, checkpoint.begins_with + tuple(ids))
            for ids in self.token_ids
        ]
        self.coefficients = [one.coefficients[:, fed:] for one in forwards]
        # How large the terms behind a key's coefficients get: what float32 rounds relative to.
        self.scale = np.max([one.scale for one in forwards], axis=0)

    def _read(self, checkpoint: Checkpoint, sentences: Sequence[str]) -> None:
        """Tokens without a model: text, ids and offsets of every part."""
        tokenizer = _tokenizer(checkpoint.folder)
        room = checkpoint.context - len(checkpoint.begins_with)
        self.texts = [part for text in sentences for part in _parts(tokenizer, text, room)]
        encoded = [tokenizer.encode(text, add_special_tokens=False) for text in self.texts]
        self.token_ids = [list(one.ids) for one in encoded]
        self.token_ends = [[end for _, end in one.offsets] for one in encoded]
        self._special = checkpoint.special_ids

    @property
    def layers(self) -> int:
        return int(self.coefficients[0].shape[0])

    @property
    def keys(self) -> int:
        return int(self.coefficients[0].shape[2])

    def ranked_positions(self) -> list[tuple[int, int]]:
        """(sentence_id, position) of every prefix that may trigger a key."""
        return [
            (sentence, position)
            for sentence, found in enumerate(self.coefficients)
            for position in range(found.shape[1])
            if self.token_ids[sentence][position] not in self._special
        ]

    def triggers(
        self, layer: int, key: int, *, top_k: int, per_sentence: str = "one", sign: str = "positive"
    ) -> list[Trigger]:
        """The rows of one key, positive ones first, then (with sign "both") the most negative."""
        rows: list[Trigger] = []
        for direction in (1, -1) if sign == "both" else (1,):
            ranked = self._ranked(layer, key, direction, per_sentence)[:top_k]
            rows.extend(
                self._row(layer, key, direction, rank, prefix)
                for rank, prefix in enumerate(ranked, start=1)
            )
        return rows

    def statistics(self, layer: int, key: int, triggers: int) -> KeyStatistics:
        """How the key fires over all ranked positions."""
        values = np.array(
            [self.coefficients[s][layer, p, key] for s, p in self.ranked_positions()], np.float64
        )
        return KeyStatistics(
            triggers=triggers,
            active_share=float((values > 0).mean()),
            mean=float(values.mean()),
            max=float(values.max()),
            min=float(values.min()),
        )

    def _ranked(self, layer: int, key: int, direction: int, per_sentence: str) -> list[_Prefix]:
        prefixes = [
            _Prefix(float(self.coefficients[s][layer, p, key]), s, p)
            for s, p in self.ranked_positions()
        ]
        prefixes = [one for one in prefixes if direction * one.coefficient > 0]
        prefixes.sort(key=lambda one: (-direction * one.coefficient, one.sentence_id, one.position))
        if per_sentence == "one":
            offers: dict[int, _Prefix] = {}
            for one in prefixes:
                offers.setdefault(one.sentence_id, one)
            prefixes = [one for one in prefixes if offers[one.sentence_id] is one]
        # An identical prefix can be worth a rounding error more in a later, longer sentence: it is
        # the sentence_id that decides which one stays, not the coefficient.
        first: dict[tuple[int, ...], int] = {}
        for one in prefixes:
            ids = self._ids_of(one)
            first[ids] = min(first.get(ids, one.sentence_id), one.sentence_id)
        return [one for one in prefixes if first[self._ids_of(one)] == one.sentence_id]

    def _ids_of(self, prefix: _Prefix) -> tuple[int, ...]:
        return tuple(self.token_ids[prefix.sentence_id][: prefix.position + 1])

    def _row(self, layer: int, key: int, sign: int, rank: int, prefix: _Prefix) -> Trigger:
        ids = self.token_ids[prefix.sentence_id]
        after = prefix.position + 1
        text = self.texts[prefix.sentence_id]
        return Trigger(
            layer=layer,
            key=key,
            sign=sign,
            rank=rank,
            coefficient=prefix.coefficient,
            sentence_id=prefix.sentence_id,
            position=prefix.position,
            next_token_id=ids[after] if after < len(ids) else -1,
            prefix=text[: self.token_ends[prefix.sentence_id][prefix.position]],
        )


def _parts(tokenizer: Tokenizer, text: str, room: int) -> list[str]:
    """The sentence, cut wherever the context is full, but never within a character."""
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    if len(offsets) <= room:
        return [text]
    kept = room
    while offsets[kept][0] < offsets[kept - 1][1]:
        kept -= 1
    end = offsets[kept - 1][1]
    return [text[:end].strip(), *_parts(tokenizer, text[end:].strip(), room)]


@cache
def _tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@cache
def _model(folder: Path) -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()


@dataclass(frozen=True)
class _Forward:
    coefficients: np.ndarray  # layers × positions × keys
    scale: np.ndarray  # layers × keys: the largest |x| · |k| + |bias|


@cache
def _forward(folder: Path, token_ids: tuple[int, ...]) -> _Forward:
    """One sentence alone."""
    model = _model(folder)
    blocks = model.transformer.h
    if not token_ids:
        shape = (len(blocks), 0, model.config.n_inner)
        return _Forward(np.zeros(shape, np.float32), np.zeros(shape[::2], np.float32))
    seen: dict[int, np.ndarray] = {}
    sums: dict[int, np.ndarray] = {}

    def keep(layer: int, _: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen[layer] = inputs[0][0].numpy().copy()

    def keep_sum(
        layer: int, key: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _: object
    ) -> None:
        terms = inputs[0][0].abs() @ key.weight.abs() + key.bias.abs()
        sums[layer] = terms.amax(dim=0).numpy()

    hooks = [
        hook
        for layer, block in enumerate(blocks)
        for hook in (
            block.mlp.c_proj.register_forward_pre_hook(partial(keep, layer)),
            block.mlp.c_fc.register_forward_hook(partial(keep_sum, layer)),
        )
    ]
    with torch.inference_mode():
        model.transformer(torch.tensor([token_ids]))
    for hook in hooks:
        hook.remove()
    layers = range(len(blocks))
    return _Forward(np.stack([seen[i] for i in layers]), np.stack([sums[i] for i in layers]))
