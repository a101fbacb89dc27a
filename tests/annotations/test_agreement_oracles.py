"""Each measure of agreement equals loops and a library on 1,000 random cases, to 1e-9."""

from collections.abc import Callable, Sequence
from math import isclose, isfinite
from typing import Any

import agreement_oracle as oracle
import krippendorff
import numpy as np
import pytest
from agreement_oracle import CASES, CATEGORIES, Groups, Label, Units
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import jaccard_distance as nltk_jaccard
from nltk.metrics.distance import masi_distance as nltk_masi
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa as statsmodels_cohen
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from annotations import measures
from annotations.agreement import match_patterns
from annotations.measures import Undefined


def is_same(found: Any, expected: Any) -> bool:
    """Equal to 1e-9, or undefined in words where the loops say so."""
    if expected is None:
        return isinstance(found, Undefined) and bool(found.reason.strip())
    return (
        isinstance(found, int | float)
        and isfinite(found)
        and isclose(found, expected, rel_tol=0, abs_tol=1e-9)
    )


def is_same_share(found: float | None, expected: Any) -> bool:
    """The same where an undefined share is None."""
    return found is None if expected is None else is_same(found, expected)


def cases(seed: int) -> list[np.random.Generator]:
    return np.random.default_rng(seed).spawn(CASES)


def test_distances_equal_loops_and_nltk() -> None:
    both_empty = one_empty = 0
    for rng in cases(1):
        one, other = (
            frozenset(np.flatnonzero(rng.random(6) < rng.choice([0, 0.3, 0.7])).tolist())
            for _ in range(2)
        )
        assert measures.nominal_distance(one, other) == oracle.nominal(one, other)
        jaccard = measures.jaccard_distance(one, other)
        masi = measures.masi_distance(one, other)
        assert is_same(jaccard, oracle.jaccard(one, other)), (one, other)
        assert is_same(masi, oracle.masi(one, other)), (one, other)
        if one or other:  # nltk divides by zero on two empty sets
            assert is_same(jaccard, nltk_jaccard(one, other)), (one, other)
            assert is_same(masi, nltk_masi(one, other)), (one, other)
        both_empty += not one and not other
        one_empty += bool(one) != bool(other)
    assert min(both_empty, one_empty) > 50


def test_omega_equals_loops_and_statsmodels() -> None:
    undefined = overlapping = 0
    for rng in cases(2):
        items = int(rng.integers(0, 9))
        one, other = (oracle.random_groups(rng, items) for _ in range(2))
        found = measures.omega_index(one, other, items)
        expected = oracle.omega(one, other, items)
        assert is_same(found, expected), (one, other, items)
        undefined += expected is None
        if expected is not None:  # statsmodels divides by zero where the expected agreement is 1
            # The formula is Cohen's kappa, with pairs of items as units.
            counts = [oracle.shared_groups(groups, items) for groups in (one, other)]
            table = np.zeros((6, 6))
            np.add.at(table, tuple(counts), 1)
            assert is_same(found, statsmodels_cohen(table, return_results=False)), (one, other)
            overlapping += max(map(max, counts)) > 1
    assert undefined > 50
    assert overlapping > 200


def test_omega_of_partitions_is_the_adjusted_rand_index() -> None:
    # Collins and Dent generalise Hubert and Arabie's index: the same where groups are disjoint.
    compared = 0
    for rng in cases(3)[:200]:
        items = int(rng.integers(2, 12))
        labels = [rng.integers(0, rng.integers(1, 5), items).tolist() for _ in range(2)]
        one, other = (
            [frozenset(i for i, label in enumerate(side) if label == group) for group in range(4)]
            for side in labels
        )
        found = measures.omega_index(one, other, items)
        if oracle.omega(one, other, items) is None:  # scikit-learn makes up a 1
            assert is_same(found, None), labels
        else:
            assert is_same(found, adjusted_rand_score(*labels)), labels
            compared += 1
    assert compared > 150


def nltk_alpha(units: Units, distance: Callable[[Label, Label], float]) -> float:
    answers = [
        (annotator, unit, label)
        for unit, labels in enumerate(units)
        for annotator, label in enumerate(labels)
        if label is not None
    ]
    return AnnotationTask(answers, distance).alpha()


def krippendorff_alpha(units: Units, distance: Callable[[Label, Label], float]) -> float:
    labels = list({label for unit in units for label in unit if label is not None})
    distances = np.array([[float(distance(a, b)) for b in labels] for a in labels])
    return krippendorff.alpha(
        value_counts=[[unit.count(label) for label in labels] for unit in units],
        level_of_measurement=lambda v1, v2, i1, i2, n_v, dtype: distances[i1, i2],
    )


def check_alpha(
    seed: int,
    pool: Callable[[np.random.Generator], Sequence[Label]],
    measured: Callable[[Any, Any], float],
    exact: Callable[[Any, Any], Any],
) -> None:
    undefined = with_gaps = crowds = 0
    for rng in cases(seed):
        units = oracle.random_units(rng, pool(rng))
        found = measures.krippendorff_alpha(units, measured)
        expected = oracle.alpha(units, exact)
        assert is_same(found, expected), units
        undefined += expected is None
        if (
            expected is not None
        ):  # nltk makes up a 1 where all labels are equal; krippendorff raises
            assert is_same(found, nltk_alpha(units, exact)), units
            assert is_same(found, krippendorff_alpha(units, exact)), units
            with_gaps += any(None in unit for unit in units)
            crowds += len(units[0]) >= 3
    assert min(undefined, with_gaps, crowds) > 100


