"""What two answers to one key have in common, measured for many pairs of answers at once.

Pairs that say the same of as many prefixes are measured once. The baseline is what answers of the
same shapes reach by chance: each answer's ticks permuted over the key's prefixes. P pairs, N
prefixes, C categories, T types, M means, D draws.

How many permutations a key has falls with the number of keys, since the mean over keys is what is
told: at most some 60 permuted pairs a key (or 5 draws), and no more than it takes for each two
people to have 1,000 of them in a layer. With so many, the standard error of two people's baseline
in a layer is 0.016 at the most, and 0.006 where permuted F measures spread by 0.2, as they do; more
people and more layers make it smaller.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from annotations.answer_arrays import AnswerArrays, Patterns
from annotations.answers import TYPES
from annotations.categories import CATEGORIES
from annotations.chance_corrected import Floats, ratio
from annotations.groupings import Places, bcubed_of, harmonic_mean, omega_of
from annotations.matched_patterns import matched_types

# What is averaged over keys; the first is corrected for chance, the others get a baseline.
MEANS = ("omega", "pattern_precision", "pattern_recall", "pattern_f1", "bcubed_f")
# How many pairs of permuted answers a key's baseline is the mean of, about; and draws of each pair.
_PERMUTED_PAIRS, _FEWEST_DRAWS = 60, 5
_ENOUGH = 1_000  # permuted pairs of each two people in a layer
_CELLS_AT_ONCE = 400_000  # of matrices prefixes × prefixes: what a processor's cache holds
_ANSWERS_AT_ONCE = 20_000  # that are permuted

Counted = Callable[[int], object]  # told how many pairs were measured


def observed(
    arrays: AnswerArrays, one_P: Places, other_P: Places, told: Counted
) -> tuple[Floats, Floats, Floats]:
    """P × C × C categories, P × T × T matched types and P × M means; the places are of answers."""
    items_P = arrays.items_K[arrays.key_A[one_P]]
    contents = int(arrays.content_A.max(initial=0)) + 1
    same_P = (arrays.content_A[one_P] * contents + arrays.content_A[other_P]) * (
        int(items_P.max(initial=0)) + 1
    ) + items_P
    _, chosen, where_P, times = np.unique(
        same_P, return_index=True, return_inverse=True, return_counts=True
    )
    types_XTT, means_XM = np.empty((len(chosen), len(TYPES), len(TYPES))), _no_means(len(chosen))
    categories_XCC = np.empty((len(chosen), len(CATEGORIES), len(CATEGORIES)))
    sides = (one_P[chosen], other_P[chosen])
    for block, items in _blocks(arrays.patterns, *sides, items_P[chosen]):
        one_X, other_X = (side[block] for side in sides)
        types_XTT[block], means_XM[block] = _measured(
            arrays.patterns, one_X, other_X, items, with_omega=True
        )
        given = [
            np.eye(len(CATEGORIES))[arrays.categories(side, items)] for side in (one_X, other_X)
        ]
        categories_XCC[block] = given[0].transpose(0, 2, 1) @ given[1]
        told(int(times[block].sum()))
    return categories_XCC[where_P], types_XTT[where_P], means_XM[where_P]


def by_chance(
    arrays: AnswerArrays, one_P: Places, other_P: Places, seed: int, told: Counted
) -> Floats:
    """P × M means over permutations; NaN for omega. Layers are drawn for one by one."""
    layer_P = arrays.layer_K[arrays.key_A[one_P]]
    items_P = arrays.items_K[arrays.key_A[one_P]]
    draws_P = draws_of_pairs(arrays, one_P, other_P)
    baselines_PM = _no_means(len(one_P))
    alike, group_P = np.unique(
        np.stack([layer_P, items_P, draws_P], axis=1), axis=0, return_inverse=True
    )
    by_group = np.argsort(group_P, kind="stable")
    ends = np.bincount(group_P, minlength=len(alike)).cumsum().tolist()
    for (layer, items, draws), start, end in zip(alike.tolist(), [0, *ends], ends, strict=False):
        rows = by_group[start:end]
        random = np.random.default_rng([seed, layer, items, draws])
        answers, places = np.unique(np.stack([one_P[rows], other_P[rows]]), return_inverse=True)
        own = _taken(arrays.patterns, answers)
        sides = places.reshape(2, -1)
        baselines_PM[rows] = _mean_of_draws(own, sides[0], sides[1], items, draws, random)
        told(len(rows))
    return baselines_PM


def draws_of_pairs(arrays: AnswerArrays, one_P: Places, other_P: Places) -> Places:
    """How often the answers to each pair's key are permuted; the same for all pairs of a key."""
    key_P = arrays.key_A[one_P]
    layer_P = arrays.layer_K[key_P]
    of_key_K = np.bincount(key_P, minlength=len(arrays.layer_K))
    two_P = np.sort(np.stack([arrays.person_A[one_P], arrays.person_A[other_P]]), axis=0)
    couple_P = (layer_P * len(arrays.people) + two_P[0]) * len(arrays.people) + two_P[1]
    _, where_P, shared = np.unique(couple_P, return_inverse=True, return_counts=True)
    needed_K = np.zeros(len(arrays.layer_K), dtype=np.int64)
    np.maximum.at(needed_K, key_P, -(-_ENOUGH // shared[where_P]))
    most_P = np.maximum(_FEWEST_DRAWS, _PERMUTED_PAIRS // of_key_K[key_P])
    found: Places = np.minimum(needed_K[key_P], most_P)
    return found


def _mean_of_draws(
    patterns: Patterns,
    one_P: Places,
    other_P: Places,
    items: int,
    draws: int,
    random: np.random.Generator,
) -> Floats:
    """P × M: the means over this number of permutations of each answer."""
    answers = len(patterns.count_A)
    sums_PM = np.zeros((len(one_P), len(MEANS)))
    at_once = max(1, min(draws, _ANSWERS_AT_ONCE // answers))
    for start in range(0, draws, at_once):
        copies = min(at_once, draws - start)
        whole = _taken(patterns, np.tile(np.arange(answers), copies))
        moved_AN = random.permuted(np.tile(np.arange(items), (copies * answers, 1)), axis=-1)
        ticks_GN = np.take_along_axis(whole.ticks_GN[:, :items], moved_AN[whole.owner_G()], axis=-1)
        moved = replace(whole, ticks_GN=ticks_GN)
        steps = np.arange(copies)[:, None] * answers
        sides = ((steps + one_P).ravel(), (steps + other_P).ravel())
        means_XM = _no_means(copies * len(one_P))
        for block, _ in _blocks(moved, *sides, np.full(len(means_XM), items)):
            one_X, other_X = (side[block] for side in sides)
            means_XM[block] = _measured(moved, one_X, other_X, items, with_omega=False)[1]
        sums_PM += means_XM.reshape(copies, len(one_P), len(MEANS)).sum(axis=0)
    return sums_PM / draws


def _taken(patterns: Patterns, answers_X: Places) -> Patterns:
    """The patterns of these answers alone, one answer after the other."""
    count_X = patterns.count_A[answers_X]
    first_X = count_X.cumsum() - count_X
    rows = np.arange(count_X.sum()) + np.repeat(patterns.first_A[answers_X] - first_X, count_X)
    return Patterns(first_X, count_X, patterns.type_G[rows], patterns.ticks_GN[rows])


def _blocks(
    patterns: Patterns, one_X: Places, other_X: Places, items_X: Places
) -> Iterator[tuple[Places, int]]:
    """Some pairs at a time: of keys with as many prefixes, with similarly many patterns."""
    most_X = np.maximum(patterns.count_A[one_X], patterns.count_A[other_X])
    order = np.lexsort((most_X, items_X))
    for items in np.unique(items_X).tolist():
        start, end = np.searchsorted(items_X[order], [items, items + 1]).tolist()
        at_once = max(1, _CELLS_AT_ONCE // max(items * items, 1))
        for begin in range(start, end, at_once):
            yield order[begin : min(begin + at_once, end)], items


def _measured(
    patterns: Patterns, one_P: Places, other_P: Places, items: int, *, with_omega: bool
) -> tuple[Floats, Floats]:
    """P × T × T matched types and P × M means, of which omega is NaN unless wanted."""
    counts = [patterns.count_A[side].astype(np.float64) for side in (one_P, other_P)]
    slots = int(max(count.max(initial=0) for count in counts))
    # An answer that is in several pairs is looked at once.
    answers, places = np.unique(np.concatenate([one_P, other_P]), return_inverse=True)
    ticks_ASN, types_AST = (
        part.astype(np.float64) for part in patterns.padded(answers, slots, items)
    )
    sides = (places[: len(one_P)], places[len(one_P) :])
    types_PTT = matched_types(
        ticks_ASN[sides[0]], types_AST[sides[0]], ticks_ASN[sides[1]], types_AST[sides[1]]
    )
    matched_P = types_PTT.sum(axis=(-2, -1))
    together_ANN = ticks_ASN.transpose(0, 2, 1) @ ticks_ASN
    means = {
        "omega": omega_of(together_ANN, *sides) if with_omega else np.full(len(one_P), np.nan),
        "pattern_precision": ratio(matched_P, counts[1]),
        "pattern_recall": ratio(matched_P, counts[0]),
        "pattern_f1": ratio(2 * matched_P, counts[0] + counts[1]),
        "bcubed_f": harmonic_mean(*bcubed_of(together_ANN, *sides)),
    }
    return types_PTT, np.stack([means[name] for name in MEANS], axis=-1)


def _no_means(rows: int) -> Floats:
    return np.full((rows, len(MEANS)), np.nan)
