"""A layer's memory against a brute force: whatever the batches, and wherever memory runs out."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from prefix_models import KEYS, Causal, brute_force, corpora, held, new_memory
from token_batches import CPU, SPECIAL, Ids, batches_of
from torch.utils._python_dispatch import TorchDispatchMode

from mining.batches import PlacedBatch


@settings(max_examples=50, deadline=None)
@given(
    sentences=corpora(),
    seed=st.integers(0, 1000),
    levels=st.sampled_from([1, 4, 1000]),
    places=st.integers(1, 5),
    every=st.booleans(),
    tokens=st.integers(1, 300),
    draw=st.randoms(use_true_random=False),
)
def test_whatever_the_batches_the_memory_holds_what_a_brute_force_finds(
    sentences: list[Ids],
    seed: int,
    levels: int,
    places: int,
    every: bool,
    tokens: int,
    draw: random.Random,
) -> None:
    model = Causal(seed, levels)
    memory = new_memory(places, every)
    parts = batches_of(sentences, tokens)
    draw.shuffle(parts)
    interrupted_at = draw.randrange(len(parts) + 1)
    for number, batch in enumerate(parts):
        if number == interrupted_at:
            state = {name: tensor.clone() for name, tensor in memory.tensors().items()}
            memory = new_memory(places, every)
            memory.restore(state)
        for _ in range(draw.choice([1, 1, 2])):  # 2: as if something had failed the first time
            memory.see(model.of_batch(batch), PlacedBatch.of(batch, CPU))
        assert memory.commit()
    for sign in (1, -1):
        assert held(memory, sign) == brute_force(model, sentences, places, sign, every)
    ranked = [
        model.coefficients(ids[: position + 1])
        for ids in sentences
        for position, token in enumerate(ids)
        if token != SPECIAL
    ]
    activity, ranked_NF = memory.activity, np.array(ranked).reshape(-1, KEYS)
    assert activity.positions == len(ranked)
    assert activity.active_F.tolist() == (ranked_NF > 0).sum(0).tolist()
    assert activity.total_F.tolist() == ranked_NF.sum(0).tolist()  # quarters: exact in any order
    if ranked:
        assert activity.highest_F.tolist() == ranked_NF.max(0).tolist()
        assert activity.lowest_F.tolist() == ranked_NF.min(0).tolist()


def test_of_many_sentences_that_begin_apart_and_many_alike_none_is_lost() -> None:
    # Enough offers at once for the short cut that leaves out what cannot win a place.
    draw = random.Random(0)
    for places in (1, 2, 5):
        sentences = [(draw.randint(1, 6), draw.randint(1, 9)) for _ in range(300)]
        memory, model = new_memory(places, every=False), Causal(places, 1000)
        (batch,) = batches_of(sentences, 1_000)
        memory.see(model.of_batch(batch), PlacedBatch.of(batch, CPU))
        for sign in (1, -1):
            assert held(memory, sign) == brute_force(model, sentences, places, sign, False)


class RunsOut(TorchDispatchMode):
    """Memory that is full after so many tensor operations."""

    def __init__(self, operations: int) -> None:
        super().__init__()
        self.left = operations

    def __torch_dispatch__(
        self,
        function: object,
        types: object,
        arguments: tuple[object, ...] = (),
        named: dict[str, object] | None = None,
    ) -> object:
        self.left -= 1
        if self.left < 0:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return function(*arguments, **(named or {}))  # type: ignore[operator]


@pytest.mark.parametrize("every", [False, True])
def test_wherever_memory_runs_out_seeing_the_batch_again_loses_nothing(every: bool) -> None:
    draw = random.Random(1)
    sentences = [tuple(draw.choices(range(1, 6), k=draw.randint(1, 3))) for _ in range(40)]
    model, places = Causal(1, 4), 4
    parts = [
        (model.of_batch(batch), PlacedBatch.of(batch, CPU)) for batch in batches_of(sentences, 12)
    ]
    expected = [brute_force(model, sentences, places, sign, every) for sign in (1, -1)]
    operations, ran_out = 0, True
    while ran_out:
        memory, ran_out = new_memory(places, every), False
        for coefficient_BTF, placed in parts:
            try:
                with RunsOut(operations):
                    memory.see(coefficient_BTF, placed)
            except torch.OutOfMemoryError:
                ran_out = True
                memory.see(coefficient_BTF, placed)
            memory.commit()
        assert [held(memory, sign) for sign in (1, -1)] == expected, f"full after {operations}"
        operations += 7
    assert operations > 50
