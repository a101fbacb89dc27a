"""The tables of a dataset that are computed from its labels: statistics and agreement.

They are computed from the frames as the dataset shows them, pseudonyms included, so that whoever
imports the dataset and exports it again computes the same numbers in the same order.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from annotations.agreement_table import agreement_pairs, agreement_table
from annotations.label_statistics import label_statistics
from annotations.statistics import layer_statistics
from exports.columns import AGREEMENT, AGREEMENT_PAIRS, LABEL_STATISTICS, STATISTICS

BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED = 1000, 0
Frames = Mapping[str, pd.DataFrame]


# File → what makes it, given the frames of `dataset_frames`. Machines count in none of them.
_MADE: dict[str, Callable[..., pd.DataFrame]] = {
    STATISTICS: layer_statistics,
    LABEL_STATISTICS: label_statistics,
    AGREEMENT: agreement_table,
    AGREEMENT_PAIRS: agreement_pairs,
}


def derived_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """The computed tables by file name."""
    return {
        name: make(frames, rounds=BOOTSTRAP_ROUNDS, seed=BOOTSTRAP_SEED)
        for name, make in _MADE.items()
    }
