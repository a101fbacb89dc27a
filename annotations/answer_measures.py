"""What is measured of each answer, and of each key as the weighted mean of its answers.

A measure of type `shallow` counts shallow patterns and the prefixes that they cover, alone or with
semantic ones; `semantic` likewise; `any` counts both.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from annotations.answer_arrays import answer_arrays, category_counts
from annotations.answer_weights import KEY
from annotations.categories import ANSWER, BOTH, NOT_COVERED, submitted
from annotations.tables import SEMANTIC, SHALLOW

ANY = "any"
TYPES = (ANY, SHALLOW, SEMANTIC)
PATTERNS, WITH_PATTERN, COVERED = "patterns", "with pattern", "covered"
PREFIXES, SECONDS = "prefixes", "seconds"


def answer_measures(
    frames: Mapping[str, pd.DataFrame],
    *,
    wanted: Collection[str],
    counts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """A row for each submitted answer, sorted; columns ANSWER and what is wanted.

    `wanted` names some of PATTERNS and WITH_PATTERN (columns `patterns any` and so on), COVERED
    (`covered any` …, and PREFIXES) and SECONDS. Only COVERED needs prefixes and labels, or
    `counts`, which are `category_counts` of the same answers.
    """
    answers = submitted(frames["submissions"]).sort_values(ANSWER, ignore_index=True)
    parts = [answers[ANSWER]]
    if PATTERNS in wanted or WITH_PATTERN in wanted:
        parts.append(_patterns(frames["patterns"], answers[ANSWER]))
    if COVERED in wanted:
        if counts is None:
            counts = category_counts(answer_arrays(frames))
        parts.append(_covered(counts))
    if SECONDS in wanted:
        parts.append(answers[[SECONDS]].astype("float64"))
    return pd.concat(parts, axis=1)


def key_measures(answers: pd.DataFrame) -> pd.DataFrame:
    """The weighted sum of each measure over a key's answers: a row a key, sorted."""
    measures = [name for name in answers.columns if name not in (*ANSWER, "weight")]
    weighted = answers[measures].mul(answers["weight"], axis=0)
    return weighted.groupby([answers[name] for name in KEY]).sum()


def _patterns(patterns: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    rows = patterns[[*ANSWER, "type"]].merge(answers.assign(row=range(len(answers))), on=ANSWER)
    counts = {
        kind: np.bincount(rows.loc[rows["type"] == kind, "row"], minlength=len(answers))
        for kind in (SHALLOW, SEMANTIC)
    }
    counts[ANY] = counts[SHALLOW] + counts[SEMANTIC]
    found = {f"{PATTERNS} {kind}": counts[kind].astype("float64") for kind in TYPES}
    found |= {f"{WITH_PATTERN} {kind}": (counts[kind] > 0).astype("float64") for kind in TYPES}
    return pd.DataFrame(found)


def _covered(counts: pd.DataFrame) -> pd.DataFrame:
    both = counts[BOTH]
    found = {
        f"{COVERED} {ANY}": counts[SHALLOW] + counts[SEMANTIC] + both,
        f"{COVERED} {SHALLOW}": counts[SHALLOW] + both,
        f"{COVERED} {SEMANTIC}": counts[SEMANTIC] + both,
    }
    found[PREFIXES] = found[f"{COVERED} {ANY}"] + counts[NOT_COVERED]
    return pd.DataFrame(found)
