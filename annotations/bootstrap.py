"""Intervals by the percentile bootstrap over keys: prefixes of one key are not independent.

Shapes: K keys, M statistics, R rounds. Where only sums or medians are wanted, rounds come in
blocks, so that a large study does not hold R × K counts at once.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

PERCENTILES = (2.5, 97.5)  # of a 95 % interval
_COUNTS_AT_ONCE = 8_000_000
# Above so many keys, each draw is made by itself, which is many times faster there than to split up
# the draws over the keys. Below, the older way stays: studies of that size keep their intervals.
_MANY_KEYS = 1_000


def key_draws(keys: int, rounds: int, seed: list[int]) -> npt.NDArray[np.int64]:
    """Rounds × keys: how often each key is drawn, with replacement, as many as there are keys.

    That is all that a weighted sum over keys depends on.
    """
    none = np.empty((0, keys), dtype=np.int64)
    return np.concatenate([none, *blocks_of_draws(keys, rounds, seed)])


def blocks_of_draws(keys: int, rounds: int, seed: list[int]) -> Iterator[npt.NDArray[np.int64]]:
    """The same rounds, some at a time."""
    random = np.random.default_rng(seed)
    even = np.full(keys, 1 / keys)
    at_once = max(1, _COUNTS_AT_ONCE // keys)
    for start in range(0, rounds, at_once):
        block = min(at_once, rounds - start)
        if keys < _MANY_KEYS:
            yield random.multinomial(keys, even, size=block)
            continue
        drawn_RK = random.integers(keys, size=(block, keys))
        drawn_RK += np.arange(block)[:, None] * keys
        yield np.bincount(drawn_RK.ravel(), minlength=block * keys).reshape(block, keys)


def resampled_sums(
    values_KM: npt.NDArray[np.float64], rounds: int, seed: list[int]
) -> npt.NDArray[np.float64]:
    """R × M: the sum of each statistic over the keys of each round."""
    blocks = [drawn_RK @ values_KM for drawn_RK in blocks_of_draws(len(values_KM), rounds, seed)]
    return np.concatenate([np.empty((0, values_KM.shape[1])), *blocks])


def resampled_medians(
    values_K: npt.NDArray[np.float64], rounds: int, seed: list[int]
) -> npt.NDArray[np.float64]:
    """R × 1: the median over the keys of each round."""
    keys = len(values_K)
    order = np.argsort(values_K, kind="stable")
    ascending_K = values_K[order]
    found = [np.empty(0)]
    for drawn_RK in blocks_of_draws(keys, rounds, seed):
        upto_RK = drawn_RK[:, order].cumsum(axis=1)
        # The two places in the middle, which are one where the number of keys is odd.
        lower_R = (upto_RK >= (keys + 1) // 2).argmax(axis=1)
        upper_R = (upto_RK >= keys // 2 + 1).argmax(axis=1)
        found.append((ascending_K[lower_R] + ascending_K[upper_R]) / 2)
    return np.concatenate(found)[:, None]


def interval(
    values_RM: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the intervals of M statistics; rounds without a value (NaN) do not count.

    NaN where no round has one.
    """
    known_RM = ~np.isnan(values_RM)
    whole_M = known_RM.all(axis=0)
    low_M, high_M = np.full((2, values_RM.shape[1]), np.nan)
    low_M[whole_M], high_M[whole_M] = np.percentile(values_RM[:, whole_M], PERCENTILES, axis=0)
    for column in np.flatnonzero(~whole_M & known_RM.any(axis=0)):
        known = values_RM[known_RM[:, column], column]
        low_M[column], high_M[column] = np.percentile(known, PERCENTILES)
    return low_M, high_M
