"""Rows as the database gives them, as columns: typed, sorted, and the same when there are none.

They are sorted here and not by the database, because databases sort names by collations of their
own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

BETWEEN_RANKS = ","  # of a pattern's ticks, as the database strings them together
_PLACE = {"layer": "int64", "key": "int64"}
_ANSWER = {**_PLACE, "annotator": "str"}
# Column types. Coefficients are stored as the 32-bit numbers that mining computed.
COLUMNS = {
    "keys": {"run": "str", "model": "str", **_PLACE, "active_share": "float32"},
    "prefixes": {
        **_PLACE,
        "rank": "int64",
        "coefficient": "float32",
        "prefix": "str",
        "next_token": "str",
        "sentence_id": "int64",
        "position": "int64",
        "token_ends": "str",
    },
    "annotators": {"annotator": "str", "kind": "str"},
    "submissions": {
        **_ANSWER,
        "status": "str",
        "submitted_at": "datetime64[us, UTC]",
        "seconds": "float64",
        "guideline_version": "str",
    },
    "patterns": {**_ANSWER, "pattern": "int64", "type": "str", "description": "str"},
    "labels": {**_ANSWER, "pattern": "int64", "rank": "int64"},
}


def frame_of(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """One of COLUMNS. `labels` come a row a pattern: the ranks that it ticks as a text, or None."""
    columns = COLUMNS[name]
    frame = _typed(name, rows)
    if "token_ends" in frame.columns:
        apart = frame["token_ends"].str.strip("[]").str.replace(",", " ", regex=False)
        frame["token_ends"] = apart.str.replace("  ", " ", regex=False)
    order = [name for name in ("layer", "key", "annotator", "pattern", "rank") if name in columns]
    by = frame[order]
    if "annotator" in columns:  # whole numbers sort many times faster than names
        codes, names = pd.factorize(by["annotator"])
        by = by.assign(annotator=names.argsort().argsort()[codes] if len(names) else codes)
    return frame.take(by.sort_values(order).index).reset_index(drop=True)


def _typed(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    columns = COLUMNS[name]
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    if name == "labels":
        return _ticks(*values)
    return pd.DataFrame(
        {
            column: _column(list(cells), type_)
            for (column, type_), cells in zip(columns.items(), values, strict=True)
        }
    )


def _ticks(
    layers: Sequence[int],
    keys: Sequence[int],
    annotators: Sequence[str],
    patterns: Sequence[int],
    ranks: Sequence[str | None],
) -> pd.DataFrame:
    """`labels` out of a row a pattern, with the ranks that it ticks or None."""
    ticked = [text for text in ranks if text is not None]
    times = [0 if text is None else text.count(BETWEEN_RANKS) + 1 for text in ranks]
    whole = (layers, keys, annotators, patterns)
    frame = pd.DataFrame(
        {
            column: _column(list(cells), COLUMNS["labels"][column]).repeat(times)
            for column, cells in zip(COLUMNS["labels"], whole, strict=False)
        }
    ).reset_index(drop=True)
    every = BETWEEN_RANKS.join(ticked).split(BETWEEN_RANKS) if ticked else []
    return frame.assign(rank=np.array(every, dtype="int64"))


def _column(cells: list[Any], type_: str) -> "pd.Series[Any]":
    """A column of this type, whatever the rows there happen to be."""
    if type_ in ("int64", "float32", "float64"):
        return pd.Series(np.array(cells, dtype=type_))
    return pd.Series(cells, dtype="object").astype(type_)
