"""Whether a share rises or falls with the layer: Kendall's tau-b, its p-value and its interval.

The units are keys, not prefixes. tau-b (Kendall 1945, "The treatment of ties in ranking problems",
Biometrika 33) compares every two keys of different layers: +1 where the upper one always has the
larger share, −1 where it always has the smaller one, 0 without a trend; it needs no straight line,
and corrects for the many ties. The p-value is two-sided, from layers shuffled over the keys, and
counts the data as one of the shuffles, so that it is never 0 (Phipson and Smyth 2010, "Permutation
p-values should never be zero", SAGMB 9). The interval is the percentile bootstrap over keys.

Keys are counted in a table of layers × distinct shares: thousands of rounds cost little, whereas
`scipy.stats.kendalltau` would sort all keys again in each. The tests compare the two.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.bootstrap import Rounds, interval

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_DIGITS = 9  # shares that differ by less are the same one, rounded differently
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Trend:
    """tau is between −1 and 1. `left_out` rounds of the bootstrap had no tau (all keys alike)."""

    tau: float
    p: float
    low: float
    high: float
    left_out: int


def share_trend(
    layers_K: npt.NDArray[np.int64], shares_K: Floats, *, drawn: Rounds, stream: int
) -> Trend | str:
    """The trend of keys' shares over their layers, or in words why there is none to compute."""
    rows_K, layers = _codes(layers_K)
    columns_K, shares = _codes(np.round(shares_K, _DIGITS))
    if layers < 2:
        return "the answers are in fewer than two layers"
    if shares < 2:
        return "every key has the same share of semantic prefixes"
    shape = (layers, shares)
    table_LS = np.bincount(rows_K * shares + columns_K, minlength=layers * shares).reshape(shape)
    surplus, tau = _tau_b(table_LS[None])
    extreme = _as_extreme(rows_K, columns_K, shape, abs(int(surplus[0])), drawn, stream)
    drawn_R = _resampled(rows_K * shares + columns_K, shape, drawn, stream)
    low_1, high_1 = interval(drawn_R[:, None])
    p = (1 + extreme) / (1 + drawn.number)
    left_out = int(np.isnan(drawn_R).sum())
    return Trend(float(tau[0]), p, float(low_1[0]), float(high_1[0]), left_out)


def _codes(values_K: npt.NDArray[np.generic]) -> tuple[Counts, int]:
    """Each value's place among the distinct ones, ascending, and how many of those there are."""
    distinct, codes_K = np.unique(values_K, return_inverse=True)
    return codes_K.astype(np.int64), len(distinct)


def _tau_b(tables_RLS: Counts) -> tuple[Counts, Floats]:
    """Of each table: concordant minus discordant pairs, and tau-b (NaN where all are tied)."""
    tables = tables_RLS.astype(np.int64)
    below = np.zeros_like(tables)  # keys of lower layers, by share
    below[:, 1:] = tables.cumsum(axis=1)[:, :-1]
    less = np.zeros_like(tables)  # those of them with a smaller share
    less[:, :, 1:] = below.cumsum(axis=2)[:, :, :-1]
    more = below.sum(axis=2, keepdims=True) - less - below
    surplus_R = (tables * (less - more)).sum(axis=(1, 2))
    untied = [_pairs(tables.sum(axis=(1, 2)))] * 2
    for side, axis in enumerate((2, 1)):
        untied[side] = untied[side] - _pairs(tables.sum(axis=axis)).sum(axis=1)
    scale_R = np.sqrt(untied[0].astype(np.float64)) * np.sqrt(untied[1].astype(np.float64))
    tau_R = np.full(len(tables), np.nan)
    np.divide(surplus_R, scale_R, out=tau_R, where=scale_R > 0)
    return surplus_R, tau_R


def _pairs(count: Counts) -> Counts:
    return count * (count - 1) // 2


def _as_extreme(
    rows_K: Counts,
    columns_K: Counts,
    shape: tuple[int, int],
    bar: int,
    drawn: Rounds,
    stream: int,
) -> int:
    """How many shuffles have a surplus as far from 0; ties are the same in all, so it decides."""
    size = shape[0] * shape[1]
    small_K = rows_K.astype(np.min_scalar_type(shape[0]))  # which are shuffled faster
    found = 0
    for shuffled_RK in drawn.shuffles(small_K, stream):
        at_once = max(1, _CELLS_AT_ONCE // size)
        for start in range(0, len(shuffled_RK), at_once):
            cells_RK = shuffled_RK[start : start + at_once].astype(np.int64) * shape[1] + columns_K
            cells_RK += np.arange(len(cells_RK))[:, None] * size
            counted = np.bincount(cells_RK.ravel(), minlength=len(cells_RK) * size)
            surplus_R, _ = _tau_b(counted.reshape(-1, *shape))
            found += int((np.abs(surplus_R) >= bar).sum())
    return found


def _resampled(cells_K: Counts, shape: tuple[int, int], drawn: Rounds, stream: int) -> Floats:
    """tau-b of each round's keys."""
    size = shape[0] * shape[1]
    found = [np.empty(0)]
    at_once = max(1, _CELLS_AT_ONCE // size)
    for drawn_RK in drawn.draws(len(cells_K), stream):
        for start in range(0, len(drawn_RK), at_once):
            block_RK = drawn_RK[start : start + at_once]
            tables = [np.bincount(cells_K, weights=row, minlength=size) for row in block_RK]
            counted = np.stack(tables).astype(np.int64).reshape(-1, *shape)
            found.append(_tau_b(counted)[1])
    return np.concatenate(found)
