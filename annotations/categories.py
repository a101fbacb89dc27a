"""From ticks to the four categories of a prefix (paper, section 3 and figure 2)."""

from collections.abc import Collection

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
