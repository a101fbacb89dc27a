"""From ticks to the four categories of a prefix (paper, section 3 and figure 2)."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from annotations.tables import DRAFT, SEMANTIC, SHALLOW

BOTH = f"{SHALLOW}+{SEMANTIC}"
NOT_COVERED = "not covered"
CATEGORIES = (SHALLOW, SEMANTIC, BOTH, NOT_COVERED)  # in the paper's order

ANSWER = ["layer", "key", "annotator"]  # the columns that name one annotator's answer for one key


def category(types: Collection[str]) -> str:
    """The category of a prefix whose ticked patterns have these types."""
    if SHALLOW in types:
        return BOTH if SEMANTIC in types else SHALLOW
    return SEMANTIC if SEMANTIC in types else NOT_COVERED


def submitted(submissions: pd.DataFrame) -> pd.DataFrame:
    """The rows of a dataset's submissions that are not drafts; "no pattern" is an answer too."""
    return submissions[submissions["status"] != DRAFT]


def prefix_categories(
    prefixes: pd.DataFrame,
    submissions: pd.DataFrame,
    patterns: pd.DataFrame,
    labels: pd.DataFrame,
) -> pd.DataFrame:
    """The category that each annotator gave to each prefix of each key they submitted.

    Takes four tables of the dataset. Returns one row a prefix and answer,
    `not covered` included, with columns layer, key, annotator, rank, category; sorted so.
    """
    asked = submitted(submissions)[ANSWER].merge(
        prefixes[["layer", "key", "rank"]], on=["layer", "key"]
    )
    ticked = labels.merge(patterns[[*ANSWER, "pattern", "type"]], on=[*ANSWER, "pattern"])
    place = [*ANSWER, "rank"]
    rows = pd.MultiIndex.from_frame(asked[place])
    has = {
        kind: rows.isin(pd.MultiIndex.from_frame(ticked.loc[ticked["type"] == kind, place]))
        for kind in (SHALLOW, SEMANTIC)
    }
    chosen = np.select(
        [has[SHALLOW] & has[SEMANTIC], has[SHALLOW], has[SEMANTIC]],
        [BOTH, SHALLOW, SEMANTIC],
        NOT_COVERED,
    )
    found = asked[place].assign(category=pd.Series(chosen, index=asked.index, dtype="str"))
    return found.sort_values(place, ignore_index=True)
