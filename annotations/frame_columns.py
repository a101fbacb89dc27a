"""Cells as the database gives them, as columns: typed, sorted, and the same when there are none.

They are sorted here and not by the database, because databases sort names by collations of their
own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TICKS = "ticks"
BETWEEN_RANKS = ","  # of a pattern's ticks, as the database strings them together
_ORDER = ("layer", "key", "annotator", "pattern", "rank")
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


def frame_of(
    name: str, cells: Sequence[list[Any]], called: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """One of COLUMNS out of each column's cells, but for `labels`: `labels_of` makes them of
    `patterns`, which have a column more, TICKS, with the ranks that a pattern ticks, or None.

    Annotators stand as they are `called`, in the order of that; by their names without it.
    """
    types = COLUMNS[name] | ({TICKS: "str"} if name == "patterns" else {})
    frame = pd.DataFrame(
        {
            column: _column(own, type_)
            for own, (column, type_) in zip(cells, types.items(), strict=True)
        }
    )
    if name == "prefixes":
        apart = frame["token_ends"].str.strip("[]").str.replace(", ", " ", regex=False)
        frame["token_ends"] = apart.str.replace(",", " ", regex=False)
    by = {column: frame[column].to_numpy() for column in _ORDER if column in types}
    if "annotator" in types:  # whole numbers sort many times faster than names
        by["annotator"], frame["annotator"] = _people(frame["annotator"], called)
    order = np.lexsort([*by.values()][::-1])
    if (order[1:] > order[:-1]).all():  # as they come from SQLite, but for what people said
        return frame
    return frame.take(order).reset_index(drop=True)


def labels_of(patterns: pd.DataFrame) -> pd.DataFrame:
    """The frame `labels` of patterns with TICKS, whose other types it keeps; sorted as they are."""
    ranks = pc.split_pattern(pa.array(patterns[TICKS], pa.large_string()), BETWEEN_RANKS)
    row_L = pc.list_parent_indices(ranks).to_numpy()
    rank_L = pc.cast(pc.list_flatten(ranks), pa.int64()).to_numpy()
    in_order = rank_L[np.lexsort((rank_L, row_L))]  # databases promise none within a text
    whole = [column for column in COLUMNS["labels"] if column != "rank"]
    return patterns[whole].take(row_L).reset_index(drop=True).assign(rank=in_order)


def _people(
    annotators: "pd.Series[Any]", called: Mapping[str, str] | None
) -> tuple[npt.NDArray[np.int64], Any]:
    """Each row's annotator: their place in the order, and what they are called."""
    codes, names = pd.factorize(annotators)
    if called is None:
        called = {name: name for name in sorted(names)}
    place = {name: number for number, name in enumerate(called)}
    places = np.array([place[name] for name in names], dtype=np.int64)
    return places[codes], pd.array([called[name] for name in names], dtype="str").take(codes)


def _column(cells: list[Any], type_: str) -> "pd.Series[Any]":
    """A column of this type, whatever the rows there happen to be."""
    if type_ in ("int64", "float32", "float64"):
        return pd.Series(np.array(cells, dtype=type_))
    column = pd.Series(cells, dtype="object")
    if type_ != "str":  # SQLite gives a time as a text
        column = pd.to_datetime(column, utc=True, format="ISO8601")
    return column.astype(type_)
