"""Intervals by the percentile bootstrap over keys: prefixes of one key are not independent."""

import numpy as np
import numpy.typing as npt

PERCENTILES = (2.5, 97.5)  # of a 95 % interval


def key_draws(keys: int, rounds: int, seed: list[int]) -> npt.NDArray[np.int64]:
    """Rounds × keys: how often each key is drawn, with replacement, as many as there are keys.

    That is all that a weighted sum over keys depends on.
    """
    return np.random.default_rng(seed).multinomial(keys, np.full(keys, 1 / keys), size=rounds)


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
