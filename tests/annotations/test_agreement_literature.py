"""Worked examples from the literature: each measure gives the figure that was published."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest

from annotations.measures import (
    BCubed,
    bcubed,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    jaccard_distance,
    krippendorff_alpha,
    masi_distance,
    nominal_distance,
    omega_index,
)

Groups = list[frozenset[int]]

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve
# units, a dot where an observer was silent. Gwet prints the same data as cac.raw4raters.
FOUR_OBSERVERS = ("1233214 12...", "12332241 25.3", ".33323422 51.", "1233244125 1.")

# Fleiss (1971), Measuring nominal scale agreement among many raters, table 1: six psychiatrists,
# of thirty patients the first fifteen, as Gwet reprints them (distrib.6raters of his R package
# irrCAC). Columns: depression, personality disorder, schizophrenia, neurosis, other.
SIX_PSYCHIATRISTS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031"
)

# The example of fourteen raters and ten subjects in Fleiss' kappa, Wikipedia.
FOURTEEN_RATERS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip

# Gwet's cont3x3abstractors: two abstractors, a hundred pregnancies, three kinds.
TWO_ABSTRACTORS = ((13, 0, 0), (0, 20, 7), (0, 4, 56))

# Feinstein and Cicchetti (1990) as quoted by Gwet (2008): high agreement and a low kappa.
THE_PARADOX = ((118, 5), (2, 0))

# The categories of figure 16 in Amigó and others (2009): gray, black and dashed items.
COLOURS = [{0, 1, 2}, {0, 1, 3, 4}, {5, 6}]


def four_observers() -> list[list[int | None]]:
    rows = [row.replace(" ", "") for row in FOUR_OBSERVERS]
    return [
        [None if mark == "." else int(mark) for mark in unit] for unit in zip(*rows, strict=True)
    ]


def raters(counts: Sequence[int]) -> list[int]:
    """A unit's labels from how many raters chose each category."""
    return [category for category, number in enumerate(counts) for _ in range(number)]


def six_psychiatrists() -> list[list[int]]:
    return [raters([int(number) for number in patient]) for patient in SIX_PSYCHIATRISTS.split()]


def pairs(table: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """What two raters chose, from their table of counts."""
    return [
        (i, j) for i, row in enumerate(table) for j, number in enumerate(row) for _ in range(number)
    ]


def groups(*of_items: set[int]) -> Groups:
    return [frozenset(group) for group in of_items]


def published(value: float, *, digits: int) -> object:
    """Equal when rounded to as many digits as were printed."""
    return pytest.approx(value, abs=0.5 * 10**-digits, rel=0)


def test_krippendorffs_four_observers_and_twelve_units() -> None:
    def interval(one: int, other: int) -> float:
        return (one - other) ** 2

    assert krippendorff_alpha(four_observers(), nominal_distance) == published(0.743, digits=3)
    # Alpha takes the distance as it is given: the interval one is a square already.
    assert krippendorff_alpha(four_observers(), interval) == published(0.849, digits=3)


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [("0100000010", "1110010000", 0.095), ("aabbdcccedda", "babbbccceddd", 0.692)],
)
def test_krippendorffs_two_observers(one: str, other: str, value: float) -> None:
    # The same paper, sections A (binary) and B (nominal).
    units = list(zip(one, other, strict=True))
    assert krippendorff_alpha(units, nominal_distance) == published(value, digits=3)


def test_fleiss_fourteen_raters() -> None:
    assert fleiss_kappa([raters(subject) for subject in FOURTEEN_RATERS]) == published(
        0.210, digits=3
    )


def test_six_psychiatrists_by_three_measures() -> None:
    # Gwet, irrCAC: fleiss.kappa.dist, krippen.alpha.dist and gwet.ac1.dist of distrib.6raters.
    units = six_psychiatrists()
    assert fleiss_kappa(units) == published(0.4139265, digits=7)
    assert krippendorff_alpha(units, nominal_distance) == published(0.4204384, digits=7)
    assert gwet_ac1(units, range(5)) == published(0.4448007, digits=7)


def test_gwets_four_raters_with_missing_answers() -> None:
    # Gwet, irrCAC: gwet.ac1.raw(cac.raw4raters). A unit with one answer counts in the prevalence
    # of the categories only.
    assert gwet_ac1(four_observers(), range(1, 6)) == published(0.77544, digits=5)


def test_two_abstractors_by_three_measures() -> None:
    # Gwet, irrCAC: kappa2.table, krippen2.table and gwet.ac1.table of cont3x3abstractors.
    chosen = pairs(TWO_ABSTRACTORS)
    assert cohen_kappa(chosen) == published(0.7964094, digits=7)
    assert krippendorff_alpha(chosen, nominal_distance) == published(0.7972585, digits=7)
    assert gwet_ac1(chosen, range(3)) == published(0.8493305, digits=7)


def test_gwets_paradox_of_high_agreement_and_low_kappa() -> None:
    assert cohen_kappa(pairs(THE_PARADOX)) == published(-0.0234, digits=4)
    # 118 of 125 agree; a category is chosen 243 times of 250, the other 7 times.
    observed, expected = Fraction(118, 125), 2 * Fraction(243, 250) * Fraction(7, 250)
    by_hand = float((observed - expected) / (1 - expected))
    assert gwet_ac1(pairs(THE_PARADOX), range(2)) == pytest.approx(by_hand)
    assert by_hand == published(0.94, digits=2)


def test_a_category_that_nobody_chose_counts_in_ac1() -> None:
    # 1/(q − 1): with a third category, chance agreement is half of what it is with two.
    expected = Fraction(243, 250) * Fraction(7, 250)
    by_hand = float((Fraction(118, 125) - expected) / (1 - expected))
    assert gwet_ac1(pairs(THE_PARADOX), range(3)) == pytest.approx(by_hand)


