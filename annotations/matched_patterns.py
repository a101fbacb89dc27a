"""How many patterns of each two answers to a key match, and of which types: all pairs at once.

`agreement.match_patterns` decides. Where each pattern is alike to one of the other answer at most,
its choice is plain and is counted by matrix products; only answers in which a pattern has several
candidates go to it. B permutations of the ticks, G patterns of A answers, N prefixes, T types.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.agreement import THRESHOLD, match_patterns
from annotations.answers import TYPES
from annotations.chance_corrected import Floats
from annotations.groupings import Places


@dataclass(frozen=True)
class KeyPatterns:
    """The patterns of all answers to one key, answer by answer."""

    answers: int
    owner_G: Places  # whose answer a pattern is in, ascending
    type_G: Places  # its place in TYPES
    ticks_GN: Floats  # 1 where it ticks a prefix


def matched_types(patterns: KeyPatterns, ticks_BGN: Floats) -> Floats:
    """B × A × A × T × T: of each two answers' matched patterns, how many have which two types.

    Only entries with the first answer before the second, in the order of answers, are meant. Of
    equally good matchings, the one counts that keeps types together, as in adjudication.
    """
    owner_G, type_G, answers = patterns.owner_G, patterns.type_G, patterns.answers
    alike_BGG = (_alike(ticks_BGN) & (owner_G[:, None] != owner_G)).astype(np.float64)
    owned_GA = np.eye(answers)[owner_G]
    typed_GX = np.eye(answers * len(TYPES))[owner_G * len(TYPES) + type_G]
    counts_BXX = typed_GX.T @ alike_BGG @ typed_GX
    shape = (len(ticks_BGN), answers, len(TYPES), answers, len(TYPES))
    counts_BAATT: Floats = counts_BXX.reshape(shape).transpose(0, 1, 3, 2, 4).copy()
    several_BGA = (alike_BGG @ owned_GA > 1).astype(np.float64)
    torn_BAA = owned_GA.T @ several_BGA > 0
    torn_BAA |= torn_BAA.transpose(0, 2, 1)
    for b, one, other in np.argwhere(np.triu(torn_BAA, k=1)).tolist():
        counts_BAATT[b, one, other] = _decided(patterns, ticks_BGN[b], one, other)
    return counts_BAATT


def _alike(ticks_BGN: Floats) -> npt.NDArray[np.bool_]:
    """Which two patterns reach the threshold of Jaccard similarity; two empty ones are the same."""
    both_BGG = ticks_BGN @ ticks_BGN.transpose(0, 2, 1)
    sizes_BG = ticks_BGN.sum(axis=-1)
    either_BGG = sizes_BG[:, :, None] + sizes_BG[:, None, :] - both_BGG
    similarity_BGG = np.ones_like(both_BGG)
    np.divide(both_BGG, either_BGG, out=similarity_BGG, where=either_BGG > 0)
    alike_BGG: npt.NDArray[np.bool_] = similarity_BGG >= THRESHOLD
    return alike_BGG


def _decided(patterns: KeyPatterns, ticks_GN: Floats, one: int, other: int) -> Floats:
    mine, theirs = (np.flatnonzero(patterns.owner_G == owner) for owner in (one, other))
    types_one, types_other = patterns.type_G[mine], patterns.type_G[theirs]
    matching = match_patterns(
        [frozenset(np.flatnonzero(ticks_GN[place]).tolist()) for place in mine],
        [frozenset(np.flatnonzero(ticks_GN[place]).tolist()) for place in theirs],
        preferred={(int(i), int(j)) for i, j in np.argwhere(types_one[:, None] == types_other)},
    )
    counts_TT = np.zeros((len(TYPES), len(TYPES)))
    for pair in matching.pairs:
        counts_TT[types_one[pair.one], types_other[pair.other]] += 1
    return counts_TT
