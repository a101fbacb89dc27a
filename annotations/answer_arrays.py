"""A dataset's submitted answers as arrays: what statistics and agreement are computed of.

Names become numbers, prefixes places within their key, ticks a table of zeros and ones. Answers to
a key are ordered by what they say, not by whose they are, so that no number hangs on annotators'
names or on the order of rows. A answers, G patterns, K keys, N prefixes of the key with most.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from annotations.answers import TYPES
from annotations.categories import CATEGORIES, submitted
from annotations.groupings import Places

Ticks = npt.NDArray[np.uint8]
# The category's place in CATEGORIES, by whether a prefix has (shallow, semantic) patterns.
_CATEGORY = np.array([[3, 1], [0, 2]], dtype=np.int8)
_AT_ONCE = 10_000  # answers whose prefixes are looked at one by one


@dataclass(frozen=True)
class Patterns:
    """Patterns answer by answer: those of answer a begin at `first_A[a]`, `count_A[a]` of them."""

    first_A: Places
    count_A: Places
    type_G: Places  # place in TYPES
    ticks_GN: Ticks  # 1 where a pattern ticks a prefix

    def padded(self, chosen_X: Places, slots: int, items: int) -> tuple[Ticks, Ticks]:
        """X × S × N ticks and X × S × T types of these answers' patterns; all 0 beyond the last."""
        if not len(self.type_G):
            shape = (len(chosen_X), slots)
            return np.zeros((*shape, items), np.uint8), np.zeros((*shape, len(TYPES)), np.uint8)
        slot_S = np.arange(slots)
        there_XS = slot_S < self.count_A[chosen_X, None]
        row_XS = np.where(there_XS, self.first_A[chosen_X, None] + slot_S, 0)
        ticks_XSN = self.ticks_GN[row_XS, :items] * there_XS[..., None]
        types_XST = np.eye(len(TYPES), dtype=np.uint8)[self.type_G[row_XS]] * there_XS[..., None]
        return ticks_XSN, types_XST

    def owner_G(self) -> Places:
        """Whose answer each pattern is in."""
        return np.repeat(np.arange(len(self.count_A)), self.count_A)


@dataclass(frozen=True)
class AnswerArrays:
    """Answers by key, then by what they say, then by people."""

    people: tuple[str, ...]  # whoever submitted an answer, in the order that was asked for
    layer_K: Places  # of keys with an answer, ascending by layer, then key
    number_K: Places
    items_K: Places  # how many prefixes it has
    key_A: Places  # ascending
    person_A: Places
    content_A: Places  # equal for answers that say the same of as many prefixes or more
    patterns: Patterns

    def categories(self, chosen_X: Places, items: int) -> npt.NDArray[np.int8]:
        """X × N: the place in CATEGORIES of each prefix in these answers."""
        slots = int(self.patterns.count_A[chosen_X].max(initial=0))
        ticks_XSN, types_XST = self.patterns.padded(chosen_X, slots, items)
        ticked_TXN = [
            (ticks_XSN & types_XST[:, :, kind, None]).max(axis=1, initial=0)
            for kind in range(len(TYPES))
        ]
        found: npt.NDArray[np.int8] = _CATEGORY[ticked_TXN[0], ticked_TXN[1]]
        return found


def answer_arrays(frames: Mapping[str, pd.DataFrame], *, first: str = "") -> AnswerArrays:
    """The arrays of these tables' answers. People are in the order of names, but `first` first."""
    answers = submitted(frames["submissions"])
    names = answers["annotator"].unique().tolist()
    people = tuple(sorted(names, key=lambda name: (name != first, name)))
    keys_K, key_A = np.unique(_places(answers), return_inverse=True)
    code_A = np.sort(key_A * len(people) + _people(answers, people))
    prefixes = _Prefixes(frames["prefixes"], keys_K)
    owner_G, types_G, ticks_GN = _patterns(frames, keys_K, people, code_A, prefixes)
    said_G = _contents(ticks_GN) * len(TYPES) + types_G
    by_content = np.lexsort((said_G, owner_G))
    owner_G, said_G = owner_G[by_content], said_G[by_content]
    count_A = np.bincount(owner_G, minlength=len(code_A))
    content_A = _listed(said_G + 1, count_A)
    key_A, person_A = np.divmod(code_A, max(len(people), 1))
    order = np.lexsort((person_A, content_A, key_A))
    patterns = Patterns(
        (count_A.cumsum() - count_A)[order], count_A[order], types_G[by_content],
        ticks_GN[by_content],
    )  # fmt: skip
    return AnswerArrays(
        people, keys_K >> 32, keys_K & 0xFFFFFFFF, prefixes.items_K, key_A[order],
        person_A[order], content_A[order], patterns,
    )  # fmt: skip


def category_counts(arrays: AnswerArrays) -> pd.DataFrame:
    """How many prefixes each answer puts into each category: ANSWER and CATEGORIES, sorted."""
    counts_AC = np.zeros((len(arrays.key_A), len(CATEGORIES)))
    items_A = arrays.items_K[arrays.key_A]
    for items in np.unique(items_A).tolist():
        chosen = np.flatnonzero(items_A == items)
        for start in range(0, len(chosen), _AT_ONCE):
            block = chosen[start : start + _AT_ONCE]
            codes_XN = arrays.categories(block, items)
            for place in range(len(CATEGORIES)):
                counts_AC[block, place] = (codes_XN == place).sum(axis=1)
    names = pd.Series(list(arrays.people), dtype="str")
    found = pd.DataFrame(
        {
            "layer": arrays.layer_K[arrays.key_A], "key": arrays.number_K[arrays.key_A],
            "annotator": names.take(arrays.person_A).array,
            **dict(zip(CATEGORIES, counts_AC.T, strict=True)),
        }
    )  # fmt: skip
    rank_A = names.argsort().argsort().to_numpy()[arrays.person_A]
    return found.take(np.lexsort((rank_A, arrays.key_A))).reset_index(drop=True)


