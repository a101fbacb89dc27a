"""Sums of windows come out to the same bit wherever the windows are cut apart."""

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.ordered_sum import OrderedSum

Values = dict[int, float]  # by window; some windows hold nothing

# Of very different sizes, so that another order of addition gives another sum.
values = st.dictionaries(
    st.integers(0, 40), st.sampled_from([1e-9, 0.1, 0.3, 7.7, 1e8, -1e8, 1e15]), max_size=41
)


def summed(given: Values, first: int, end: int) -> OrderedSum:
    total = OrderedSum(first, first)
    for window in sorted(given):
        if first <= window < end:
            total.add(window, torch.tensor([given[window]], dtype=torch.float64))
    total.reach(end)
    return total


def branch(given: Values, level: int, index: int) -> float:
    """The definition: a branch is the sum of its two halves."""
    if level == 0:
        return given.get(index, 0.0)
    return branch(given, level - 1, 2 * index) + branch(given, level - 1, 2 * index + 1)


def by_definition(given: Values, end: int) -> float:
    """The whole branches that fill 0 to `end`, the largest first, are added up in order."""
    total, begin = 0.0, 0
    for level in range(10, -1, -1):
        if end - begin >= 1 << level:
            total += branch(given, level, begin >> level)
            begin += 1 << level
    return total


def number(total: OrderedSum) -> float:
    value = total.total()
    return 0.0 if value is None else float(value)


@settings(max_examples=200, deadline=None)
@given(given=values, cuts=st.lists(st.integers(0, 41), max_size=8), end=st.integers(0, 41))
def test_however_windows_are_cut_apart_their_sum_is_the_same(
    given: Values, cuts: list[int], end: int
) -> None:
    edges = sorted({0, end, *(cut for cut in cuts if cut < end)})
    parts = [summed(given, *pair) for pair in pairwise(edges)]
    whole = OrderedSum()
    for part in parts:
        whole.append(part)

    inside = {window: value for window, value in given.items() if window < end}
    assert number(whole) == by_definition(inside, end)
    assert number(summed(given, 0, end)) == by_definition(inside, end)


@settings(max_examples=50, deadline=None)
@given(given=values, cuts=st.lists(st.integers(1, 40), min_size=2, max_size=2, unique=True))
def test_parts_may_be_put_together_in_any_order_of_neighbours(
    given: Values, cuts: list[int]
) -> None:
    low, high = sorted(cuts)
    left, middle, right = (summed(given, *pair) for pair in ((0, low), (low, high), (high, 41)))
    middle.append(right)
    left.append(middle)

    assert number(left) == by_definition(given, 41)


def test_few_branches_stay_of_many_windows() -> None:
    total = summed(dict.fromkeys(range(1023), 0.1), 0, 1023)
    assert len(total.branches) == 10


def test_the_order_of_addition_matters_so_that_it_has_to_be_fixed() -> None:
    given = {0: 1e16, 1: 1.0, 2: 1.0, 3: 1.0}
    assert by_definition(given, 4) != sum(given.values())
