"""Every measure of agreement as a function of how often each key counts, and what to say of it.

A row of weights gives a value: all ones the one that is reported, the numbers of times that a
bootstrap round drew each key that round's. All that measures are made of is weighted sums of
columns with a number a key. R rows, K keys, P pairs of answers, C categories, T types, M means.
"""

from collections.abc import Iterable, Sequence
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
    keys = int(pairs.key_P[-1]) + 1
    values_KM, has_KM = _per_key(pairs.means_PM, pairs.key_P, keys, directed)
    baselines_KM, _ = _per_key(pairs.baselines_PM, pairs.key_P, keys, directed)
    baselines_M = ratio(baselines_KM.sum(axis=0), has_KM.sum(axis=0))
    labels, couples = _labels(pairs, keys), _couples(pairs, keys)
    # Of two people, what they share holds all that hangs on categories, and sums of it do, too.
    of_labels = [] if directed else labels.parts
    parts = [(_ALL, values_KM), (_ALL, has_KM), *of_labels, *couples]
    values, has, *sums = _weighted(weights, parts)
    both = [np.split(sums_RX, [_SQUARE], axis=1) for sums_RX in sums[len(of_labels) :]]
    found = _means(ratio(values, has), has_KM, baselines_M, directed)
    if directed:
        found |= _by_category(_columns(both[0][0], np.full(len(values), 2)), labels)
    else:
        found |= _by_category(sums[: len(of_labels)], labels)
    found["cohen_kappa"] = _over_people(
        [categories for categories, _ in both], _keys_with_some(pairs, pairs.categories_PCC),
        ("shared prefixes", ONE_CATEGORY, ""),
    )  # fmt: skip
    found["type_kappa"] = _over_people(
        [types for _, types in both], _keys_with_some(pairs, pairs.types_PTT),
        ("matched patterns", _ONE_TYPE, _NO_MATCH),
    )  # fmt: skip
    return {measure: found[measure] for measure in MEASURES}


_Part = tuple[Places | slice, Floats]  # some keys, and columns with a row each of them
_ALL = slice(None)
_SQUARE = len(CATEGORIES) ** 2


def _weighted(weights: Iterable[Floats], parts: Sequence[_Part]) -> list[Floats]:
    """Each part's columns summed up over its keys, under each row of weights."""
    # Those of all keys go through one product, side by side: weights are then read once.
    of_all = [number for number, (keys, _) in enumerate(parts) if keys is _ALL]
    columns = [parts[number][1] for number in of_all]
    joined_KX = np.hstack([own.reshape(len(own), -1) for own in columns])
    ends = np.cumsum([own[0].size for own in columns])[:-1]
    blocks = []
    for weights_RK in weights:
        split = np.split(weights_RK @ joined_KX, ends, axis=1)
        sums = dict(zip(of_all, split, strict=True))
        blocks.append(
            [
                sums[number].reshape(-1, *columns_KX.shape[1:])
                if number in sums
                else weights_RK[:, keys] @ columns_KX
                for number, (keys, columns_KX) in enumerate(parts)
            ]
        )
    return [np.concatenate(sums) for sums in zip(*blocks, strict=True)]


def _means(
    values_RM: Floats, has_KM: Floats, baselines_M: Floats, directed: bool
) -> dict[str, Estimate]:
    """Means over keys of means over pairs, keys without a value left out."""
    baselines_M[MEANS.index("omega")] = np.nan
    found = {}
    for place, measure in enumerate(MEANS):
        reason = _absent(measure, directed)
        known = int(has_KM[:, place].sum())
        notes = _left_out(len(has_KM), known, reason)
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


@dataclass(frozen=True)
class _Labels:
    """What depends on the categories that prefixes were given, whoever gave them."""

    keys: int
    raters: int  # the most frequent number of answers to a key; of two as frequent, the larger
    rated: int  # keys with so many answers
    parts: list[_Part]  # `_columns`, the last of them of those keys alone


def _labels(pairs: AnswerPairs, keys: int) -> _Labels:
    answers_K = np.rint((1 + np.sqrt(1 + 8 * np.bincount(pairs.key_P))) / 2).astype(np.int64)
    numbers, frequencies = np.unique(answers_K, return_counts=True)
    raters = int(numbers[np.flatnonzero(frequencies == frequencies.max())[-1]])
    rated = np.flatnonzero(answers_K == raters)
    both_KX = np.zeros((keys, _SQUARE))
    np.add.at(both_KX, pairs.key_P, pairs.categories_PCC.reshape(-1, _SQUARE))
    *columns, counts_KX = _columns(both_KX, answers_K)
    chosen = _ALL if len(rated) == keys else rated
    parts: list[_Part] = [*((_ALL, column) for column in columns), (chosen, counts_KX[chosen])]
    return _Labels(keys, raters, len(rated), parts)


