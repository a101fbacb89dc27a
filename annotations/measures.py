"""Measures of agreement as the literature defines them, on plain values. Pure; no frames, no files.

What does not exist is Undefined, with the reason in words: never NaN, never a made-up 1. The sums
behind each measure are computed here from labels or patterns; `chance_corrected.py` and
`groupings.py` turn sums into coefficients, and `agreement_table.py` uses the same two.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

import numpy as np

from annotations.agreement import jaccard
from annotations.chance_corrected import Floats, ac1_of, alpha_of, fleiss_of, kappa_of
from annotations.groupings import Places, bcubed_of, harmonic_mean, omega_of, together

Label = TypeVar("Label", bound=Hashable)

NOTHING_COMPARED = "nothing was labelled twice"
ONE_CATEGORY = "everybody chose one category"
CHANCE_AGREES_FULLY = "chance alone agrees fully: both group every two prefixes equally often"
NO_TWO_ITEMS = "there are no two prefixes to compare"

_FIRST: Places = np.array([0])
_SECOND: Places = np.array([1])


@dataclass(frozen=True)
class Undefined:
    """What a measure gives where it does not exist."""

    reason: str  # in words, such as "everybody chose one category"


@dataclass(frozen=True)
class BCubed:
    """Extended B-cubed. None where there is no item to average over."""

    precision: float | None
    recall: float | None
    f: float | None


def omega_index(
    one: Sequence[frozenset[int]], other: Sequence[frozenset[int]], items: int
) -> float | Undefined:
    """How far two sets of overlapping patterns group the same items, corrected for chance.

    Collins and Dent (1988), "Omega: A general formulation of the Rand index of cluster recovery
    suitable for non-disjoint solutions". Items are 0 … items − 1. Two annotators agree on a pair of
    items that is together in equally many patterns of both; a repeated pattern counts each time.
    Without overlap this is Hubert and Arabie's adjusted Rand index (1985): for {0,1,2},{3,4,5}
    against {0,1},{2,3},{4,5} it is 8/33.
    """
    if items < 2:
        return Undefined(NO_TWO_ITEMS)
    found = omega_of(_both(one, other, items), _FIRST, _SECOND)
    return _number(found, CHANCE_AGREES_FULLY)


def bcubed(one: Sequence[frozenset[int]], other: Sequence[frozenset[int]], items: int) -> BCubed:
    """Extended B-cubed of `other` against the reference `one`. Not corrected for chance.

    Amigó, Gonzalo, Artiles and Verdejo (2009), "A comparison of extrinsic clustering evaluation
    metrics based on formal constraints". Precision of two items that `other` groups is
    min(groups of `one` with both, groups of `other` with both) / groups of `other` with both; it is
    averaged over an item's neighbours, itself included, then over items in a group. For one
    reference group {0,1,2,3} judged by {0,1},{2,3}, precision is 1 and recall 1/2.
    """
    precision, recall = bcubed_of(_both(one, other, items), _FIRST, _SECOND)
    found = (precision, recall, harmonic_mean(precision, recall))
    return BCubed(*(None if np.isnan(value[0]) else float(value[0]) for value in found))


def nominal_distance(a: Hashable, b: Hashable) -> float:
    """0 for equal labels, 1 for different ones."""
    return float(a != b)


def jaccard_distance(a: frozenset[object], b: frozenset[object]) -> float:
    """1 − |a ∩ b| / |a ∪ b| (Jaccard 1912); 0 for two empty sets, which are the same set."""
    return float(1 - jaccard(a, b))


def masi_distance(a: frozenset[object], b: frozenset[object]) -> float:
    """1 − J·M, Passonneau's "Measuring agreement on set-valued items" (2006).

    J is Jaccard similarity; M is 1 for equal sets, 2/3 if one holds the other, 1/3 if they only
    overlap, 0 if they share nothing. So {shallow} and {shallow, semantic} are at 1 − 1/2 · 2/3 =
    2/3. Two empty sets are equal; an empty set and another one share nothing.
    """
    if a == b:
        return 0.0
    thirds = 0 if not a & b else 2 if a <= b or b <= a else 1
    return float(1 - jaccard(a, b) * thirds / 3)


def krippendorff_alpha(
    units: Sequence[Sequence[Label | None]], distance: Callable[[Label, Label], float]
) -> float | Undefined:
    """Krippendorff's alpha for any number of annotators, missing labels and any distance.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability". A row is a unit, a column an
    annotator, None a missing label. The distance is summed up as it is, not squared. Units with
    fewer than two labels are left out. Krippendorff's example C, four observers and twelve units,
    has a nominal alpha of 0.743; his example A, two observers and ten units, one of 0.095.
    """
    present = [[label for label in unit if label is not None] for unit in units]
    pairable = [unit for unit in present if len(unit) > 1]
    place = _places(label for unit in pairable for label in unit)
    if not pairable:
        return Undefined(NOTHING_COMPARED)
    coincidences = np.zeros((len(place), len(place)))
    for unit in pairable:
        for a, b in permutations(unit, 2):
            coincidences[place[a], place[b]] += 1 / (len(unit) - 1)
    distances = np.array([[distance(a, b) for b in place] for a in place])
    return _number(alpha_of(coincidences[None], distances), ONE_CATEGORY)


def cohen_kappa(pairs: Sequence[tuple[Label, Label]]) -> float | Undefined:
    """Cohen's kappa of two annotators' labels of the same units.

    Cohen (1960), "A coefficient of agreement for nominal scales". His table 1, with proportions
    .25 .13 .12 / .12 .02 .16 / .03 .15 .02, has kappa = (.29 − .35) / (1 − .35) ≈ −.09.
    """
    if not pairs:
        return Undefined(NOTHING_COMPARED)
    place = _places(label for pair in pairs for label in pair)
    confusion = np.zeros((len(place), len(place)))
    for a, b in pairs:
        confusion[place[a], place[b]] += 1
    return _number(kappa_of(confusion[None]), ONE_CATEGORY)


def fleiss_kappa(units: Sequence[Sequence[Label]]) -> float | Undefined:
    """Fleiss' kappa; every unit has the same number of labels, two or more.

    Fleiss (1971), "Measuring nominal scale agreement among many raters". His table 1, six
    psychiatrists a patient, has kappa 0.430.
    """
    if not units:
        return Undefined(NOTHING_COMPARED)
    raters = len(units[0])
    assert raters > 1, "one label a unit agrees with nothing"
    assert all(len(unit) == raters for unit in units), "units have different numbers of labels"
    chosen = [Counter(unit) for unit in units]
    agreed = sum(n * (n - 1) // 2 for unit in chosen for n in unit.values())
    labels = [float(n) for n in sum(chosen, Counter()).values()]
    sums = (np.array([float(agreed)]), np.array([float(len(units))]), np.array([labels]))
    return _number(fleiss_of(*sums, raters), ONE_CATEGORY)


def gwet_ac1(
    units: Sequence[Sequence[Label | None]], categories: Sequence[Label]
) -> float | Undefined:
    """Gwet's AC1 for any number of annotators; None is a missing label.

    Gwet (2008), "Computing inter-rater reliability and its variance in the presence of high
    agreement"; missing labels as in his Handbook of Inter-Rater Reliability. Agreement is averaged
    over units with two or more labels, a category's prevalence over units with any. Where two
    annotators both say yes 118 times and differ 5 and 2 times, AC1 is 0.941, while kappa is −0.023
    although they agree on 118 of 125.
    """
    assert len(set(categories)) == len(categories) > 1, "AC1 needs two or more categories"
    place = _places(categories)
    shares = np.zeros(len(place))
    agreement = compared = labelled = 0.0
    for unit in units:
        chosen = Counter(label for label in unit if label is not None)
        total = chosen.total()
        for label, n in chosen.items():
            shares[place[label]] += n / total
        labelled += total > 0
        compared += total > 1
        if total > 1:
            agreement += sum(n * (n - 1) for n in chosen.values()) / (total * (total - 1))
    sums = (np.array([agreement]), np.array([compared]), shares[None], np.array([labelled]))
    return _number(ac1_of(*sums), NOTHING_COMPARED)


def _both(one: Sequence[frozenset[int]], other: Sequence[frozenset[int]], items: int) -> Floats:
    return np.stack([together(one, items), together(other, items)])


def _places(labels: Iterable[Label]) -> dict[Label, int]:
    """Each label's row, in the order of first sight."""
    return {label: place for place, label in enumerate(dict.fromkeys(labels))}


def _number(found: Floats, reason: str) -> float | Undefined:
    return Undefined(reason) if np.isnan(found[0]) else float(found[0])
