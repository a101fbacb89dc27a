"""Matching all answers to a key at once, against matching them two by two."""

from itertools import combinations
from random import Random

import numpy as np
import pytest

from annotations.agreement import match_patterns
from annotations.matched_patterns import KeyPatterns, matched_types

Answer = list[tuple[int, frozenset[int]]]  # a type's place, and what is ticked


def key_patterns(answers: list[Answer], items: int) -> KeyPatterns:
    flat = [(owner, *pattern) for owner, answer in enumerate(answers) for pattern in answer]
    ticks = np.array([[item in ticked for item in range(items)] for *_, ticked in flat], float)
    owners, types = ([entry[column] for entry in flat] for column in (0, 1))
    return KeyPatterns(
        len(answers), np.array(owners, int), np.array(types, int), ticks.reshape(-1, items)
    )


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
    for _ in range(40):
        answers = [
            [
                (
                    random.randint(0, 1),
                    frozenset(random.sample(range(items), random.randint(0, items))),
                )
                for _ in range(random.randint(0, 3))
            ]
            for _ in range(4)
        ]
        patterns = key_patterns(answers, items)
        found = matched_types(patterns, patterns.ticks_GN[None])[0]
        for one, other in combinations(range(4), 2):
            assert found[one, other].tolist() == two_by_two(answers[one], answers[other])


def test_each_permutation_is_matched_by_itself() -> None:
    patterns = key_patterns([[(0, frozenset({0, 1}))], [(1, frozenset({0, 1}))]], 4)
    moved = np.stack([patterns.ticks_GN, patterns.ticks_GN.copy()])
    moved[1, 1] = [0, 0, 1, 1]
    found = matched_types(patterns, moved)[:, 0, 1]
    assert found.tolist() == [[[0, 1], [0, 0]], [[0, 0], [0, 0]]]


def test_of_equally_good_matchings_the_one_that_keeps_types_together_counts() -> None:
    twins = [(0, frozenset({0, 1, 2})), (1, frozenset({0, 1, 2}))]
    patterns = key_patterns([twins, twins[::-1]], 3)
    assert matched_types(patterns, patterns.ticks_GN[None])[0, 0, 1].tolist() == [[1, 0], [0, 1]]
