"""Every measure of agreement as a function of how often each key counts, and what to say of it.

A row of weights gives a value: all ones the one that is reported, the numbers of times that a
bootstrap round drew each key that round's. R rows, K keys, P pairs of answers, C categories.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from annotations.answer_pairs import AnswerPairs
from annotations.categories import BOTH, CATEGORIES, NOT_COVERED
from annotations.chance_corrected import Floats, ac1_of, alpha_of, fleiss_of, kappa_of, ratio
from annotations.groupings import Places
from annotations.measures import (
    CHANCE_AGREES_FULLY,
    ONE_CATEGORY,
    jaccard_distance,
    masi_distance,
    nominal_distance,
)
from annotations.pair_measures import MEANS
from annotations.tables import SEMANTIC, SHALLOW

MEASURES = (
    "omega", "alpha_masi", "alpha_jaccard", "alpha_nominal", "cohen_kappa", "fleiss_kappa", "ac1",
    "pattern_precision", "pattern_recall", "pattern_f1", "type_kappa", "bcubed_f",
)  # fmt: skip

# A prefix's category as the set of the types that it is ticked for.
_TYPE_SETS = {
    SHALLOW: frozenset({SHALLOW}),
    SEMANTIC: frozenset({SEMANTIC}),
    BOTH: frozenset({SHALLOW, SEMANTIC}),
    NOT_COVERED: frozenset[str](),
}
_DISTANCES = {
    "alpha_masi": masi_distance,
    "alpha_jaccard": jaccard_distance,
    "alpha_nominal": nominal_distance,
}
_NO_PATTERN = "nobody found a pattern"
_ONE_TYPE = "all matched patterns are of one type"
_NO_MATCH = "no two patterns match"
_EITHER_WAY = "each of two answers is the reference once, so precision and recall are equal"


@dataclass(frozen=True)
class Estimate:
    """A measure under each row of weights."""

    values_R: Floats  # NaN where undefined
    keys: int  # that have a say in it
    notes: tuple[str, ...] = ()  # on the first row's value: why it is undefined, what is left out
    baseline: float = np.nan  # with permuted ticks, for what is not corrected for chance


def estimates(
    pairs: AnswerPairs, weights: Iterable[Floats], *, directed: bool
) -> dict[str, Estimate]:
    """MEASURES → their estimates. The pairs' keys are 0 … K − 1, and there is one key at least.

    `weights` are R × K, some rows at a time. `directed` takes the pairs of two people, of whom the
    first is the reference; else each answer of a pair is the reference once.
    """
    blocks = [_estimates(pairs, weights_RK, directed) for weights_RK in weights]
    return {
        measure: replace(
            first, values_R=np.concatenate([block[measure].values_R for block in blocks])
        )
        for measure, first in blocks[0].items()
    }


def _estimates(pairs: AnswerPairs, weights_RK: Floats, directed: bool) -> dict[str, Estimate]:
    found = _means(pairs, weights_RK, directed) | _by_category(pairs, weights_RK)
    found["cohen_kappa"] = _over_people(
        pairs, pairs.categories_PCC, weights_RK, ("shared prefixes", ONE_CATEGORY, "")
    )
    found["type_kappa"] = _over_people(
        pairs, pairs.types_PTT, weights_RK, ("matched patterns", _ONE_TYPE, _NO_MATCH)
    )
    return {measure: found[measure] for measure in MEASURES}


def _means(pairs: AnswerPairs, weights_RK: Floats, directed: bool) -> dict[str, Estimate]:
    """Means over keys of means over pairs, keys without a value left out."""
    keys = weights_RK.shape[1]
    values_KM, has_KM = _per_key(pairs.means_PM, pairs.key_P, keys, directed)
    moved_KM, _ = _per_key(pairs.baselines_PM, pairs.key_P, keys, directed)
    values_RM = ratio(weights_RK @ values_KM, weights_RK @ has_KM)
    baselines_M = ratio(moved_KM.sum(axis=0), has_KM.sum(axis=0))
    baselines_M[MEANS.index("omega")] = np.nan
    found = {}
    for place, measure in enumerate(MEANS):
        reason = _absent(measure, directed)
        known = int(has_KM[:, place].sum())
        notes = _left_out(keys, known, reason)
        if not directed and measure in ("pattern_precision", "pattern_recall") and known:
            notes = (_EITHER_WAY, *notes)
        found[measure] = Estimate(values_RM[:, place], known, notes, float(baselines_M[place]))
    return found


def _per_key(values_PM: Floats, key_P: Places, keys: int, directed: bool) -> tuple[Floats, Floats]:
    """K × M: each key's mean over its pairs, 0 without one; and whether it has one, 0 or 1."""
    sums_KM, counts_KM = np.zeros((2, keys, len(MEANS)))
    np.add.at(sums_KM, key_P, np.nan_to_num(values_PM))
    np.add.at(counts_KM, key_P, (~np.isnan(values_PM)).astype(np.float64))
    if not directed:
        ways = [MEANS.index("pattern_precision"), MEANS.index("pattern_recall")]
        sums_KM[:, ways] = sums_KM[:, ways].sum(axis=1, keepdims=True)
        counts_KM[:, ways] = counts_KM[:, ways].sum(axis=1, keepdims=True)
    return np.nan_to_num(ratio(sums_KM, counts_KM)), (counts_KM > 0).astype(np.float64)