def _columns(both_KX: Floats, answers_K: Places) -> list[Floats]:
    """Of how often two answers to a key gave each two categories: K × C² coincidences, units, the
    share of pairs that agreed, K × C shares of labels; agreed pairs, units and C kinds of labels.
    """
    both_KCC = both_KX.reshape(-1, len(CATEGORIES), len(CATEGORIES))
    pairs_K = answers_K * (answers_K - 1) // 2
    agreed_K = np.trace(both_KCC, axis1=1, axis2=2)
    units_K = both_KCC.sum(axis=(1, 2)) / pairs_K
    coincidences_KCC = (both_KCC + both_KCC.transpose(0, 2, 1)) / (answers_K - 1)[:, None, None]
    labels_KC = coincidences_KCC.sum(axis=2)
    return [
        coincidences_KCC.reshape(both_KX.shape), units_K, agreed_K / pairs_K,
        labels_KC / answers_K[:, None], np.column_stack([agreed_K, units_K, labels_KC]),
    ]  # fmt: skip


def _by_category(sums: Sequence[Floats], labels: _Labels) -> dict[str, Estimate]:
    coincidences_RX, units_R, agreement_R, shares_RC, counts_RX = sums
    weighted_RCC = coincidences_RX.reshape(-1, len(CATEGORIES), len(CATEGORIES))
    found = {}
    for measure, distance in _DISTANCES.items():
        sets = [_TYPE_SETS[category] for category in CATEGORIES]
        distance_CC = np.array([[distance(a, b) for b in sets] for a in sets])
        found[measure] = _settled(Estimate(alpha_of(weighted_RCC, distance_CC), labels.keys))
    found["ac1"] = Estimate(ac1_of(agreement_R, units_R, shares_RC, units_R), labels.keys)
    kappa_R = fleiss_of(counts_RX[:, 0], counts_RX[:, 1], counts_RX[:, 2:], labels.raters)
    others = counted(labels.keys - labels.rated, "key")
    note = f"{others} with another number of answers than {labels.raters} left out"
    notes = () if labels.rated == labels.keys else (note,)
    found["fleiss_kappa"] = _settled(Estimate(kappa_R, labels.rated, notes))
    return found


def _settled(estimate: Estimate) -> Estimate:
    if not np.isnan(estimate.values_R[0]):
        return estimate
    return replace(estimate, notes=(ONE_CATEGORY, *estimate.notes))


def _couples(pairs: AnswerPairs, keys: int) -> list[_Part]:
    """Of each two people the keys that both answered: C × C categories, then T × T types."""
    couple_P = pairs.one_P << 32 | pairs.other_P
    counts_PX = np.hstack(
        [counts.reshape(len(couple_P), -1) for counts in (pairs.categories_PCC, pairs.types_PTT)]
    )
    found: list[_Part] = []
    for couple in np.unique(couple_P):
        rows = np.flatnonzero(couple_P == couple)
        found.append((_ALL if len(rows) == keys else pairs.key_P[rows], counts_PX[rows]))
    return found


def _keys_with_some(pairs: AnswerPairs, counts_PXX: Floats) -> int:
    key_P = pairs.key_P[counts_PXX.sum(axis=(1, 2)) > 0]
    return int((np.diff(key_P, prepend=-1) > 0).sum())  # they ascend


def _over_people(couples: Sequence[Floats], keys: int, words: tuple[str, str, str]) -> Estimate:
    """Cohen's kappa of each two people, averaged with the weight of what they share.

    `couples` are R × X² counts of each two people. `words` say what is shared, why two people who
    share something have no kappa, and what is the matter if nobody shares anything.
    """
    shared, alike, nothing = words
    sums_R, shared_R = np.zeros((2, len(couples[0])))
    people = without = 0
    for sums_RX in couples:
        if not sums_RX[0].any():
            continue
        size = round(sums_RX.shape[1] ** 0.5)
        kappa_R = kappa_of(sums_RX.reshape(-1, size, size))
        weight_R = np.where(np.isnan(kappa_R), 0.0, sums_RX.sum(axis=1))
        sums_R += np.nan_to_num(kappa_R) * weight_R
        shared_R += weight_R
        people += 1
        without += bool(np.isnan(kappa_R[0]))
    values_R = ratio(sums_R, shared_R)
    if not people:
        return Estimate(values_R, keys, (nothing,))
    if without == people:
        return Estimate(values_R, keys, (alike,))
    notes = []
    if people > 1:
        notes.append(f"mean over {people - without} pairs of annotators, by {shared}")
    if without:
        notes.append(f"{counted(without, 'pair')} of annotators left out: {alike}")
    return Estimate(values_R, keys, tuple(notes))


def counted(number: int, thing: str) -> str:
    """`1 key`, `2 keys`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