def test_nominal_alpha_equals_loops_nltk_and_krippendorff() -> None:
    check_alpha(4, lambda rng: CATEGORIES, measures.nominal_distance, oracle.nominal)


def test_jaccard_alpha_equals_loops_nltk_and_krippendorff() -> None:
    check_alpha(5, oracle.random_sets, measures.jaccard_distance, oracle.jaccard)


def test_masi_alpha_equals_loops_nltk_and_krippendorff() -> None:
    check_alpha(6, oracle.random_sets, measures.masi_distance, oracle.masi)


def test_cohens_kappa_equals_loops_and_scikit_learn() -> None:
    undefined = 0
    for rng in cases(7):
        pairs = oracle.random_pairs(rng)
        found, expected = measures.cohen_kappa(pairs), oracle.cohen(pairs)
        assert is_same(found, expected), pairs
        undefined += expected is None
        if expected is not None:  # scikit-learn: NaN on constant labels, an error without labels
            sides = np.array([[CATEGORIES.index(label) for label in pair] for pair in pairs]).T
            assert is_same(found, cohen_kappa_score(*sides)), pairs
    assert 100 < undefined < 500


def test_fleiss_kappa_equals_loops_and_statsmodels() -> None:
    undefined = crowds = 0
    for rng in cases(8):
        units = oracle.random_units(rng, CATEGORIES, missing=[0])
        found, expected = measures.fleiss_kappa(units), oracle.fleiss(units)
        assert is_same(found, expected), units
        undefined += expected is None
        if expected is not None:  # statsmodels: NaN on constant labels
            table = [[unit.count(category) for category in CATEGORIES] for unit in units]
            assert is_same(found, statsmodels_fleiss(table)), units
            crowds += len(units[0]) >= 3
    assert 100 < undefined < 500
    assert crowds > 300


def test_gwets_ac1_equals_loops() -> None:
    undefined = with_gaps = crowds = constant = 0
    for rng in cases(9):
        units = oracle.random_units(rng, CATEGORIES)
        found, expected = measures.gwet_ac1(units, CATEGORIES), oracle.ac1(units, CATEGORIES)
        assert is_same(found, expected), units
        undefined += expected is None
        if expected is not None:
            with_gaps += any(None in unit for unit in units)
            crowds += len(units[0]) >= 3
            constant += len({label for unit in units for label in unit} - {None}) == 1
    assert min(undefined, with_gaps, crowds, constant) > 50


def test_bcubed_equals_loops() -> None:
    no_group = one_sided = repeated = 0
    for rng in cases(10):
        items = int(rng.integers(0, 9))
        one, other = (oracle.random_groups(rng, items) for _ in range(2))
        found = measures.bcubed(one, other, items)
        expected = oracle.bcubed(one, other, items)
        for share, wanted in zip((found.precision, found.recall, found.f), expected, strict=True):
            assert is_same_share(share, wanted), (one, other, items)
        no_group += expected[2] is None
        one_sided += (expected[0] is None) != (expected[1] is None)
        repeated += len(set(other)) < len(other)
    assert min(no_group, one_sided, repeated) > 50


@pytest.mark.parametrize("groups", [7, 12, 24])  # of as many: thousands to billions of shares
def test_bcubed_equals_loops_where_many_groups_hold_the_same_items(groups: int) -> None:
    rng = np.random.default_rng(groups)
    for _ in range(20):
        one, other = (
            tuple(frozenset(np.flatnonzero(rng.random(6) < 0.7).tolist()) for _ in range(groups))
            for _ in range(2)
        )
        found = measures.bcubed(one, other, 6)
        shares = (found.precision, found.recall, found.f)
        for share, wanted in zip(shares, oracle.bcubed(one, other, 6), strict=True):
            assert is_same_share(share, wanted), (one, other)


def test_matched_patterns_equal_a_search_through_every_matching() -> None:
    empty = tied = 0
    for rng in cases(11):
        one, other = (oracle.random_groups(rng, int(rng.integers(2, 7))) for _ in range(2))
        threshold = float(rng.choice([0.1, 1 / 3, 0.5, 1]))
        found = match_patterns(one, other, threshold=threshold)
        size = oracle.best_matching_size(one, other, threshold)
        assert len(found.pairs) == size, (one, other, threshold)
        for share, sides in (
            (found.precision, [other]),
            (found.recall, [one]),
            (found.f1, [one, other]),
        ):
            wanted = share_of(size, sides)
            assert is_same_share(share, wanted), (one, other, threshold)
        empty += frozenset() in one and frozenset() in other
        tied += len(set(one)) < len(one)
    assert min(empty, tied) > 50


def share_of(size: int, sides: Sequence[Groups]) -> float | None:
    patterns = sum(map(len, sides))
    return size * len(sides) / patterns if patterns else None
