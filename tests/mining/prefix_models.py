"""Models of nothing but prefixes, and what a layer's memory must hold of them by brute force."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from token_batches import CPU, SPECIAL, Ids, own_ids

from mining.batches import Batch
from mining.layer_memory import LayerMemory

KEYS = 3
Place = tuple[int, float, int, int]  # key, coefficient, sentence, position


@dataclass(frozen=True)
class Causal:
    """A model of nothing but prefixes: each has its coefficients, wherever it stands."""

    seed: int
    levels: int  # few: ties are common

    def coefficients(self, prefix: Ids) -> list[float]:
        draw = random.Random(hash((self.seed, prefix)))
        return [draw.randint(-self.levels, self.levels) / 4 for _ in range(KEYS)]

    def of_batch(self, batch: Batch) -> torch.Tensor:
        coefficient_BTF = torch.full((*batch.ranked_BT.shape, KEYS), 99.0)  # at padding
        for row, ids in enumerate(own_ids(batch)):
            for position in range(len(ids)):
                prefix = ids[: position + 1]
                coefficient_BTF[row, position] = torch.tensor(self.coefficients(prefix))
        return coefficient_BTF


def brute_force(
    model: Causal, sentences: Sequence[Ids], places: int, sign: int, every: bool
) -> list[Place]:
    """Everything kept, everything sorted: the definition."""
    found: list[Place] = []
    for key in range(KEYS):
        offers = []
        for sentence, ids in enumerate(sentences):
            own = [
                (sign * model.coefficients(ids[: position + 1])[key], position)
                for position, token in enumerate(ids)
                if token != SPECIAL
            ]
            own = [one for one in own if one[0] > 0]
            best = own if every else sorted(own, key=lambda one: (-one[0], one[1]))[:1]
            offers += [(value, sentence, position) for value, position in best]
        first: dict[Ids, int] = {}
        for _, sentence, position in offers:
            prefix = sentences[sentence][: position + 1]
            first[prefix] = min(first.get(prefix, sentence), sentence)
        offers = [one for one in offers if first[sentences[one[1]][: one[2] + 1]] == one[1]]
        offers.sort(key=lambda one: (-one[0], *one[1:]))
        found += [(key, *one) for one in offers[:places]]
    return found


def held(memory: LayerMemory, sign: int) -> list[Place]:
    best = memory.best[sign].result()
    columns = (best.key_N, best.coefficient_N, best.sentence_N, best.position_N)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def new_memory(
    places: int, every: bool, once: bool = False, device: torch.device = CPU
) -> LayerMemory:
    return LayerMemory(KEYS, places, device, signs=(1, -1), every=every, once=once)


@st.composite
def corpora(draw: st.DrawFn) -> list[Ids]:
    """Sentences of which many begin with the same tokens, and some are the same."""
    tokens = draw(st.integers(2, 12))
    token = st.integers(0, tokens)
    return draw(
        st.lists(st.lists(token, min_size=1, max_size=4).map(tuple), min_size=1, max_size=60)
    )
