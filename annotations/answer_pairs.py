"""A dataset's tables reduced to what agreement depends on: a row for each two answers to one key.

Every measure of `agreement_estimates.py` is a function of weighted sums of these rows, so that a
thousand bootstrap rounds look at no prefix again. Answers to a key are ordered by what they say,
not by whose they are: no number hangs on annotators' names or on the order of rows.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from annotations.answers import TYPES
from annotations.categories import ANSWER, CATEGORIES, prefix_categories, submitted
from annotations.chance_corrected import Floats, ratio
from annotations.groupings import Places, bcubed_of, harmonic_mean, omega_of
from annotations.matched_patterns import KeyPatterns, matched_types

# What is averaged over keys; the first is corrected for chance, the others get a baseline.
MEANS = ("omega", "pattern_precision", "pattern_recall", "pattern_f1", "bcubed_f")
_SWAPPED = [0, 2, 1, 3, 4]  # MEANS with the two answers in the other order
# How many pairs of permuted answers a key's baseline is the mean of, about; and draws of each pair.
_PERMUTED_PAIRS, _FEWEST_DRAWS = 60, 5

_Key = tuple[int, int]  # layer, key
_Pattern = tuple[tuple[int, ...], int]  # the prefixes it ticks, its type's place in TYPES


@dataclass(frozen=True)
class AnswerPairs:
    """P rows, by key, then people. `one` is the reference. C categories, T types, M means."""

    key_P: Places  # into `Compared.keys`
    one_P: Places  # into `Compared.people`, and before `other`
    other_P: Places
    categories_PCC: Floats  # prefixes by the category that each of the two gives them
    types_PTT: Floats  # matched patterns by the type that each of the two gives them
    means_PM: Floats  # NaN where undefined
    baselines_PM: Floats  # the same after permuting ticks; NaN for omega

    def where(self, chosen: npt.NDArray[np.bool_] | Places) -> Self:
        """These rows only."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def with_keys(self, key_P: Places) -> Self:
        """These rows with their keys numbered anew."""
        return replace(self, key_P=key_P)


@dataclass(frozen=True)
class Compared:
    """The answers of a run side by side."""

    people: tuple[str, ...]  # whoever submitted an answer, in the order that was asked for
    answered: dict[str, set[_Key]]
    keys: tuple[_Key, ...]  # with two answers or more, ascending
    pairs: AnswerPairs


def compare(frames: Mapping[str, pd.DataFrame], *, seed: int, first: str = "") -> Compared:
    """Compare each two submitted answers to the same key.

    People are in the order of their names, but `first` goes first. The seed is that of the
    baseline's permutations.
    """
    names = submitted(frames["submissions"])["annotator"].unique().tolist()
    people = sorted(names, key=lambda name: (name != first, name))
    answered: dict[str, set[_Key]] = {name: set() for name in people}
    rows: list[AnswerPairs] = []
    keys: list[_Key] = []
    for key, items, answers in _answers_by_key(frames):
        for name, _, _ in answers:
            answered[name].add(key)
        if len(answers) > 1:
            whose = np.array([people.index(name) for name, _, _ in answers])
            found = _pairs_of_key(key, items, answers, seed)
            rows.append(_by_people(found, whose, len(keys)))
            keys.append(key)
    return Compared(tuple(people), answered, tuple(keys), _concatenated(rows))


_Answer = tuple[str, list[_Pattern], Places]  # annotator, patterns, category of each prefix


def _answers_by_key(
    frames: Mapping[str, pd.DataFrame],
) -> Iterator[tuple[_Key, int, list[_Answer]]]:
    """Each answered key, ascending: its number of prefixes, its answers by their content."""
    prefixes = frames["prefixes"].sort_values(["layer", "key", "rank"])
    place = prefixes.groupby(["layer", "key"]).cumcount()
    item_of = dict(zip(_tuples(prefixes, "rank"), place.tolist(), strict=True))
    ticked: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for layer, key, name, number, rank in _tuples(frames["labels"], "annotator", "pattern", "rank"):
        ticked[layer, key, name, number].append(item_of[layer, key, rank])
    patterns: dict[tuple[Any, ...], list[_Pattern]] = defaultdict(list)
    for *answer, number, kind in _tuples(frames["patterns"], "annotator", "pattern", "type"):
        ticks = tuple(sorted(ticked[*answer, number]))
        patterns[tuple(answer)].append((ticks, TYPES.index(kind)))
    tables = (frames[name] for name in ("prefixes", "submissions", "patterns", "labels"))
    chosen = prefix_categories(*tables)
    codes = pd.Categorical(chosen["category"], categories=list(CATEGORIES)).codes
    ends = {answer: codes[rows] for answer, rows in chosen.groupby(ANSWER).indices.items()}
    by_key: dict[_Key, list[_Answer]] = defaultdict(list)
    for layer, key, name in _tuples(submitted(frames["submissions"]), "annotator"):
        own = sorted(patterns[layer, key, name])
        by_key[layer, key].append((name, own, ends.get((layer, key, name), np.empty(0, int))))
    for answered in sorted(by_key):
        answers = sorted(by_key[answered], key=lambda answer: answer[1])
        yield answered, len(answers[0][2]), answers


