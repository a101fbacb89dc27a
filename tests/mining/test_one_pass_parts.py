"""The parts of the one pass against plain loops: batches and what is reduced of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from token_batches import CPU, SPECIAL, Ids, batches_of, own_ids

from mining.activity import reduce_batch
from mining.batches import PlacedBatch

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
