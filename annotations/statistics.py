"""What the labels add up to: figure 2 per layer, and the paper's headline numbers. Pure functions
on a dataset's tables (`annotations.frames.dataset_frames`, or the same CSV files read back).

How much an answer counts: a key counts once. Its submitted answers share that equally, unless an
annotator called `gold` answered it; then that answer alone counts. Drafts never count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from annotations.bootstrap import interval, key_draws
from annotations.categories import ANSWER, CATEGORIES, NOT_COVERED, prefix_categories, submitted
from annotations.tables import GOLD

_KEY = ["layer", "key"]


@dataclass(frozen=True)
class Headline:
    """The paper's summary of its annotation (section 3.2). Shares are None without an answer."""

    keys: int  # with an answer that counts
    keys_with_pattern_share: float | None
    patterns_per_key: float | None
    covered_share: float | None  # of trigger prefixes in at least one pattern
    annotators: int  # whose answers count


def counted_answers(submissions: pd.DataFrame) -> pd.DataFrame:
    """The answers that count: columns layer, key, annotator, weight, sorted so.

    The weights of one key's answers add up to 1.
    """
    answers = submitted(submissions)[ANSWER].sort_values(ANSWER, ignore_index=True)
    gold = answers["annotator"] == GOLD
    settled = pd.MultiIndex.from_frame(answers.loc[gold, _KEY])
    answers = answers[gold | ~pd.MultiIndex.from_frame(answers[_KEY]).isin(settled)]
    shared_by = answers.groupby(_KEY)["annotator"].transform("size").astype("float64")
    return answers.assign(weight=1 / shared_by)


def layer_statistics(
    frames: Mapping[str, pd.DataFrame], *, rounds: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Figure 2: per layer, how many and which share of trigger prefixes is in each category.

    Columns: layer, category, prefixes (weighted count), share, ci_low, ci_high, keys, annotators.
    A layer with an answer has one row for each of CATEGORIES, in their order; others have none. The
    interval is the 95 % percentile bootstrap over keys, because prefixes of one key are not
    independent; with a single key it is undefined (NaN).
    """
    answers = counted_answers(frames["submissions"])
    per_key = _prefixes_per_key(frames, answers)
    rows = []
    for layer in per_key.index.unique("layer").tolist():
        own = per_key.xs(layer, level="layer")
        totals_C = own.sum().to_numpy()
        low_C, high_C = _interval(own.to_numpy(), rounds, [seed, layer])
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


def headline(frames: Mapping[str, pd.DataFrame]) -> Headline:
    """The share of keys with a pattern, patterns per key, and the share of covered prefixes."""
    answers = counted_answers(frames["submissions"])
    if answers.empty:
        return Headline(0, None, None, None, 0)
    per_key = _prefixes_per_key(frames, answers)
    counts = frames["patterns"].groupby(ANSWER).size().rename("patterns").reset_index()
    found = answers.merge(counts, on=ANSWER, how="left").fillna({"patterns": 0})
    keys = len(per_key)
    return Headline(
        keys=keys,
        keys_with_pattern_share=float(found["weight"] @ (found["patterns"] > 0)) / keys,
        patterns_per_key=float(found["weight"] @ found["patterns"]) / keys,
        covered_share=1 - float(per_key[NOT_COVERED].sum() / per_key.to_numpy().sum()),
        annotators=found["annotator"].nunique(),
    )


def _prefixes_per_key(frames: Mapping[str, pd.DataFrame], answers: pd.DataFrame) -> pd.DataFrame:
    """The weighted number of prefixes in each category: a row a key, a column a category."""
    tables = (frames[name] for name in ("prefixes", "submissions", "patterns", "labels"))
    weighted = prefix_categories(*tables).merge(answers, on=ANSWER)
    return (
        weighted.pivot_table(index=_KEY, columns="category", values="weight", aggfunc="sum")
        .reindex(columns=list(CATEGORIES))
        .fillna(0.0)
    )


def _interval(
    prefixes_KC: npt.NDArray[np.float64], rounds: int, seed: list[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the shares' interval, from keys drawn with replacement; K keys, C categories."""
    keys, categories = prefixes_KC.shape
    if keys < 2:
        undefined_C = np.full(categories, np.nan)
        return undefined_C, undefined_C
    sums_RC = key_draws(keys, rounds, seed) @ prefixes_KC
    shares_RC = sums_RC / sums_RC.sum(axis=1, keepdims=True)
    return interval(shares_RC)