def _tuples(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    names = ("layer", "key", *columns)
    return list(zip(*(frame[name].tolist() for name in names), strict=True))


def _pairs_of_key(key: _Key, items: int, answers: list[_Answer], seed: int) -> AnswerPairs:
    one_P, other_P = np.triu_indices(len(answers), k=1)
    chosen_ANC = np.eye(len(CATEGORIES))[np.stack([codes for _, _, codes in answers])]
    patterns = _key_patterns(answers, items)
    unmoved_AN = np.tile(np.arange(items), (1, len(answers), 1))
    types_PTT, means_PM = _measured(patterns, unmoved_AN, one_P, other_P)
    draws = max(_FEWEST_DRAWS, _PERMUTED_PAIRS // len(one_P))
    moved_BAN = np.random.default_rng([seed, *key]).permuted(
        np.tile(unmoved_AN, (draws, 1, 1)), axis=-1
    )
    baselines_BPM = _measured(patterns, moved_BAN, one_P, other_P)[1]
    baselines_PM = baselines_BPM.mean(axis=0)  # whether a mean is defined hangs on no permutation
    baselines_PM[:, 0] = np.nan
    return AnswerPairs(
        key_P=np.zeros_like(one_P), one_P=one_P, other_P=other_P,
        categories_PCC=chosen_ANC[one_P].transpose(0, 2, 1) @ chosen_ANC[other_P],
        types_PTT=types_PTT[0], means_PM=means_PM[0], baselines_PM=baselines_PM,
    )  # fmt: skip


def _key_patterns(answers: list[_Answer], items: int) -> KeyPatterns:
    flat = [(place, *own) for place, (_, found, _) in enumerate(answers) for own in found]
    ticks_GN = np.zeros((len(flat), items))
    for row, (_, ticks, _) in enumerate(flat):
        ticks_GN[row, list(ticks)] = 1
    owners, types = ([entry[column] for entry in flat] for column in (0, 2))
    return KeyPatterns(
        len(answers), np.array(owners, dtype=np.int64), np.array(types, dtype=np.int64), ticks_GN
    )


def _measured(
    patterns: KeyPatterns, moved_BAN: Places, one_P: Places, other_P: Places
) -> tuple[Floats, Floats]:
    """B × P × T × T matched types and B × P × M means, ticks moved as each answer's order says."""
    draws, answers, items = moved_BAN.shape
    spread_BGN = np.broadcast_to(patterns.ticks_GN, (draws, *patterns.ticks_GN.shape))
    ticks_BGN = np.take_along_axis(spread_BGN, moved_BAN[:, patterns.owner_G], axis=-1)
    types_BPTT = matched_types(patterns, ticks_BGN)[:, one_P, other_P]
    matched_BP = types_BPTT.sum(axis=(-2, -1))
    counts_A = np.bincount(patterns.owner_G, minlength=answers).astype(np.float64)
    precision_BP = ratio(matched_BP, counts_A[other_P])
    recall_BP = ratio(matched_BP, counts_A[one_P])
    f1_BP = ratio(2 * matched_BP, counts_A[one_P] + counts_A[other_P])
    owned_AG = np.eye(answers)[:, patterns.owner_G]
    owned_BAGN = owned_AG[:, :, None] * ticks_BGN[:, None]
    together_BANN = owned_BAGN.transpose(0, 1, 3, 2) @ ticks_BGN[:, None]
    together_XNN = together_BANN.reshape(draws * answers, items, items)
    starts_B1 = np.arange(draws)[:, None] * answers
    sides = ((starts_B1 + one_P).ravel(), (starts_B1 + other_P).ravel())
    bcubed_BP = harmonic_mean(*bcubed_of(together_XNN, *sides)).reshape(matched_BP.shape)
    omega_BP = omega_of(together_XNN, *sides).reshape(matched_BP.shape)
    return types_BPTT, np.stack([omega_BP, precision_BP, recall_BP, f1_BP, bcubed_BP], axis=-1)


def _by_people(pairs: AnswerPairs, whose: Places, key: int) -> AnswerPairs:
    """The rows of one key with people for answers, each two of them in people's order."""
    one_P, other_P = whose[pairs.one_P], whose[pairs.other_P]
    swap_P = one_P > other_P
    swap_P1, swap_P11 = swap_P[:, None], swap_P[:, None, None]
    turned = AnswerPairs(
        key_P=np.full_like(one_P, key),
        one_P=np.minimum(one_P, other_P),
        other_P=np.maximum(one_P, other_P),
        categories_PCC=np.where(
            swap_P11, pairs.categories_PCC.transpose(0, 2, 1), pairs.categories_PCC
        ),
        types_PTT=np.where(swap_P11, pairs.types_PTT.transpose(0, 2, 1), pairs.types_PTT),
        means_PM=np.where(swap_P1, pairs.means_PM[:, _SWAPPED], pairs.means_PM),
        baselines_PM=np.where(swap_P1, pairs.baselines_PM[:, _SWAPPED], pairs.baselines_PM),
    )
    return turned.where(np.lexsort((turned.other_P, turned.one_P)))


def _concatenated(rows: list[AnswerPairs]) -> AnswerPairs:
    if not rows:
        none_P, types, categories = np.empty(0, np.int64), len(TYPES), len(CATEGORIES)
        return AnswerPairs(
            key_P=none_P, one_P=none_P, other_P=none_P,
            categories_PCC=np.empty((0, categories, categories)),
            types_PTT=np.empty((0, types, types)),
            means_PM=np.empty((0, len(MEANS))), baselines_PM=np.empty((0, len(MEANS))),
        )  # fmt: skip
    columns = (np.concatenate([getattr(row, f.name) for row in rows]) for f in fields(AnswerPairs))
    return AnswerPairs(*columns)
