"""Matching many pairs of answers at once, against matching them two by two."""

from random import Random

import numpy as np
import pytest

from annotations.agreement import match_patterns
from annotations.matched_patterns import matched_types

Answer = list[tuple[int, frozenset[int]]]  # a type's place, and what is ticked


def sides(pairs: list[tuple[Answer, Answer]], items: int) -> list[np.ndarray]:
    """Ticks and types of the first answers, then of the others; slots are filled with nothing."""
    found = []
    for side in range(2):
        answers = [pair[side] for pair in pairs]
        slots = max(map(len, answers), default=0)
        ticks, types = np.zeros((len(pairs), slots, items)), np.zeros((len(pairs), slots, 2))
        for place, answer in enumerate(answers):
            for slot, (kind, ticked) in enumerate(answer):
                ticks[place, slot, list(ticked)] = 1
                types[place, slot, kind] = 1
        found += [ticks, types]
    return found


def two_by_two(one: Answer, other: Answer) -> list[list[int]]:
    alike = {(i, j) for i, (a, _) in enumerate(one) for j, (b, _) in enumerate(other) if a == b}
    matching = match_patterns([t for _, t in one], [t for _, t in other], preferred=alike)
    found = [[0, 0], [0, 0]]
    for pair in matching.pairs:
        found[one[pair.one][0]][other[pair.other][0]] += 1
    return found


@pytest.mark.parametrize(
    "items", [3, 6, 25]
)  # the fewer, the more patterns have several candidates
def test_all_at_once_is_two_by_two(items: int) -> None:
    random = Random(items)

    def answer() -> Answer:
        return [
            (random.randint(0, 1), frozenset(random.sample(range(items), random.randint(0, items))))
            for _ in range(random.randint(0, 3))
        ]

    pairs = [(answer(), answer()) for _ in range(200)]
    found = matched_types(*sides(pairs, items))
    assert found.tolist() == [two_by_two(one, other) for one, other in pairs]


def test_a_slot_without_a_pattern_is_none_that_ticks_nothing() -> None:
    empty, more = [(0, frozenset[int]())], [(0, frozenset({0})), (1, frozenset({1}))]
    found = matched_types(*sides([(empty, []), (empty, empty), (more, more)], 4))
    assert found.sum(axis=(1, 2)).tolist() == [0, 1, 2]


def test_of_equally_good_matchings_the_one_that_keeps_types_together_counts() -> None:
    twins = [(0, frozenset({0, 1, 2})), (1, frozenset({0, 1, 2}))]
    assert matched_types(*sides([(twins, twins[::-1])], 3))[0].tolist() == [[1, 0], [0, 1]]
