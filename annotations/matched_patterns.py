"""How many patterns of two answers match, and of which types: many pairs of answers at once.

`agreement.match_patterns` decides. Where each pattern is alike to one of the other answer at most,
its choice is plain and is counted by matrix products; only answers in which a pattern has several
candidates go to it. P pairs of answers with S and U slots for patterns, N prefixes, T types; a slot
without a pattern has no type.
"""

import numpy as np
import numpy.typing as npt

from annotations.agreement import THRESHOLD, match_patterns
from annotations.answers import TYPES
from annotations.chance_corrected import Floats


def matched_types(one_PSN: Floats, one_PST: Floats, other_PUN: Floats, other_PUT: Floats) -> Floats:
    """P × T × T: of the matched patterns of each pair, how many have which two types.

    Ticks and types are zeros and ones. Of equally good matchings, the one counts that keeps types
    together, as in adjudication.
    """
    there_PSU = one_PST.sum(axis=-1)[:, :, None] * other_PUT.sum(axis=-1)[:, None, :]
    alike_PSU = _alike(one_PSN, other_PUN) * there_PSU
    counts_PTT: Floats = one_PST.transpose(0, 2, 1) @ alike_PSU @ other_PUT
    torn_P = (alike_PSU.sum(axis=2) > 1).any(axis=1) | (alike_PSU.sum(axis=1) > 1).any(axis=1)
    for pair in np.flatnonzero(torn_P).tolist():
        sides = ((one_PSN[pair], one_PST[pair]), (other_PUN[pair], other_PUT[pair]))
        counts_PTT[pair] = _decided(*sides)
    return counts_PTT


def _alike(one_PSN: Floats, other_PUN: Floats) -> npt.NDArray[np.bool_]:
    """Which two patterns reach the threshold of Jaccard similarity; two empty ones are the same."""
    both_PSU = one_PSN @ other_PUN.transpose(0, 2, 1)
    either_PSU = one_PSN.sum(axis=-1)[:, :, None] + other_PUN.sum(axis=-1)[:, None, :] - both_PSU
    similarity_PSU = np.ones_like(both_PSU)
    np.divide(both_PSU, either_PSU, out=similarity_PSU, where=either_PSU > 0)
    alike_PSU: npt.NDArray[np.bool_] = similarity_PSU >= THRESHOLD
    return alike_PSU


def _decided(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """T × T matched patterns of one pair; each side's ticks and types."""
    (sets_one, types_one), (sets_other, types_other) = _listed(*one), _listed(*other)
    matching = match_patterns(
        sets_one,
        sets_other,
        preferred={
            (i, j) for i, a in enumerate(types_one) for j, b in enumerate(types_other) if a == b
        },
    )
    counts_TT = np.zeros((len(TYPES), len(TYPES)))
    for pair in matching.pairs:
        counts_TT[types_one[pair.one], types_other[pair.other]] += 1
    return counts_TT


def _listed(ticks_SN: Floats, types_ST: Floats) -> tuple[list[frozenset[int]], list[int]]:
    """The patterns of one answer as sets, and their types' places."""
    slots, types = np.nonzero(types_ST)
    sets = [frozenset(np.flatnonzero(ticks_SN[slot]).tolist()) for slot in slots.tolist()]
    return sets, types.tolist()
