"""How many patterns of two answers match, and of which types: many pairs of answers at once.

`agreement.assign` decides, as in `agreement.match_patterns`. Where each pattern of one side that
has a candidate has a best one of its own, no other choice adds up to as much: such pairs of answers
are counted by matrix products, and only the others go to it. P pairs of answers with S and U slots
for patterns, N prefixes, T types; a slot without a pattern has no type.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from annotations.agreement import THRESHOLD, assign
from annotations.answers import TYPES
from annotations.chance_corrected import Floats

_UNLIKE = Fraction(0)  # as good as whatever is below the threshold


def matched_types(one_PSN: Floats, one_PST: Floats, other_PUN: Floats, other_PUT: Floats) -> Floats:
    """P × T × T: of the matched patterns of each pair, how many have which two types.

    Ticks and types are zeros and ones. Of equally good matchings, the one counts that keeps types
    together, as in adjudication.
    """
    there_PSU = one_PST.sum(axis=-1)[:, :, None] * other_PUT.sum(axis=-1)[:, None, :]
    both_PSU = one_PSN @ other_PUN.transpose(0, 2, 1)
    either_PSU = one_PSN.sum(axis=-1)[:, :, None] + other_PUN.sum(axis=-1)[:, None, :] - both_PSU
    similarity_PSU = np.ones_like(both_PSU)  # of two empty patterns, which are the same
    np.divide(both_PSU, either_PSU, out=similarity_PSU, where=either_PSU > 0)
    alike_PSU = (similarity_PSU >= THRESHOLD) * there_PSU
    found_PSU = similarity_PSU * alike_PSU
    by_one_PSU, by_other_PSU = (
        alike_PSU * (found_PSU == found_PSU.max(axis=side, keepdims=True, initial=0))
        for side in (2, 1)
    )
    torn_P = _torn(by_one_PSU)
    by_one_PSU[torn_P] = by_other_PSU[torn_P]
    torn_P &= _torn(by_other_PSU)
    counts_PTT: Floats = one_PST.transpose(0, 2, 1) @ by_one_PSU @ other_PUT
    for pair in np.flatnonzero(torn_P).tolist():
        similarities = [[_UNLIKE] * len(there) for there in there_PSU[pair]]
        for row, column in np.argwhere(alike_PSU[pair]).tolist():
            both, either = (
                int(sizes_PSU[pair, row, column]) for sizes_PSU in (both_PSU, either_PSU)
            )
            similarities[row][column] = Fraction(both, either) if either else Fraction(1)
        counts_PTT[pair] = _decided(similarities, one_PST[pair], other_PUT[pair])
    return counts_PTT


def _torn(best_PSU: Floats) -> npt.NDArray[np.bool_]:
    """Where a pattern is the best counterpart of two, or has two."""
    torn_P: npt.NDArray[np.bool_] = (best_PSU.sum(axis=2) > 1).any(axis=1) | (
        best_PSU.sum(axis=1) > 1
    ).any(axis=1)
    return torn_P


def _decided(similarities: list[list[Fraction]], one_ST: Floats, other_UT: Floats) -> Floats:
    """T × T matched patterns of one pair."""
    same_SU = one_ST @ other_UT.T
    preferred = {(row, column) for row, column in np.argwhere(same_SU).tolist()}
    counts_TT = np.zeros((len(TYPES), len(TYPES)))
    for row, column in assign(similarities, preferred=preferred):
        counts_TT += np.outer(one_ST[row], other_UT[column])
    return counts_TT
