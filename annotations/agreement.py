"""How far annotators agree. Pure functions on sets; no database, no files.

Matched patterns: two annotators invent their patterns, so that nothing says which of one belongs to
which of the other but the prefixes they tick. A one-to-one assignment with the greatest summed
Jaccard similarity decides, and a pair below the threshold is no match.

Similarities are fractions, not floats: whether a pair reaches the threshold, and whether two
assignments are equally good, must not hang on the order in which numbers were added.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

THRESHOLD = 0.5  # of Jaccard similarity, from which two patterns are the same
# A float64 holds every whole number up to 2^53, and the solver adds and subtracts sums of weights.
_LARGEST_SUM = 2**50


class MatchedPair(NamedTuple):
    """A pattern of either side, by its place in the answer from 0, and how similar they are."""

    one: int
    other: int
    jaccard: float


@dataclass(frozen=True)
class Matching:
    """Which patterns of two answers are the same. `one` is the reference, for instance gold."""

    pairs: tuple[MatchedPair, ...]  # in the order of `one`
    only_one: tuple[int, ...]  # patterns of `one` that `other` lacks, ascending
    only_other: tuple[int, ...]

    @property
    def precision(self) -> float | None:
        """The share of `other`'s patterns that are matched; None if `other` has none."""
        return _share(len(self.pairs), len(self.pairs) + len(self.only_other))

    @property
    def recall(self) -> float | None:
        """The share of `one`'s patterns that are matched; None if `one` has none."""
        return _share(len(self.pairs), len(self.pairs) + len(self.only_one))

    @property
    def f1(self) -> float | None:
        """The share of both sides' patterns that are matched; None if neither side has a pattern.

        Precision and recall's harmonic mean wherever that exists; 0 if one side alone is empty. Two
        answers without a pattern agree perfectly, yet 0 / 0 is no number: the caller decides.
        """
        matched = 2 * len(self.pairs)
        return _share(matched, matched + len(self.only_one) + len(self.only_other))


def jaccard(one: frozenset[object], other: frozenset[object]) -> Fraction:
    """|one ∩ other| / |one ∪ other|, from 0 to 1, exactly.

    1 for two empty sets: they are the same set, and its distance to itself is 0.
    """
    union = len(one | other)
    return Fraction(len(one & other), union) if union else Fraction(1)


def match_patterns(
    one: Sequence[frozenset[int]],
    other: Sequence[frozenset[int]],
    *,
    threshold: float = THRESHOLD,
    preferred: Collection[tuple[int, int]] = (),
) -> Matching:
    """Match the patterns of two answers, each given as the ranks that it ticks.

    `assign` says which matching is chosen and how ties are settled. With the sides swapped,
    precision and recall are swapped. Among matchings that tie to the last, the order of `one` goes
    first: callers who want the same pairs each time pass annotators in the order of their names.
    """
    similarities = [[jaccard(mine, theirs) for theirs in other] for mine in one]
    chosen = assign(similarities, threshold=threshold, preferred=preferred)
    pairs = tuple(MatchedPair(i, j, float(similarities[i][j])) for i, j in chosen)
    only_one = set(range(len(one))) - {pair.one for pair in pairs}
    only_other = set(range(len(other))) - {pair.other for pair in pairs}
    return Matching(pairs, tuple(sorted(only_one)), tuple(sorted(only_other)))


def assign(
    similarities: Sequence[Sequence[Fraction]],
    *,
    threshold: float = THRESHOLD,
    preferred: Collection[tuple[int, int]] = (),
) -> list[tuple[int, int]]:
    """Choose (row, column) pairs, one at most per row and per column, ascending.

    `similarities` (rows × columns) lie between 0 and 1. Pairs below `threshold` (0 < threshold ≤ 1)
    are never chosen. The sum of the chosen similarities is the greatest there is. Of equally good
    choices, in this order:
    1. the one with the fewest pairs, so that a tie never raises F1;
    2. the one with the most pairs in `preferred` (for instance those of one type);
    3. the one that gives the first row the earliest column, then the second row, and so on; a row
       without a column goes last.

    Sums of Jaccard similarities over 25 prefixes are exact for up to 33 patterns on the smaller
    side. Beyond that (to 50 patterns), sums that differ by less than 1e-8 may count as equal.
    """
    assert 0 < threshold <= 1, "at a threshold of 0, patterns without a common prefix would match"
    if not similarities:
        return []
    open_RC = _weights(similarities, threshold, frozenset(preferred))
    best = _greatest_sum(open_RC)
    chosen = []
    for row in range(len(similarities)):
        for column in np.flatnonzero(open_RC[row]).tolist():
            settled_RC = open_RC.copy()
            settled_RC[row] = 0
            settled_RC[:, column] = 0
            settled_RC[row, column] = open_RC[row, column]
            if _greatest_sum(settled_RC) == best:
                open_RC = settled_RC
                chosen.append((row, column))
                break
    return chosen


def _weights(
    similarities: Sequence[Sequence[Fraction]],
    threshold: float,
    preferred: frozenset[tuple[int, int]],
) -> npt.NDArray[np.int64]:
    """Whole numbers to be summed up: similarity first, then fewer pairs, then preferred ones.

    Rows × columns. A pair below the threshold weighs 0, which is a cost of 1 on the scale of
    1 − Jaccard: exactly what a row left alone costs. The solver always fills every row or column;
    with its true cost, such a pair could outweigh an allowed one and then be cut, losing both.
    """
    allowed = {
        (i, j): similarity
        for i, row in enumerate(similarities)
        for j, similarity in enumerate(row)
        if float(similarity) >= threshold  # as a float: 1/10 reaches a threshold of 0.1
    }
    weights_RC = np.zeros((len(similarities), len(similarities[0])), dtype=np.int64)
    more = min(weights_RC.shape) + 1  # than there can be pairs
    exact = lcm(*(similarity.denominator for similarity in allowed.values()))
    scale = min(exact, _LARGEST_SUM // more**3)
    for pair, similarity in allowed.items():
        weights_RC[pair] = round(similarity * scale) * more**2 - more + (pair in preferred)
    return weights_RC


def _greatest_sum(weights_RC: npt.NDArray[np.int64]) -> int:
    rows, columns = linear_sum_assignment(weights_RC, maximize=True)
    return int(weights_RC[rows, columns].sum())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
