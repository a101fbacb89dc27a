"""The measures of agreement a second time: naive loops in exact fractions, and random cases.

Written from the papers alone. None stands for "undefined". Nothing here is fast or clever: every
pair of items, every pair of answers and every matching is looked at.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations

import numpy as np

Label = Hashable
Groups = list[frozenset[int]]
Units = list[list[Label | None]]
Distance = Callable[[Label, Label], Fraction]

CASES = 1000
CATEGORIES = ("shallow", "semantic", "shallow+semantic", "not covered")


def nominal(one: Label, other: Label) -> Fraction:
    return Fraction(0) if one == other else Fraction(1)


@cache
def jaccard(one: frozenset, other: frozenset) -> Fraction:
    either = {*one, *other}
    both = [entry for entry in one if entry in other]
    return 1 - Fraction(len(both), len(either)) if either else Fraction(0)


@cache
def masi(one: frozenset, other: frozenset) -> Fraction:
    """Passonneau (2006): 1 − Jaccard · monotonicity; 0 between two empty sets."""
    only_one = [entry for entry in one if entry not in other]
    only_other = [entry for entry in other if entry not in one]
    if not only_one and not only_other:
        return Fraction(0)
    if only_one and only_other:
        return 1 - (1 - jaccard(one, other)) * Fraction(1, 3)
    return 1 - (1 - jaccard(one, other)) * Fraction(2, 3)


def shared_groups(groups: Sequence[frozenset[int]], items: int) -> list[int]:
    """For each pair of items, the number of groups that hold both."""
    return [
        sum(1 for group in groups if first in group and second in group)
        for first, second in combinations(range(items), 2)
    ]


def omega(one: Groups, other: Groups, items: int) -> Fraction | None:
    """Collins and Dent (1988)."""
    mine, theirs = shared_groups(one, items), shared_groups(other, items)
    pairs = len(mine)
    if pairs == 0:
        return None
    observed = Fraction(sum(1 for a, b in zip(mine, theirs, strict=True) if a == b), pairs)
    expected = Fraction(0)
    for together in range(max(mine + theirs) + 1):
        expected += Fraction(mine.count(together) * theirs.count(together), pairs**2)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def alpha(units: Units, distance: Distance) -> Fraction | None:
    """Krippendorff (2004, chapter 11): pairs within units against pairs of all pairable labels."""
    pairable = [labels for unit in units if len(labels := without_missing(unit)) >= 2]
    everything = [label for labels in pairable for label in labels]
    if not everything:
        return None
    observed = Fraction(0)
    for labels in pairable:
        within = sum(distance(a, b) for a in labels for b in labels)
        observed += Fraction(within, len(labels) - 1) / len(everything)
    between = sum(distance(a, b) for a in everything for b in everything)
    expected = Fraction(between, len(everything) * (len(everything) - 1))
    return None if expected == 0 else 1 - observed / expected


def cohen(pairs: list[tuple[Label, Label]]) -> Fraction | None:
    """Cohen (1960). Expected agreement by meeting everybody with everybody."""
    if not pairs:
        return None
    observed = Fraction(sum(1 for a, b in pairs if a == b), len(pairs))
    meetings = sum(1 for a, _ in pairs for _, b in pairs if a == b)
    expected = Fraction(meetings, len(pairs) ** 2)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def fleiss(units: list[list[Label]]) -> Fraction | None:
    """Fleiss (1971), by counting pairs of annotators who agree."""
    everything = [label for unit in units for label in unit]
    if not everything:
        return None
    observed = sum(share_of_agreeing_pairs(unit) for unit in units) / len(units)
    expected = sum(Fraction(everything.count(k), len(everything)) ** 2 for k in set(everything))
    return None if expected == 1 else (observed - expected) / (1 - expected)


def ac1(units: Units, categories: Sequence[Label]) -> Fraction | None:
    """Gwet (2008) with missing answers as in the Handbook of Inter-Rater Reliability (2014).

    Chance agreement never exceeds 1/q, so that one category for everything is agreement of 1.
    """
    answered = [labels for unit in units if (labels := without_missing(unit))]
    pairable = [labels for labels in answered if len(labels) >= 2]
    if not pairable:
        return None
    observed = sum(share_of_agreeing_pairs(labels) for labels in pairable) / len(pairable)
    spread = Fraction(0)
    for category in categories:
        shares = [Fraction(labels.count(category), len(labels)) for labels in answered]
        prevalence = sum(shares) / len(answered)
        spread += prevalence * (1 - prevalence)
    expected = spread / (len(categories) - 1)
    return (observed - expected) / (1 - expected)


def bcubed_precision(reference: Groups, judged: Groups, items: int) -> Fraction | None:
    """Extended B-cubed precision, Amigó and others (2009, section 5). Recall: swap the two."""
    of_items = []
    for item in range(items):
        of_pairs = []
        for partner in range(items):  # the item itself, too
            together = sum(1 for group in judged if {item, partner} <= group)
            rightly = sum(1 for group in reference if {item, partner} <= group)
            if together:
                of_pairs.append(Fraction(min(together, rightly), together))
        if of_pairs:
            of_items.append(sum(of_pairs) / len(of_pairs))
    return sum(of_items) / len(of_items) if of_items else None


def bcubed(one: Groups, other: Groups, items: int) -> tuple[Fraction | None, ...]:
    """Precision, recall and F of `other` against `one`."""
    precision = bcubed_precision(one, other, items)
    recall = bcubed_precision(other, one, items)
    if precision is None and recall is None:
        return None, None, None
    if not precision or not recall:  # a side without a group, or nothing in common
        return precision, recall, Fraction(0)
    return precision, recall, 2 / (1 / precision + 1 / recall)


def best_matching_size(one: Groups, other: Groups, threshold: float) -> int:
    """Pairs in the matching of greatest summed Jaccard similarity; the fewest of equal sums."""
    worths = [
        (sum(1 - jaccard(one[i], other[j]) for i, j in pairs), -len(pairs))
        for pairs in every_matching(len(one), len(other))
        if all(float(1 - jaccard(one[i], other[j])) >= threshold for i, j in pairs)
    ]
    return -max(worths)[1]


def every_matching(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """Each choice of some rows, every one with a column of its own."""
    if rows == 0:
        yield []
        return
    for pairs in every_matching(rows - 1, columns):
        yield pairs
        taken = [column for _, column in pairs]
        for column in range(columns):
            if column not in taken:
                yield [*pairs, (rows - 1, column)]


def share_of_agreeing_pairs(labels: Sequence[Label]) -> Fraction:
    pairs = list(combinations(labels, 2))
    return Fraction(sum(1 for a, b in pairs if a == b), len(pairs))


def without_missing(unit: Sequence[Label | None]) -> list[Label]:
    return [label for label in unit if label is not None]


# Random cases. Small, so that ties, empty sets, constant labels and units nobody answered are
# frequent; the tests count them.


def random_groups(rng: np.random.Generator, items: int, *, most: int = 4) -> Groups:
    """Up to `most` groups, some empty, some standing there twice."""
    density = rng.choice([0.15, 0.5, 0.85])
    groups = [
        frozenset(np.flatnonzero(rng.random(items) < density).tolist())
        for _ in range(rng.integers(0, most + 1))
    ]
    if 0 < len(groups) < most and rng.random() < 0.3:
        groups.append(groups[0])
    return groups


def random_units(
    rng: np.random.Generator, pool: Sequence[Label], *, missing: Sequence[float] = (0, 0.3, 0.7)
) -> Units:
    """Up to 8 units of 2 to 5 annotators who choose from some of `pool`, perhaps from one label."""
    used = [pool[place] for place in rng.permutation(len(pool))[: rng.integers(1, len(pool) + 1)]]
    annotators, gaps = int(rng.integers(2, 6)), rng.choice(list(missing))
    return [
        [None if rng.random() < gaps else used[rng.integers(len(used))] for _ in range(annotators)]
        for _ in range(rng.integers(0, 9))
    ]


def random_sets(rng: np.random.Generator) -> list[frozenset[int]]:
    """Some different sets of up to four patterns; the empty one is often among them."""
    found = {frozenset(np.flatnonzero(rng.random(4) < 0.5).tolist()) for _ in range(5)}
    if rng.random() < 0.7:
        found.add(frozenset())
    return sorted(found, key=sorted)


def random_pairs(rng: np.random.Generator) -> list[tuple[Label, Label]]:
    """What two annotators chose for up to 12 prefixes."""
    first, second = (int(rng.integers(1, len(CATEGORIES) + 1)) for _ in range(2))
    return [
        (CATEGORIES[rng.integers(first)], CATEGORIES[rng.integers(second)])
        for _ in range(rng.integers(0, 13))
    ]
