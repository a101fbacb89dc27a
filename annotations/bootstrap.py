"""Intervals by the percentile bootstrap over keys: prefixes of one key are not independent."""

import numpy as np
import numpy.typing as npt

PERCENTILES = (2.5, 97.5)  # of a 95 % interval


def key_draws(keys: int, rounds: int, seed: list[int]) -> npt.NDArray[np.int64]:
    """Rounds × keys: how often each key is drawn, with replacement, as many as there are keys.

    That is all that a weighted sum over keys depends on.
    """
    return np.random.default_rng(seed).multinomial(keys, np.full(keys, 1 / keys), size=rounds)


def interval(values_R: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the interval of a statistic's rounds; rounds without a value (NaN) do not count.

    NaN if no round has one.
    """
    known = values_R[~np.isnan(values_R)]
    if not known.size:
        return np.nan, np.nan
    low, high = np.percentile(known, PERCENTILES)
    return float(low), float(high)
