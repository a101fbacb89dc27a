"""Which keys of a layer are put before people: one seeded order, for all who need it.

Mining stores more of these keys (`shade`), annotations shows them; both have to mean the same ones.
Pure numpy.
"""

import numpy as np
import numpy.typing as npt

FEWEST_TRIGGERS = 3  # paper, section 3: no pattern can occur in fewer prefixes


def sampled_keys(candidates: npt.NDArray[np.int64], layer: int, seed: int) -> npt.NDArray[np.int64]:
    """All candidates in the order they are drawn in; the first n of it are a sample of n.

    `candidates` are the layer's keys with at least FEWEST_TRIGGERS positive triggers, ascending.
    The order depends on them, the seed and the layer alone, and a larger sample contains every
    smaller one.
    """
    drawn = np.random.default_rng([seed, layer]).permutation(len(candidates))
    return candidates[drawn]
