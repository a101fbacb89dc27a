"""The bootstrap over keys: keys are drawn with replacement, because prefixes of one key are not
independent. Pure functions on arrays; the same seed gives the same numbers.

Shapes: K keys, M measured quantities, R rounds. What a round depends on is only how often each key
was drawn; rounds come in blocks, so that a large study does not hold R × K counts at once.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_INTERVAL = (2.5, 97.5)  # percentiles
_COUNTS_AT_ONCE = 8_000_000


def draws(keys: int, rounds: int, seed: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    """How often each of K ≥ 1 keys is drawn: blocks of rounds × keys, R rounds together."""
    random = np.random.default_rng(list(seed))
    even = np.full(keys, 1 / keys)
    at_once = max(1, _COUNTS_AT_ONCE // keys)
    for start in range(0, rounds, at_once):
        yield random.multinomial(keys, even, size=min(at_once, rounds - start))


def resampled_sums(values_KM: Floats, rounds: int, seed: Sequence[int]) -> Floats:
    """The sum of each quantity over the keys of each round: R × M."""
    blocks = [drawn_RK @ values_KM for drawn_RK in draws(len(values_KM), rounds, seed)]
    return np.concatenate([np.empty((0, values_KM.shape[1])), *blocks])


def resampled_medians(values_K: Floats, rounds: int, seed: Sequence[int]) -> Floats:
    """The median over the keys of each round: R."""
    keys = len(values_K)
    order = np.argsort(values_K, kind="stable")
    ascending_K = values_K[order]
    found = [np.empty(0)]
    for drawn_RK in draws(keys, rounds, seed):
        upto_RK = drawn_RK[:, order].cumsum(axis=1)
        # The two places in the middle, which are one where the number of keys is odd.
        lower_R = (upto_RK >= (keys + 1) // 2).argmax(axis=1)
        upper_R = (upto_RK >= keys // 2 + 1).argmax(axis=1)
        found.append((ascending_K[lower_R] + ascending_K[upper_R]) / 2)
    return np.concatenate(found)


def percentile_interval(values_R: Floats) -> tuple[Floats, Floats]:
    """The ends of the 95 % percentile interval, of each column if there are several."""
    low, high = np.percentile(values_R, _INTERVAL, axis=0)
    return low, high