def _absent(measure: str, directed: bool) -> str:
    """Why a key has no value of a mean."""
    if measure == "omega":
        return CHANCE_AGREES_FULLY
    if directed and measure == "pattern_precision":
        return "the other found no pattern"
    if directed and measure == "pattern_recall":
        return "the reference has no pattern"
    return _NO_PATTERN


def _left_out(keys: int, known: int, reason: str) -> tuple[str, ...]:
    if known == keys:
        return ()
    return (f"{counted(keys - known, 'key')} left out: {reason}",) if known else (reason,)


def _by_category(pairs: AnswerPairs, weights_RK: Floats) -> dict[str, Estimate]:
    """What depends on the categories that prefixes were given, whoever gave them."""
    keys = weights_RK.shape[1]
    categories = len(CATEGORIES)
    pairs_K = np.bincount(pairs.key_P, minlength=keys)
    answers_K = np.rint((1 + np.sqrt(1 + 8 * pairs_K)) / 2).astype(np.int64)
    both_KCC = np.zeros((keys, categories, categories))
    np.add.at(both_KCC, pairs.key_P, pairs.categories_PCC)
    agreed_K = np.trace(both_KCC, axis1=1, axis2=2)
    units_K = both_KCC.sum(axis=(1, 2)) / pairs_K
    coincidences_KCC = (both_KCC + both_KCC.transpose(0, 2, 1)) / (answers_K - 1)[:, None, None]
    labels_KC = coincidences_KCC.sum(axis=2)
    weighted_RCC = np.tensordot(weights_RK, coincidences_KCC, axes=1)
    found = {}
    for measure, distance in _DISTANCES.items():
        sets = [_TYPE_SETS[category] for category in CATEGORIES]
        distance_CC = np.array([[distance(a, b) for b in sets] for a in sets])
        found[measure] = _settled(Estimate(alpha_of(weighted_RCC, distance_CC), keys))
    units_R = weights_RK @ units_K
    ac1_R = ac1_of(
        weights_RK @ (agreed_K / pairs_K), units_R, weights_RK @ (labels_KC / answers_K[:, None]),
        units_R,
    )  # fmt: skip
    found["ac1"] = Estimate(ac1_R, keys)
    found["fleiss_kappa"] = _fleiss(answers_K, weights_RK, agreed_K, units_K, labels_KC)
    return found


def _fleiss(
    answers_K: Places, weights_RK: Floats, agreed_K: Floats, units_K: Floats, labels_KC: Floats
) -> Estimate:
    """Over the keys with the most frequent number of answers; of two as frequent, the larger."""
    numbers, frequencies = np.unique(answers_K, return_counts=True)
    raters = int(numbers[np.flatnonzero(frequencies == frequencies.max())[-1]])
    chosen_K = answers_K == raters
    keys = int(chosen_K.sum())
    if keys < len(chosen_K):
        weights_RK = weights_RK[:, chosen_K]
    kappa_R = fleiss_of(
        weights_RK @ agreed_K[chosen_K], weights_RK @ units_K[chosen_K],
        weights_RK @ labels_KC[chosen_K], raters,
    )  # fmt: skip
    others = counted(len(answers_K) - keys, "key")
    note = f"{others} with another number of answers than {raters} left out"
    return _settled(Estimate(kappa_R, keys, () if keys == len(answers_K) else (note,)))


def _settled(estimate: Estimate) -> Estimate:
    if not np.isnan(estimate.values_R[0]):
        return estimate
    return replace(estimate, notes=(ONE_CATEGORY, *estimate.notes))


def _over_people(
    pairs: AnswerPairs, counts_PXX: Floats, weights_RK: Floats, words: tuple[str, str, str]
) -> Estimate:
    """Cohen's kappa of each two people, averaged with the weight of what they share.

    `words` say what is shared, why two people who share something have no kappa, and what is the
    matter if nobody shares anything.
    """
    shared, alike, nothing = words
    sums_R, shared_R = np.zeros((2, len(weights_RK)))
    some_P = counts_PXX.sum(axis=(1, 2)) > 0
    couple_P = (pairs.one_P << 32 | pairs.other_P)[some_P]
    people = np.unique(couple_P)
    key_P, counts_PXX = pairs.key_P[some_P], counts_PXX[some_P]
    without = 0
    for couple in people:
        rows = couple_P == couple
        counts_KXX = np.zeros((weights_RK.shape[1], *counts_PXX.shape[1:]))
        counts_KXX[key_P[rows]] = counts_PXX[rows]  # whole numbers, which add up in any order
        weighted_RXX = np.tensordot(weights_RK, counts_KXX, axes=1)
        kappa_R = kappa_of(weighted_RXX)
        weight_R = np.where(np.isnan(kappa_R), 0.0, weighted_RXX.sum(axis=(1, 2)))
        sums_R += np.nan_to_num(kappa_R) * weight_R
        shared_R += weight_R
        without += bool(np.isnan(kappa_R[0]))
    values_R = ratio(sums_R, shared_R)
    keys = int((np.diff(key_P, prepend=-1) > 0).sum())  # they ascend
    if not len(people):
        return Estimate(values_R, keys, (nothing,))
    if without == len(people):
        return Estimate(values_R, keys, (alike,))
    notes = []
    if len(people) > 1:
        notes.append(f"mean over {len(people) - without} pairs of annotators, by {shared}")
    if without:
        notes.append(f"{counted(without, 'pair')} of annotators left out: {alike}")
    return Estimate(values_R, keys, tuple(notes))


def counted(number: int, thing: str) -> str:
    """`1 key`, `2 keys`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