def _places(frame: pd.DataFrame) -> Places:
    """Layer and key in one number, in their order."""
    layer, key = (frame[name].to_numpy(dtype=np.int64) for name in ("layer", "key"))
    places: Places = (layer << 32) | key
    return places


def _people(frame: pd.DataFrame, people: tuple[str, ...]) -> Places:
    """Each row's person; −1 for whoever is not among them."""
    codes, names = pd.factorize(frame["annotator"])
    place = {name: number for number, name in enumerate(people)}
    known = np.array([place.get(name, -1) for name in names] or [-1], dtype=np.int64)
    found: Places = known[codes]
    return found


def _begins(*columns_X: Places) -> npt.NDArray[np.bool_]:
    """Which rows differ from the one before; the first does."""
    begins_X = np.ones(len(columns_X[0]), dtype=bool)
    begins_X[1:] = np.logical_or.reduce([column_X[1:] != column_X[:-1] for column_X in columns_X])
    return begins_X


def _found(wanted_X: Places, sorted_Y: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Where each number stands among distinct ascending ones, and whether it does."""
    if not len(sorted_Y):
        return np.zeros(len(wanted_X), np.int64), np.zeros(len(wanted_X), bool)
    at_X = np.minimum(np.searchsorted(sorted_Y, wanted_X), len(sorted_Y) - 1)
    return at_X, sorted_Y[at_X] == wanted_X


class _Prefixes:
    """The prefixes of answered keys, each key's by rank."""

    def __init__(self, frame: pd.DataFrame, keys_K: Places) -> None:
        key_P, asked_P = _found(_places(frame), keys_K)
        rank_P = frame["rank"].to_numpy(dtype=np.int64)[asked_P]
        self._ranks = int(rank_P.max(initial=0)) + 1
        self._sorted = np.sort(key_P[asked_P] * self._ranks + rank_P)
        self.items_K = np.bincount(key_P[asked_P], minlength=len(keys_K))
        self._start_K = self.items_K.cumsum() - self.items_K

    def places(self, key_X: Places, rank_X: Places) -> Places:
        """The place within its key, from 0, of each prefix with such a rank."""
        at_X, there_X = _found(key_X * self._ranks + rank_X, self._sorted)
        assert there_X.all(), "a tick names a rank that its key does not have"
        return at_X - self._start_K[key_X]


def _patterns(
    frames: Mapping[str, pd.DataFrame],
    keys_K: Places,
    people: tuple[str, ...],
    code_A: Places,
    prefixes: _Prefixes,
) -> tuple[Places, Places, Ticks]:
    """Of the patterns of submitted answers: the place in `code_A`, the type, the ticks."""

    def owners(place_X: Places, person_X: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
        key_X, asked_X = _found(place_X, keys_K)
        owner_X, there_X = _found(key_X * len(people) + person_X, code_A)
        return owner_X, there_X & asked_X & (person_X >= 0)

    patterns, labels = frames["patterns"], frames["labels"]
    owner_G, there_G = owners(_places(patterns), _people(patterns, people))
    number_G = patterns["pattern"].to_numpy(dtype=np.int64)
    numbers = int(number_G.max(initial=0)) + 1
    names_G = (owner_G * numbers + number_G)[there_G]
    order = np.argsort(names_G)
    kinds = pd.Categorical(patterns["type"], categories=list(TYPES)).codes.astype(np.int64)
    ticks_GN = np.zeros((len(names_G), int(prefixes.items_K.max(initial=0))), dtype=np.uint8)
    # Most of a pattern's ticks follow one another: each run of S runs is looked up once.
    named = (_places(labels), _people(labels, people), labels["pattern"].to_numpy(dtype=np.int64))
    begins_L = _begins(*named)
    place_S, person_S, number_S = (column_L[begins_L] for column_L in named)
    owner_S, there_S = owners(place_S, person_S)
    row_S, known_S = _found(owner_S * numbers + number_S, names_G[order])
    run_L = begins_L.cumsum() - 1
    chosen_L = (there_S & known_S)[run_L]
    run_L, rank_L = run_L[chosen_L], labels["rank"].to_numpy(dtype=np.int64)[chosen_L]
    key_L = code_A[owner_S[run_L]] // max(len(people), 1)
    ticks_GN[row_S[run_L], prefixes.places(key_L, rank_L)] = 1
    return owner_G[there_G][order], kinds[there_G][order], ticks_GN


def _contents(ticks_GN: Ticks) -> Places:
    """Numbers that order patterns as their lists of ticked places would be ordered."""
    rows, columns = np.nonzero(ticks_GN)
    return _listed(columns + 1, np.bincount(rows, minlength=len(ticks_GN)))


def _listed(numbers_X: Places, count_Y: Places) -> Places:
    """A number for each list of positive numbers, in the order of the lists; equal for equal ones.

    The lists follow one another in `numbers_X`, `count_Y` numbers each.
    """
    longest = int(count_Y.max(initial=0))
    if not longest:
        return np.zeros(len(count_Y), dtype=np.int64)
    padded = np.zeros((len(count_Y), longest), dtype=">u4")  # big-endian: bytes sort as numbers
    row_X = np.repeat(np.arange(len(count_Y)), count_Y)
    padded[row_X, np.arange(len(numbers_X)) - (count_Y.cumsum() - count_Y)[row_X]] = numbers_X
    as_bytes = padded.view(f"S{4 * longest}")[:, 0]
    return np.unique(as_bytes, return_inverse=True)[1].astype(np.int64)
