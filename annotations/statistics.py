"""What the labels add up to: figure 2 per layer. Pure functions on a dataset's tables
(`annotations.frames.dataset_frames`, or the same CSV files read back).

`answer_weights.py` says how much an answer counts. Machines' answers are left out unless asked for.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from annotations.answer_arrays import answer_arrays, category_counts
from annotations.answer_weights import KEY, Policy, counted_answers
from annotations.bootstrap import Rounds, interval, resampled_sums
from annotations.categories import ANSWER, CATEGORIES
from annotations.frames import of_people


def layer_statistics(
    frames: Mapping[str, pd.DataFrame],
    *,
    rounds: int | Rounds = 1000,
    seed: int = 0,
    policy: Policy = "gold",
    machines: bool = False,
    counts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Figure 2: per layer, how many and which share of trigger prefixes is in each category.

    Columns: layer, category, prefixes (weighted count), share, ci_low, ci_high, keys, annotators.
    A layer with an answer has one row for each of CATEGORIES, in their order; others have none. The
    interval is the 95 % percentile bootstrap over keys; with a single key it is undefined (NaN).
    Whoever has `category_counts` of the same answers already may give them as `counts`; `rounds`
    that others use, too, have a seed of their own.
    """
    frames = frames if machines else of_people(frames)
    answers = counted_answers(frames["submissions"], policy)
    if counts is None:
        counts = category_counts(answer_arrays(frames))
    per_key = _prefixes_per_key(counts, answers)
    drawn = Rounds.of(rounds, seed)
    rows = []
    for layer in per_key.index.unique("layer").tolist():
        own = per_key.xs(layer, level="layer")
        totals_C = np.ascontiguousarray(own.to_numpy()).sum(axis=0)  # key by key, in their order
        low_C, high_C = _interval(own.to_numpy(), drawn, layer)
        people = answers.loc[answers["layer"] == layer, "annotator"].nunique()
        for place, category in enumerate(CATEGORIES):
            share = totals_C[place] / totals_C.sum()
            found = (layer, category, totals_C[place], share, low_C[place], high_C[place])
            rows.append((*found, len(own), people))
    types = {
        "layer": "int64",
        "category": "str",
        **dict.fromkeys(("prefixes", "share", "ci_low", "ci_high"), "float64"),
        "keys": "int64",
        "annotators": "int64",
    }
    return pd.DataFrame(rows, columns=list(types), dtype="object").astype(types)


def _prefixes_per_key(counts: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """The weighted number of prefixes in each category: a row a key, a column a category."""
    weighted = counts.merge(answers, on=ANSWER)
    keys = weighted.groupby(KEY)
    # The answers that count to a key weigh the same: one multiplication rounds least.
    per_key = keys[list(CATEGORIES)].sum().mul(keys["weight"].first(), axis=0)
    return per_key[per_key.sum(axis=1) > 0]


def _interval(
    prefixes_KC: npt.NDArray[np.float64], drawn: Rounds, layer: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the shares' interval; K keys, C categories, R rounds."""
    keys, categories = prefixes_KC.shape
    if keys < 2:
        undefined_C = np.full(categories, np.nan)
        return undefined_C, undefined_C
    sums_RC = resampled_sums(prefixes_KC, drawn.draws(keys, layer))
    return interval(sums_RC / sums_RC.sum(axis=1, keepdims=True))
