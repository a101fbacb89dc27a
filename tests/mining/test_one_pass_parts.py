"""The parts of the one pass against plain loops: batches, reductions, a layer's memory, capture."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mining.activity import reduce_batch
from mining.batches import Batch, PlacedBatch, batches
from mining.capture import memory_coefficients
from mining.corpus import Sentence
from mining.layer_memory import LayerMemory
from mining.reading import Counts, Window

CPU = torch.device("cpu")
SPECIAL = 0  # of the vocabularies here
Ids = tuple[int, ...]
Place = tuple[int, float, int, int]  # key, coefficient, sentence, position


def window_of(sentences: Sequence[Ids], first: int = 0) -> Window:
    """These sentences, the first of which has this id; token 0 is a special one."""
    ids = np.array([token for ids in sentences for token in ids], dtype=np.int64)
    return Window(
        sentences=[Sentence(first + n, 0, "") for n in range(len(sentences))],
        length_S=np.array([len(ids) for ids in sentences], dtype=np.int64), ids_N=ids,
        special_N=ids == SPECIAL, before=Counts(sentences=first), digest_before="",
        expected_tokens=0,
    )  # fmt: skip


def batches_of(
    sentences: Sequence[Ids], tokens: int, lead: Ids = (), first: int = 0, mixed: bool = True
) -> list[Batch]:
    """`mixed`: of several lengths, as on a GPU, so that some are padded."""
    return [
        *batches(window_of(sentences, first), SimpleNamespace(lead_ids=lead), tokens, mixed=mixed)
    ]


def own_ids(batch: Batch) -> list[Ids]:
    lead = batch.ids_BU.shape[1] - batch.ranked_BT.shape[1]
    return [
        tuple(row[lead : lead + length].tolist())
        for row, length in zip(batch.ids_BU, batch.length_B, strict=True)
    ]


# -- batches ----------------------------------------------------------------------------------

SENTENCES = st.lists(st.lists(st.integers(0, 5), max_size=9).map(tuple), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(
    sentences=SENTENCES,
    tokens=st.integers(1, 60),
    lead=st.sampled_from([(), (7,), (7, 8)]),
    first=st.integers(0, 10**9),
    mixed=st.booleans(),
)
def test_every_token_is_in_one_batch_once(
    sentences: list[Ids], tokens: int, lead: Ids, first: int, mixed: bool
) -> None:
    seen: dict[int, Ids] = {}
    for index, batch in enumerate(batches_of(sentences, tokens, lead, first, mixed)):
        assert batch.index == index
        assert batch.ids_BU.size <= tokens or len(batch.length_B) == 1
        assert batch.ids_BU[:, : len(lead)].tolist() == [[*lead]] * len(batch.length_B)
        assert batch.ids_BU.shape[1] == len(lead) + batch.length_B.max()
        assert mixed or len({*batch.length_B.tolist()}) == 1
        assert batch.tokens == batch.length_B.sum()
        for row, (at, ids) in enumerate(zip(batch.sentence_B, own_ids(batch), strict=True)):
            assert at not in seen
            seen[int(at)] = ids
            padding = batch.ranked_BT.shape[1] - len(ids)
            ranked = [token != SPECIAL for token in ids] + [False] * padding
            assert batch.ranked_BT[row].tolist() == ranked
    assert seen == {first + n: ids for n, ids in enumerate(sentences) if ids}


def wiki_text_lengths(sentences: int) -> np.ndarray:
    """Half of them up to 24 tokens, one in a hundred longer than 90."""
    return np.random.default_rng(0).lognormal(3.2, 0.58, sentences).clip(1, 512).astype(int)


@pytest.mark.parametrize(
    ("tokens", "mixed"), [(4_096, False), (1_024, True), (4_096, True), (65_536, True)]
)
@pytest.mark.parametrize("lead", [(), (7,)])
def test_padding_is_below_three_per_cent_of_what_is_fed(
    tokens: int, mixed: bool, lead: Ids
) -> None:
    lengths = wiki_text_lengths(16_384)
    cut = batches_of([(1,) * length for length in lengths], tokens, lead, mixed=mixed)
    fed = sum(batch.ids_BU.size for batch in cut)
    assert sum(batch.tokens for batch in cut) == lengths.sum()
    padding = fed - lengths.sum() - len(lead) * len(lengths)
    assert padding < 0.03 * fed
    assert fed / len(cut) > tokens / 8  # and batches are worth a forward pass each


@settings(max_examples=30, deadline=None)
@given(sentences=SENTENCES.filter(any), tokens=st.integers(1, 90))
def test_halves_hold_what_the_batch_held_and_no_more_padding_than_they_need(
    sentences: list[Ids], tokens: int
) -> None:
    for whole in batches_of(sentences, tokens, lead=(7,)):
        waiting, parts = [whole], []
        while waiting:
            part = waiting.pop()
            if len(part.length_B) == 1:
                parts.append(part)
                continue
            shorter, longer = part.halves()
            assert abs(len(shorter.length_B) - len(longer.length_B)) <= 1
            assert shorter.length_B.max() <= longer.length_B.min()
            waiting += [shorter, longer]
        assert all(part.ids_BU.shape[1] == 1 + part.length_B[0] for part in parts)
        assert all(part.ids_BU[0, 0] == 7 for part in parts)
        held = {int(part.sentence_B[0]): own_ids(part)[0] for part in parts}
        assert held == dict(zip(whole.sentence_B.tolist(), own_ids(whole), strict=True))
        ranked = {int(part.sentence_B[0]): part.ranked_BT.sum() for part in parts}
        assert ranked == dict(
            zip(whole.sentence_B.tolist(), whole.ranked_BT.sum(1).tolist(), strict=True)
        )


# -- reductions -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "sentences",
    [
        [(1, 2, 3)],
        [(1, 2, 3), (1, 2), (4, 5, 6), (1,)],  # padding
        [(1, 0, 3), (0, 2, 3), (4, 5, 0), (1, 2, 3)],  # special tokens, all of one length
        [(0,), (0, 0), (1, 0), (2, 3, 4, 5)],  # rows without a ranked position
        [(0, 0), (0,)],  # nothing else
        [(1,) * n for n in (1, 2, 2, 3, 3, 3, 9)] + [(1, 0, 1), (0, 1), (0,) * 9],
    ],
)
@pytest.mark.parametrize("keys", [5, 300_000])  # the latter: fewer rows at a time
def test_a_batch_is_reduced_as_in_a_loop(
    sentences: list[Ids], keys: int, dtype: torch.dtype
) -> None:
    (batch,) = batches_of(sentences, 1_000)
    torch.manual_seed(0)
    coefficient_BTF = torch.randn(*batch.ranked_BT.shape, keys).to(dtype)
    coefficient_BTF[0, 0, 0] = 0.0  # neither above nor below
    padding_BT = np.arange(batch.ranked_BT.shape[1]) >= batch.length_B[:, None]
    coefficient_BTF[torch.from_numpy(padding_BT)] = torch.nan  # never to be looked at
    coefficient_BTF[torch.from_numpy(~batch.ranked_BT & ~padding_BT)] = torch.inf
    figures = reduce_batch(coefficient_BTF, PlacedBatch.of(batch, CPU))
    total_F, active_F = torch.zeros(keys, dtype=torch.float64), torch.zeros(keys, dtype=torch.int64)
    for row, ranked_T in enumerate(batch.ranked_BT):
        own_LF = coefficient_BTF[row, torch.from_numpy(ranked_T)]
        if not len(own_LF):
            assert (figures.highest_BF[row] == -torch.inf).all()
            assert (figures.lowest_BF[row] == torch.inf).all()
            continue
        assert torch.equal(figures.highest_BF[row], own_LF.max(0).values)
        assert torch.equal(figures.lowest_BF[row], own_LF.min(0).values)
        total_F += own_LF.double().sum(0)
        active_F += (own_LF > 0).sum(0)
    assert torch.equal(figures.active_F, active_F)
    torch.testing.assert_close(figures.total_F, total_F, rtol=1e-6, atol=1e-5)


# -- a layer's memory -------------------------------------------------------------------------

KEYS = 3


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


def new_memory(places: int, every: bool) -> LayerMemory:
    return LayerMemory(KEYS, places, CPU, signs=(1, -1), every=every)


@st.composite
def corpora(draw: st.DrawFn) -> list[Ids]:
    """Sentences of which many begin with the same tokens, and some are the same."""
    tokens = draw(st.integers(2, 12))
    token = st.integers(0, tokens)
    return draw(
        st.lists(st.lists(token, min_size=1, max_size=4).map(tuple), min_size=1, max_size=60)
    )


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


# -- capture ----------------------------------------------------------------------------------


class Double(nn.Module):
    """Stands for a down-projection; counts how often it was run."""

    runs = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return 2 * x


@pytest.fixture
def values() -> Iterator[list[Double]]:
    modules = [Double() for _ in range(4)]
    yield modules
    assert not any(module._forward_pre_hooks for module in modules)  # whatever happened


def test_each_layer_asked_for_is_handed_over_and_the_model_stops_after_the_last(
    values: list[Double],
) -> None:
    seen: list[tuple[int, float]] = []
    with memory_coefficients(values, [2, 0, 2], lambda layer, x: seen.append((layer, x.item()))):
        nn.Sequential(*values)(torch.tensor(1.0))
        seen.append((-1, 0.0))  # not reached: the model was left
    assert seen == [(0, 1.0), (2, 4.0)]
    assert [module.runs for module in values] == [1, 1, 0, 0]
    assert nn.Sequential(*values)(torch.tensor(1.0)).item() == 16


def test_hooks_are_removed_when_the_consumer_fails(values: list[Double]) -> None:
    def fail(layer: int, _: torch.Tensor) -> None:
        raise ZeroDivisionError(layer)

    with pytest.raises(ZeroDivisionError, match="1"), memory_coefficients(values, [1, 3], fail):
        nn.Sequential(*values)(torch.tensor(1.0))
    assert [module.runs for module in values] == [1, 0, 0, 0]


def test_hooks_are_removed_when_the_model_fails_or_is_not_run(values: list[Double]) -> None:
    with pytest.raises(TypeError), memory_coefficients(values, [3], lambda *_: None):
        nn.Sequential(*values)("no tensor", "too many")
    with memory_coefficients(values, [0], lambda *_: None):
        pass


def test_two_consumers_may_take_turns(values: list[Double]) -> None:
    seen: list[str] = []
    for name in "ab":
        with memory_coefficients(values, [1], lambda *_, name=name: seen.append(name)):
            nn.Sequential(*values)(torch.tensor(1.0))
    assert seen == ["a", "b"]
