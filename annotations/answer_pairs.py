"""A dataset's tables reduced to what agreement depends on: a row for each two answers to one key.

Every measure of `agreement_estimates.py` is a function of weighted sums of these rows, so that a
thousand bootstrap rounds look at no prefix again.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from annotations.answer_arrays import AnswerArrays
from annotations.chance_corrected import Floats
from annotations.groupings import Places
from annotations.pair_measures import by_chance, observed

_SWAPPED = [0, 2, 1, 3, 4]  # MEANS with the two answers in the other order
Progress = Callable[[str, int, int], object]  # stage, steps done, steps in all


def untold(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class AnswerPairs:
    """P rows, by key, then people. `one` is the reference. C categories, T types, M means."""

    key_P: Places  # into the keys of `Compared`
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
    """The answers of a run side by side. K keys with an answer, A answers."""

    people: tuple[str, ...]  # whoever submitted an answer, in the order that was asked for
    layer_K: Places  # ascending
    key_A: Places
    person_A: Places
    pairs: AnswerPairs

    def without(self, name: str) -> "Compared":
        """The same without the answers of one of them."""
        if name not in self.people:
            return self
        left_out = self.people.index(name)
        kept_A = self.person_A != left_out
        pairs = self.pairs.where((self.pairs.one_P != left_out) & (self.pairs.other_P != left_out))
        pairs = replace(
            pairs,
            one_P=pairs.one_P - (pairs.one_P > left_out),
            other_P=pairs.other_P - (pairs.other_P > left_out),
        )
        person_A = self.person_A[kept_A]
        return replace(
            self,
            people=tuple(other for other in self.people if other != name),
            key_A=self.key_A[kept_A], person_A=person_A - (person_A > left_out), pairs=pairs,
        )  # fmt: skip


def compare(arrays: AnswerArrays, *, seed: int, progress: Progress) -> Compared:
    """Compare each two submitted answers to the same key.

    The seed is that of the baseline's permutations.
    """
    one_P, other_P = _pairs(arrays.key_A, len(arrays.layer_K))
    done = 0

    def told(pairs: int) -> None:
        nonlocal done
        done += pairs
        progress("comparing", done, 2 * len(one_P))

    found = observed(arrays, one_P, other_P, told)
    baselines_PM = by_chance(arrays, one_P, other_P, seed, told)
    people = (arrays.person_A[one_P], arrays.person_A[other_P])
    pairs = _by_people(AnswerPairs(arrays.key_A[one_P], *people, *found, baselines_PM))
    return Compared(arrays.people, arrays.layer_K, arrays.key_A, arrays.person_A, pairs)


def _pairs(key_A: Places, keys: int) -> tuple[Places, Places]:
    """Each two answers to one key, in the answers' order."""
    answers_K = np.bincount(key_A, minlength=keys)
    first_K = answers_K.cumsum() - answers_K
    ones, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for answers in np.unique(answers_K[answers_K > 1]).tolist():
        one, other = np.triu_indices(answers, k=1)
        start_K1 = first_K[answers_K == answers][:, None]
        ones.append((start_K1 + one).ravel())
        others.append((start_K1 + other).ravel())
    return np.concatenate(ones), np.concatenate(others)


def _by_people(pairs: AnswerPairs) -> AnswerPairs:
    """The rows with each two people in people's order, and sorted so."""
    swap_P = pairs.one_P > pairs.other_P
    swap_P1, swap_P11 = swap_P[:, None], swap_P[:, None, None]
    turned = AnswerPairs(
        key_P=pairs.key_P,
        one_P=np.minimum(pairs.one_P, pairs.other_P),
        other_P=np.maximum(pairs.one_P, pairs.other_P),
        categories_PCC=np.where(
            swap_P11, pairs.categories_PCC.transpose(0, 2, 1), pairs.categories_PCC
        ),
        types_PTT=np.where(swap_P11, pairs.types_PTT.transpose(0, 2, 1), pairs.types_PTT),
        means_PM=np.where(swap_P1, pairs.means_PM[:, _SWAPPED], pairs.means_PM),
        baselines_PM=np.where(swap_P1, pairs.baselines_PM[:, _SWAPPED], pairs.baselines_PM),
    )
    return turned.where(np.lexsort((turned.other_P, turned.one_P, turned.key_P)))
