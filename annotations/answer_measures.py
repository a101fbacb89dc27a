"""What is measured of each answer, and of each key as the weighted mean of its answers.

A measure of type `shallow` counts shallow patterns and the prefixes that they cover, alone or with
semantic ones; `semantic` likewise; `any` counts both.
"""

from collections.abc import Collection, Mapping

import pandas as pd

from annotations.answer_weights import KEY
from annotations.categories import (
    ANSWER,
    BOTH,
    NOT_COVERED,
    prefix_categories,
    submitted,
)
from annotations.tables import SEMANTIC, SHALLOW

ANY = "any"
TYPES = (ANY, SHALLOW, SEMANTIC)
PATTERNS, WITH_PATTERN, COVERED = "patterns", "with pattern", "covered"
PREFIXES, SECONDS = "prefixes", "seconds"


def answer_measures(frames: Mapping[str, pd.DataFrame], *, wanted: Collection[str]) -> pd.DataFrame:
    """A row for each submitted answer, sorted; columns ANSWER and what is wanted.

    `wanted` names some of PATTERNS and WITH_PATTERN (columns `patterns any` and so on), COVERED
    (`covered any` …, and PREFIXES) and SECONDS. Only COVERED needs prefixes and labels.
    """
    answers = submitted(frames["submissions"]).sort_values(ANSWER, ignore_index=True)
    parts = [answers[ANSWER]]
    places = pd.MultiIndex.from_frame(answers[ANSWER])
    if PATTERNS in wanted or WITH_PATTERN in wanted:
        parts.append(_patterns(frames["patterns"], places))
    if COVERED in wanted:
        parts.append(_covered(frames, places))
    if SECONDS in wanted:
        parts.append(answers[[SECONDS]].astype("float64"))
    return pd.concat(parts, axis=1)


def key_measures(answers: pd.DataFrame) -> pd.DataFrame:
    """The weighted sum of each measure over a key's answers: a row a key, sorted."""
    measures = [name for name in answers.columns if name not in (*ANSWER, "weight")]
    weighted = answers[measures].mul(answers["weight"], axis=0)
    return weighted.groupby([answers[name] for name in KEY]).sum()


def _patterns(patterns: pd.DataFrame, places: pd.MultiIndex) -> pd.DataFrame:
    counts = pd.crosstab([patterns[name] for name in ANSWER], patterns["type"])
    counts = counts.reindex(index=places, columns=[SHALLOW, SEMANTIC], fill_value=0)
    counts = counts.fillna(0).reset_index(drop=True)
    counts[ANY] = counts.sum(axis=1)
    found = {f"{PATTERNS} {kind}": counts[kind].astype("float64") for kind in TYPES}
    found |= {f"{WITH_PATTERN} {kind}": (counts[kind] > 0).astype("float64") for kind in TYPES}
    return pd.DataFrame(found)


def _covered(frames: Mapping[str, pd.DataFrame], places: pd.MultiIndex) -> pd.DataFrame:
    tables = (frames[name] for name in ("prefixes", "submissions", "patterns", "labels"))
    rows = prefix_categories(*tables)
    category = rows["category"]
    marked = pd.DataFrame(
        {
            f"{COVERED} {ANY}": category != NOT_COVERED,
            f"{COVERED} {SHALLOW}": category.isin([SHALLOW, BOTH]),
            f"{COVERED} {SEMANTIC}": category.isin([SEMANTIC, BOTH]),
            PREFIXES: True,
        }
    ).astype("float64")
    summed = marked.groupby([rows[name] for name in ANSWER]).sum()
    return summed.reindex(places, fill_value=0.0).reset_index(drop=True)
