"""Intervals by the percentile bootstrap over keys: prefixes of one key are not independent.

Shapes: K keys, M statistics, R rounds. Rounds come in blocks, so that a large study does not hold
R × K numbers of eight bytes at once.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer]
PERCENTILES = (2.5, 97.5)  # of a 95 % interval
_COUNTS_AT_ONCE = 500_000
COUNTS_KEPT = 64_000_000  # of a byte each
ALL_LAYERS = 1 << 20  # the random stream of keys of all layers; a layer's keys have its number
_RUN = 64  # keys that are counted together on the way to a median


class Rounds:
    """So many rounds of random streams, block by block; the same each time.

    What was made is kept for the next who asks for it, up to COUNTS_KEPT: statistics of as many
    keys of the same layers have the same draws, whatever they are and whoever answered.
    """

    def __init__(self, number: int, seed: int) -> None:
        assert number > 0, "an interval needs a round"
        self.number = number
        self.seed = seed
        self._made: dict[Hashable, list[Counts]] = {}

    @classmethod
    def of(cls, rounds: "int | Rounds", seed: int) -> "Rounds":
        """So many rounds, or those that are there already."""
        return rounds if isinstance(rounds, Rounds) else cls(rounds, seed)

    def draws(self, keys: int, stream: int) -> Iterable[Counts]:
        """Rounds × keys: how often each key is drawn, with replacement, as many as there are keys.

        That is all that a weighted sum over keys depends on.
        """
        make = partial(_draws, keys, self.number, [self.seed, stream])
        return self._kept(("draws", keys, stream), keys, make)

    def shuffles(self, codes_K: Counts, stream: int) -> Iterable[Counts]:
        """Rounds × keys: the codes, which are bytes, in random orders."""
        # Not 0: zeros behind a seed change nothing of what NumPy makes of it, and draws have none.
        make = partial(_shuffles, codes_K, self.number, [self.seed, stream, 1])
        return self._kept(("shuffles", codes_K.tobytes(), stream), len(codes_K), make)

    def _kept(
        self, name: Hashable, keys: int, make: Callable[[], Iterator[Counts]]
    ) -> Iterable[Counts]:
        room = COUNTS_KEPT - keys * self.number
        if room < 0:
            return make()
        if name not in self._made:
            if sum(block.size for made in self._made.values() for block in made) > room:
                self._made.clear()
            self._made[name] = list(make())
        return self._made[name]


def _blocks(keys: int, rounds: int) -> Iterator[int]:
    """How many rounds there are in each block."""
    at_once = max(1, _COUNTS_AT_ONCE // keys)
    for start in range(0, rounds, at_once):
        yield min(at_once, rounds - start)


def _draws(keys: int, rounds: int, seed: list[int]) -> Iterator[Counts]:
    random = np.random.default_rng(seed)
    for block in _blocks(keys, rounds):
        drawn_RK = random.integers(keys, size=(block, keys), dtype=np.uint32)
        drawn_RK += np.arange(block, dtype=np.uint32)[:, None] * np.uint32(keys)
        counts_RK = np.bincount(drawn_RK.ravel(), minlength=block * keys).reshape(block, keys)
        yield counts_RK.astype(np.uint8)  # no key ever is drawn 256 times: the odds are 1 to 256!


def _shuffles(codes_K: Counts, rounds: int, seed: list[int]) -> Iterator[Counts]:
    random = np.random.default_rng(seed)
    for block in _blocks(len(codes_K), rounds):
        yield random.permuted(np.tile(codes_K, (block, 1)), axis=1)


def resampled_sums(
    values_KM: npt.NDArray[np.float64], draws: Iterable[Counts]
) -> npt.NDArray[np.float64]:
    """R × M: the sum of each statistic over the keys of each round."""
    blocks = [drawn_RK @ values_KM for drawn_RK in draws]
    return np.concatenate([np.empty((0, values_KM.shape[1])), *blocks])


def resampled_medians(
    values_K: npt.NDArray[np.float64], draws: Iterable[Counts]
) -> npt.NDArray[np.float64]:
    """R × 1: the median over the keys of each round."""
    keys = len(values_K)
    order = np.argsort(values_K, kind="stable")
    ascending_K = values_K[order]
    found = [np.empty(0)]
    for drawn_RK in draws:
        sorted_RK = drawn_RK[:, order]
        # The two places in the middle, which are one where the number of keys is odd.
        lower_R = _reached(sorted_RK, (keys + 1) // 2)
        upper_R = _reached(sorted_RK, keys // 2 + 1)
        found.append((ascending_K[lower_R] + ascending_K[upper_R]) / 2)
    return np.concatenate(found)[:, None]


def _reached(counts_RK: Counts, total: int) -> npt.NDArray[np.int64]:
    """In each row, the first place up to which the counts add up to so many."""
    runs = np.arange(0, counts_RK.shape[1], _RUN)
    upto_RX = np.add.reduceat(counts_RK, runs, axis=1, dtype=np.int64).cumsum(axis=1)
    run_R1 = (upto_RX >= total).argmax(axis=1)[:, None]
    places_RY = np.minimum(run_R1 * _RUN + np.arange(_RUN), counts_RK.shape[1] - 1)
    within_RY = np.take_along_axis(counts_RK, places_RY, axis=1).cumsum(axis=1, dtype=np.int64)
    before_R1 = np.where(run_R1 > 0, np.take_along_axis(upto_RX, run_R1 - 1, axis=1), 0)
    found: npt.NDArray[np.int64] = run_R1[:, 0] * _RUN + (within_RY >= total - before_R1).argmax(
        axis=1
    )
    return found


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
