"""Agreement on which prefixes belong together, whatever the patterns are called. Arrays only.

A grouping is the patterns of one answer. All that omega and B-cubed look at is, for each two
items, the number of patterns that hold both: the matrix `together`, with an item's own number of
patterns on its diagonal. A annotators, P pairs of them, N items.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from annotations.chance_corrected import Floats, ratio

Places = npt.NDArray[np.int64]
_MOST_EXACT = 20  # patterns that hold the same two items; with more, shares are rounded


def together(patterns: Sequence[frozenset[int]], items: int) -> Floats:
    """N × N: in how many patterns each two of the items 0 … items − 1 are together."""
    ticks_GN = np.zeros((len(patterns), items))
    for place, pattern in enumerate(patterns):
        ticks_GN[place, list(pattern)] = 1
    return ticks_GN.T @ ticks_GN


def omega_of(together_ANN: Floats, one_P: Places, other_P: Places) -> Floats:
    """Omega (Collins and Dent 1988) of pairs of annotators; NaN where chance agrees fully.

    Two agree on a pair of items that is together in as many patterns of the one as of the other.
    """
    items = together_ANN.shape[-1]
    rows, columns = np.triu_indices(items, k=1)
    most = int(together_ANN.max(initial=0))
    # T pairs of items, in as few bytes as hold them: most of the time goes into moving them.
    together_AT = together_ANN[:, rows, columns].astype(np.min_scalar_type(most))
    total = len(rows)
    counts_AJ = np.stack([(together_AT == j).sum(axis=1) for j in range(most + 1)], axis=1)
    agreed_P = (together_AT[one_P] == together_AT[other_P]).sum(axis=1)
    by_chance_P = (counts_AJ[one_P] * counts_AJ[other_P]).sum(axis=1)
    return ratio((total * agreed_P - by_chance_P) * 1.0, (total**2 - by_chance_P) * 1.0)


def bcubed_of(together_ANN: Floats, one_P: Places, other_P: Places) -> tuple[Floats, Floats]:
    """Extended B-cubed precision and recall (Amigó et al. 2009) of `other` against `one`.

    Precision is NaN where `other` has no item in a pattern, recall where `one` has none.
    """
    most, items = int(together_ANN.max(initial=1)), together_ANN.shape[-1]
    # A share is a whole number of this unit's parts, so that float32 adds shares up exactly.
    unit = math.lcm(*range(1, min(most, _MOST_EXACT) + 1))
    kind = np.dtype(np.float32 if unit * items <= 1 << 24 else np.float64)
    counts_ANN: Floats = together_ANN.astype(kind)
    ones_N: Floats = np.ones(items, kind)
    shared_PNN = counts_ANN[one_P]
    np.minimum(shared_PNN, counts_ANN[other_P], out=shared_PNN)
    neighbours_AN = ((counts_ANN > 0).astype(kind) @ ones_N).astype(np.float64)
    # Of what is never together nothing is shared: 0 / 1. To divide only elsewhere is far slower.
    parts_ANN = kind.type(unit) / np.maximum(counts_ANN, 1)

    def kept(judged_P: Places) -> Floats:
        shares_PNN = parts_ANN[judged_P]
        shares_PNN *= shared_PNN
        shares_PN = (shares_PNN @ ones_N).astype(np.float64) / unit
        return _kept(shares_PN, neighbours_AN[judged_P])

    return kept(other_P), kept(one_P)


def harmonic_mean(precision_P: Floats, recall_P: Floats) -> Floats:
    """F of precision and recall: 0 where one of the two does not exist, NaN where neither does."""
    precision_P, recall_P = np.broadcast_arrays(precision_P, recall_P)
    mean_P = ratio(2 * precision_P * recall_P, precision_P + recall_P)
    neither_P = np.isnan(precision_P) & np.isnan(recall_P)
    return np.where(neither_P, np.nan, np.nan_to_num(mean_P, nan=0.0))


def _kept(shares_PN: Floats, neighbours_PN: Floats) -> Floats:
    """The mean share of the judged patterns' togetherness that is shared: over neighbours first."""
    per_item_PN = ratio(shares_PN, neighbours_PN)
    grouped_PN = ~np.isnan(per_item_PN)
    return ratio(np.nan_to_num(per_item_PN).sum(axis=-1), grouped_PN.sum(axis=-1) * 1.0)
