"""Matching patterns one to one, against every matching there is."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.agreement import MatchedPair, Matching, assign, jaccard, match_patterns

Sets = list[frozenset[int]]
Pairs = tuple[tuple[int, int], ...]
Similarity = Callable[[int, int], Fraction]

# Few prefixes, so that similar patterns, ties and empty patterns are frequent; and 25 as in a run.
ticks = st.frozensets(st.integers(1, 5), max_size=5) | st.frozensets(st.integers(1, 25))
sides = st.lists(ticks, max_size=4)
thresholds = st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.6, 1.0])
places = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)))
similarities = st.builds(
    lambda part, whole: Fraction(part % (whole + 1), whole), st.integers(0), st.integers(1, 25)
)
tables = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(similarities, min_size=columns, max_size=columns), min_size=1, max_size=4
    )
)


def ranks(*ticked: int) -> frozenset[int]:
    return frozenset(ticked)


def every_matching(rows: int, columns: int) -> Iterator[Pairs]:
    """Each way to pair some rows with columns, one to one."""
    if rows == 0:
        yield ()
        return
    for rest in every_matching(rows - 1, columns):
        yield rest
        for column in set(range(columns)) - {used for _, used in rest}:
            yield (*rest, (rows - 1, column))


def best_matching(
    rows: int, columns: int, similarity: Similarity, threshold: float, preferred: set
) -> list[tuple[int, int]]:
    """The rules of `assign`, in their order, looked at in every matching."""

    def worth(pairs: Pairs) -> tuple:
        column_of = dict(pairs)
        return (
            -sum(similarity(i, j) for i, j in pairs),
            len(pairs),
            -sum(pair in preferred for pair in pairs),
            [column_of.get(row, columns) for row in range(rows)],
        )

    def is_allowed(i: int, j: int) -> bool:
        return similarity(i, j).numerator / similarity(i, j).denominator >= threshold

    allowed = (
        pairs for pairs in every_matching(rows, columns) if all(is_allowed(i, j) for i, j in pairs)
    )
    return list(min(allowed, key=worth))


def shared_part(one: frozenset[int], other: frozenset[int]) -> Fraction:
    in_either = [rank for rank in range(1, 26) if rank in one or rank in other]
    in_both = [rank for rank in in_either if rank in one and rank in other]
    return Fraction(len(in_both), len(in_either)) if in_either else Fraction(1)


def where(matching: Matching) -> list[tuple[int, int]]:
    return [(pair.one, pair.other) for pair in matching.pairs]


def test_there_are_as_many_matchings_as_combinatorics_says() -> None:
    # Sum over k of C(n, k) · C(m, k) · k!
    assert [len(set(every_matching(n, m))) for n, m in ((0, 3), (2, 2), (3, 2), (4, 4))] == [
        1,
        7,
        13,
        209,
    ]


@settings(max_examples=50, deadline=None)
@given(sides, sides, thresholds, places)
def test_no_other_matching_is_better(one: Sets, other: Sets, threshold: float, liked: set) -> None:
    found = match_patterns(one, other, threshold=threshold, preferred=liked)

    def similarity(i: int, j: int) -> Fraction:
        return shared_part(one[i], other[j])

    expected = best_matching(len(one), len(other), similarity, threshold, liked)
    assert where(found) == expected
    assert [pair.jaccard for pair in found.pairs] == [float(similarity(i, j)) for i, j in expected]


@settings(max_examples=50, deadline=None)
@given(tables, thresholds, places)
def test_no_other_assignment_is_better_for_any_similarities(
    table: list[list[Fraction]], threshold: float, liked: set
) -> None:
    expected = best_matching(len(table), len(table[0]), lambda i, j: table[i][j], threshold, liked)
    assert assign(table, threshold=threshold, preferred=liked) == expected


@settings(max_examples=50, deadline=None)
@given(sides, sides, thresholds)
def test_every_pattern_is_in_one_pair_or_left_over_and_no_pair_is_below_the_threshold(
    one: Sets, other: Sets, threshold: float
) -> None:
    found = match_patterns(one, other, threshold=threshold)
    assert all(pair.jaccard >= threshold for pair in found.pairs)
    assert sorted([*found.only_one, *(pair.one for pair in found.pairs)]) == list(range(len(one)))
    assert sorted([*found.only_other, *(pair.other for pair in found.pairs)]) == list(
        range(len(other))
    )
    assert list(found.only_one) == sorted(found.only_one)
    assert list(found.only_other) == sorted(found.only_other)


@settings(max_examples=50, deadline=None)
@given(sides, sides, thresholds)
def test_swapping_the_sides_swaps_precision_and_recall(
    one: Sets, other: Sets, threshold: float
) -> None:
    there = match_patterns(one, other, threshold=threshold)
    back = match_patterns(other, one, threshold=threshold)
    assert (there.precision, there.recall, there.f1) == (back.recall, back.precision, back.f1)
    assert sum(pair.jaccard for pair in there.pairs) == pytest.approx(
        sum(pair.jaccard for pair in back.pairs)
    )


@settings(max_examples=50, deadline=None)
@given(sides, sides)
def test_f1_is_the_harmonic_mean_where_that_exists(one: Sets, other: Sets) -> None:
    found = match_patterns(one, other)
    precision, recall = found.precision, found.recall
    if precision and recall:
        assert found.f1 == pytest.approx(2 / (1 / precision + 1 / recall))
    elif one or other:
        assert found.f1 == 0


def test_precision_and_recall_by_hand() -> None:
    gold = [ranks(1, 2, 3), ranks(4, 5, 6), ranks(7, 8, 9), ranks(10, 11, 12)]
    found = match_patterns(gold, [ranks(4, 5, 6, 7), ranks(1, 2, 9), ranks(20, 21, 22)])
    assert found.pairs == (MatchedPair(0, 1, 0.5), MatchedPair(1, 0, 0.75))
    assert (found.only_one, found.only_other) == ((2, 3), (2,))
    assert (found.precision, found.recall, found.f1) == (2 / 3, 2 / 4, 4 / 7)


@pytest.mark.parametrize(
    ("one", "other", "precision", "recall", "f1"),
    [
        ([], [], None, None, None),
        ([], [ranks(1, 2, 3)], 0, None, 0),
        ([ranks(1, 2, 3)], [], None, 0, 0),
        ([ranks(1, 2, 3)], [ranks(4, 5, 6)], 0, 0, 0),
    ],
)
def test_what_nothing_is_divided_by_is_undefined(
    one: Sets, other: Sets, precision: float | None, recall: float | None, f1: float | None
) -> None:
    found = match_patterns(one, other)
    assert (found.precision, found.recall, found.f1) == (precision, recall, f1)


def test_an_empty_pattern_is_like_another_empty_one_and_like_nothing_else() -> None:
    assert jaccard(ranks(), ranks()) == 1
    assert jaccard(ranks(), ranks(1)) == 0
    assert match_patterns([ranks(1), ranks()], [ranks()]).pairs == (MatchedPair(1, 0, 1.0),)


def test_a_forbidden_pair_displaces_no_allowed_one() -> None:
    crossed = [[Fraction(5, 10), Fraction(9, 20)], [Fraction(9, 20), Fraction(0)]]
    assert assign(crossed) == [(0, 0)]  # 9/20 + 9/20 is more, but neither is a match


@pytest.mark.parametrize("rows", [[[1, 0, 2]], [[0], [0], [0]], [[]], [[], []]])
def test_more_patterns_on_one_side_than_on_the_other(rows: Sequence[Sequence[int]]) -> None:
    table = [[Fraction(entry, 2) for entry in row] for row in rows]
    assert assign(table) == ([(0, 2)] if len(rows[0]) == 3 else [])


@pytest.mark.parametrize(
    ("similarity", "threshold"), [(Fraction(1, 2), 0.5), (Fraction(1, 10), 0.1), (Fraction(1), 1)]
)
def test_a_pair_at_the_threshold_is_a_match_and_one_just_below_is_none(
    similarity: Fraction, threshold: float
) -> None:
    assert assign([[similarity]], threshold=threshold) == [(0, 0)]
    assert assign([[similarity * Fraction(10**9 - 1, 10**9)]], threshold=threshold) == []


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01])
def test_a_threshold_that_means_nothing_is_our_mistake(threshold: float) -> None:
    with pytest.raises(AssertionError):
        match_patterns([ranks(1)], [ranks(2)], threshold=threshold)


def test_of_equally_good_matchings_the_one_with_fewer_pairs_counts() -> None:
    one, other = [ranks(1, 2), ranks(1)], [ranks(1, 2, 3, 4), ranks(1, 2)]
    # Identical patterns stay together: 1 against 1/2 + 1/2.
    assert where(match_patterns(one, other)) == [(0, 1)]
    assert where(match_patterns(other, one)) == [(1, 0)]


def test_of_as_many_pairs_the_preferred_ones_count_then_the_earliest() -> None:
    twins = [ranks(1, 2, 3), ranks(1, 2, 3)]
    assert where(match_patterns(twins, twins)) == [(0, 0), (1, 1)]
    assert where(match_patterns(twins, twins, preferred=[(0, 1)])) == [(0, 1), (1, 0)]
    assert where(match_patterns(twins[:1], twins)) == [(0, 0)]
    assert where(match_patterns(twins, twins[:1])) == [(0, 0)]


def test_a_preferred_pair_displaces_no_better_one() -> None:
    one, other = [ranks(1, 2, 3, 4)], [ranks(1, 2, 3), ranks(1, 2, 3, 4)]
    assert where(match_patterns(one, other, preferred=[(0, 0)])) == [(0, 1)]


def test_sums_that_floats_would_tell_apart_are_ties() -> None:
    # 0.1 + 0.2 is not 0.3 in floats; preferring shows that both ways are seen as equal.
    table = [[Fraction(1, 10), Fraction(3, 20)], [Fraction(3, 20), Fraction(1, 5)]]
    assert assign(table, threshold=0.1) == [(0, 0), (1, 1)]
    assert assign(table, threshold=0.1, preferred=[(0, 1)]) == [(0, 1), (1, 0)]


def test_sums_that_are_almost_equal_are_told_apart() -> None:
    # Two sums of similarities over 25 prefixes that differ by 3e-8; in six digits they do not.
    worse = [Fraction(14, 19), Fraction(13, 17), Fraction(11, 13)]
    better = [Fraction(17, 25), Fraction(17, 23), Fraction(13, 14)]
    table = [[Fraction(0)] * 3 for _ in range(3)]
    for row in range(3):
        table[row][row] = worse[row]
        table[row][(row + 1) % 3] = better[row]
    assert assign(table) == [(0, 1), (1, 2), (2, 0)]


def test_the_most_patterns_that_an_answer_can_have_are_matched() -> None:
    # 50 different patterns, shuffled: only one assignment pairs each with itself. Over 100 prefixes
    # the similarities have a common denominator that no 64-bit number holds.
    random = Random(4)
    one = [frozenset(random.sample(range(1, 101), 20 + place)) for place in range(50)]
    order = random.sample(range(50), 50)
    found = match_patterns(one, [one[place] for place in order], threshold=0.1)
    assert [order[pair.other] for pair in found.pairs] == list(range(50))
    assert {pair.jaccard for pair in found.pairs} == {1.0}
    # And 50 that are all alike: in order.
    assert where(match_patterns([ranks(1)] * 50, [ranks(1)] * 50)) == [(i, i) for i in range(50)]
