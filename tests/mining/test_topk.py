"""The running top-k against a full sort, with merges after every few offers."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.topk import Places, RunningTopK, place, prefix_hashes, rank_within_key

KEYS = 3
Offer = tuple[tuple[float, ...], int, int, int]  # coefficients a key, sentence, position, prefix

# Few values, so that ties and repeated prefixes are common; few sentences, so that order matters.
coefficients = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.5, 1.0, 2.0])


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    """Offers in random order; a prefix has its coefficients and length wherever it stands."""
    prefixes = draw(st.lists(st.tuples(*[coefficients] * KEYS), min_size=1, max_size=12))
    which = st.integers(0, len(prefixes) - 1)
    places = draw(
        st.lists(st.tuples(st.integers(0, 30), which), unique=True, min_size=1, max_size=60)
    )
    return [(prefixes[prefix], sentence, prefix % 4, prefix) for sentence, prefix in places]


def full_sort(given: list[Offer], key: int, places: int) -> list[tuple[float, int, int]]:
    """Everything kept, everything sorted: the definition."""
    first: dict[int, tuple[float, int, int]] = {}
    for values, sentence, position, prefix in given:
        row = (values[key], sentence, position)
        if values[key] > 0 and (prefix not in first or (sentence, position) < first[prefix][1:]):
            first[prefix] = row
    return sorted(first.values(), key=lambda row: (-row[0], row[1], row[2]))[:places]


def batched(given: list[Offer], size: int) -> Iterator[list[Offer]]:
    for start in range(0, len(given), size):
        yield given[start : start + size]


def rows(batch: list[Offer]) -> Places:
    """What a layer would offer of a batch: every positive coefficient, a row each."""
    offered = [
        (key, value, sentence, position, (prefix + 1) * 7919)
        for values, sentence, position, prefix in batch
        for key, value in enumerate(values)
        if value > 0
    ]
    key, value, sentence, position, prefix = (
        zip(*offered, strict=True) if offered else ((), (), (), (), ())
    )
    at = place(*(torch.tensor(column, dtype=torch.int64) for column in (sentence, position)))
    return Places(
        torch.tensor(key, dtype=torch.int64), torch.tensor(value, dtype=torch.float32), at,
        torch.tensor(prefix, dtype=torch.int64), torch.zeros(len(value)),
    )  # fmt: skip


def offer(best: RunningTopK, batch: list[Offer]) -> None:
    """Offer a batch, in which any prefix may be repeated."""
    offers = rows(batch)
    best.offer(offers, torch.ones(len(offers), dtype=torch.bool))


@pytest.mark.parametrize("places", [1, 2, 5])
@settings(max_examples=50, deadline=None)
@given(given=offers(), size=st.integers(1, 9), merging=st.booleans(), in_bulk=st.booleans())
def test_what_is_held_is_the_top_of_a_full_sort(
    given: list[Offer], size: int, places: int, merging: bool, in_bulk: bool
) -> None:
    best = RunningTopK(KEYS, places, torch.device("cpu"), in_bulk=in_bulk)
    for batch in batched(given, size):
        offer(best, batch)
        if merging:
            best.merge()
    held = best.result()
    for key in range(KEYS):
        found = held[held.key_N == key]
        columns = (found.coefficient_N, found.sentence_N, found.position_N)
        assert [*zip(*(column.tolist() for column in columns), strict=True)] == full_sort(
            given, key, places
        )


def test_a_stream_raises_its_threshold_before_it_ends() -> None:
    best = RunningTopK(1, 2, torch.device("cpu"))
    for number in range(1, 9):
        offer(best, [((float(number),), number, 0, number)])
    assert best.threshold_F.item() >= 5.0


def test_an_offer_made_twice_holds_one_place() -> None:
    best = RunningTopK(1, 3, torch.device("cpu"))
    for _ in range(2):
        offer(best, [((2.0,), 7, 1, 0), ((1.0,), 8, 1, 1)])
        best.merge()
    assert best.result().sentence_N.tolist() == [7, 8]


def test_prefixes_share_a_hash_exactly_when_they_share_their_tokens() -> None:
    ids = torch.randint(0, 4, (500, 6), generator=torch.Generator().manual_seed(0))
    hashes = prefix_hashes(ids)
    for end in range(6):
        tokens = [tuple(row[: end + 1].tolist()) for row in ids]
        seen = dict(zip(tokens, hashes[:, end].tolist(), strict=True))
        assert all(seen[row] == h for row, h in zip(tokens, hashes[:, end].tolist(), strict=True))
        assert len(set(seen.values())) == len(seen)


def test_ranks_start_anew_at_each_key() -> None:
    assert rank_within_key(torch.tensor([0, 0, 2, 2, 2, 5])).tolist() == [0, 1, 0, 1, 2, 0]
    assert rank_within_key(torch.tensor([], dtype=torch.int64)).tolist() == []