def test_cohens_judges_and_two_hundred_patients() -> None:
    # Cohen (1968), Weighted kappa, table 1: without weights, kappa is .492.
    assert cohen_kappa(pairs(((88, 14, 18), (10, 40, 10), (2, 6, 12)))) == published(
        0.492, digits=3
    )


def test_viera_and_garretts_noon_lectures() -> None:
    # Viera and Garrett (2005), Understanding interobserver agreement, table 2.
    assert cohen_kappa(pairs(((15, 5), (10, 70)))) == published(0.57, digits=2)


@pytest.mark.parametrize(
    ("one", "other", "jaccard", "monotonicity"),
    [
        ("ab", "ab", 1, 1),  # equal
        ("ab", "abcd", Fraction(1, 2), Fraction(2, 3)),  # one contains the other: nltk's example
        ("a", "abc", Fraction(1, 3), Fraction(2, 3)),
        ("abc", "bcd", Fraction(1, 2), Fraction(1, 3)),  # each has something of its own
        ("abc", "cde", Fraction(1, 5), Fraction(1, 3)),
        ("ab", "cd", 0, 0),  # disjoint
        ("", "ab", 0, 0),
    ],
)
def test_masi_is_one_minus_jaccard_times_monotonicity(
    one: str, other: str, jaccard: Fraction, monotonicity: Fraction
) -> None:
    # The four cases of Passonneau (2006), Measuring agreement on set-valued items, section 3.
    for left, right in ((one, other), (other, one)):
        sets = frozenset(left), frozenset(right)
        assert masi_distance(*sets) == pytest.approx(float(1 - jaccard * monotonicity))
        assert jaccard_distance(*sets) == pytest.approx(float(1 - jaccard))


@pytest.mark.parametrize("distance", [nominal_distance, jaccard_distance, masi_distance])
def test_two_empty_sets_are_the_same_answer(distance: Callable[..., float]) -> None:
    assert distance(frozenset(), frozenset()) == 0


def test_omega_of_two_partitions_is_yeung_and_ruzzos_adjusted_rand_index() -> None:
    # Yeung and Ruzzo (2001), Details of the adjusted Rand index, table 2; Collins and Dent (1988)
    # show that Omega is that index where groups are disjoint.
    one = groups({0, 1}, {2, 3, 4, 5}, {6, 7, 8, 9})
    other = groups({0, 2}, {1, 3, 4}, {5, 6, 7, 8, 9})
    assert omega_index(one, other, 10) == published(0.313, digits=3)


def test_omega_of_overlapping_groups_by_hand() -> None:
    # Collins and Dent (1988): a pair counts as agreed when it is together equally often. Of six
    # pairs, `one` has 0-1 twice, 0-2 and 1-2 once; `other` has 0-1 and 2-3 once.
    one, other = groups({0, 1, 2}, {0, 1}), groups({0, 1}, {2, 3})
    observed = Fraction(2, 6)  # 0-3 and 1-3, never together
    expected = Fraction(3 * 4 + 2 * 2 + 1 * 0, 6**2)  # never, once, twice
    by_hand = float((observed - expected) / (1 - expected))
    assert by_hand == pytest.approx(-0.2)
    assert omega_index(one, other, 4) == pytest.approx(by_hand)
    assert omega_index(one, one, 4) == pytest.approx(1)
    # Together twice is another answer than together once: two of three pairs agree, 4/9 by chance.
    assert omega_index(groups({0, 1}, {0, 1}), groups({0, 1}), 3) == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("clusters", "precision", "recall"),
    [
        pytest.param(COLOURS, 1, 1, id="figure 16: the categories themselves"),
        pytest.param([*COLOURS, {0, 1, 2}], 0.86, 1, id="figure 17: a cluster twice"),
        pytest.param([*COLOURS, {0, 1, 2}, {0, 1, 2}], 0.81, 1, id="figure 18: three times"),
        pytest.param([{0, 1, 2}, {3, 4}, {5, 6}], 1, 0.69, id="figure 19: one side only"),
        pytest.param([{0, 1, 2}, {0, 1}, {3, 4}, {5, 6}], 1, 0.74, id="figure 20: split"),
        pytest.param([{0, 1, 2, 3, 4}, {5, 6}], 0.89, 0.94, id="figure 21: merged"),
    ],
)
def test_amigos_overlapping_clusters(
    clusters: list[set[int]], precision: float, recall: float
) -> None:
    # Amigó and others (2009), A comparison of extrinsic clustering evaluation metrics, section 5;
    # the figures' values as public implementations of the paper give them.
    found = bcubed(groups(*COLOURS), groups(*clusters), 7)
    assert found.precision == published(precision, digits=2)
    assert found.recall == published(recall, digits=2)
    assert found.precision is not None and found.recall is not None
    assert found.f == pytest.approx(2 / (1 / found.precision + 1 / found.recall))


def test_a_cluster_that_stands_there_twice_by_hand() -> None:
    # Figure 17: items 0 and 1 are together three times, rightly twice.
    first = (2 * Fraction(2, 3) + Fraction(1, 2) + 2) / 5  # with 0 and 1; with 2; with 3 and 4
    precision = (2 * first + Fraction(1, 2) + 4) / 7  # item 2: half of each; the others are right
    found = bcubed(groups(*COLOURS), groups(*COLOURS, {0, 1, 2}), 7)
    assert found.precision == pytest.approx(float(precision))
    # And the reference with the cluster twice: what was precision is recall.
    swapped = bcubed(groups(*COLOURS, {0, 1, 2}), groups(*COLOURS), 7)
    assert swapped == BCubed(
        precision=pytest.approx(1), recall=pytest.approx(float(precision)), f=pytest.approx(found.f)
    )
