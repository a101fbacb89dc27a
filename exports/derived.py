"""The tables of a dataset that are computed from its labels: statistics and agreement.

They are computed from the frames as the dataset shows them, pseudonyms included, so that whoever
imports the dataset and exports it again computes the same numbers in the same order. Machines
count in none of them.
"""

from collections.abc import Callable, Iterator

import pandas as pd

from annotations.agreement_table import agreement_of
from annotations.answer_arrays import answer_arrays, category_counts
from annotations.bootstrap import Rounds
from annotations.frames import of_people
from annotations.label_statistics import label_statistics
from annotations.statistics import layer_statistics
from annotations.tables import GOLD
from exports.columns import AGREEMENT, AGREEMENT_PAIRS, LABEL_STATISTICS, STATISTICS

BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED = 1000, 0
DERIVED = (STATISTICS, LABEL_STATISTICS, AGREEMENT, AGREEMENT_PAIRS)
Progress = Callable[[str, int, int | None], object]  # stage, done, in all if that is known


def derived_tables(
    frames: dict[str, pd.DataFrame], progress: Progress
) -> Iterator[tuple[str, pd.DataFrame]]:
    """DERIVED one after the other; `frames` are taken out of the dictionary.

    They need to have those columns of `dataset_frames` that statistics read.
    """
    progress("statistics", 0, None)
    people = of_people(frames)
    frames.clear()
    arrays = answer_arrays(people, first=GOLD)
    counts = category_counts(arrays)
    del people["labels"], people["prefixes"]  # whose memory agreement needs
    drawn = Rounds(BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED)
    yield STATISTICS, layer_statistics(people, counts=counts, rounds=drawn)
    yield LABEL_STATISTICS, label_statistics(people, counts=counts, rounds=drawn)
    tables = agreement_of(arrays, drawn=drawn, progress=progress)
    yield from zip((AGREEMENT, AGREEMENT_PAIRS), tables, strict=True)
