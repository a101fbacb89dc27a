"""Frames to CSV, a block of rows at a time: UTF-8 without a mark, RFC 4180, always the same bytes.

The canonical file is lossless. Text is written as it is, also where a spreadsheet would take it for
a formula. A float has the shortest form that reads back to the same float64 (and so to the same
float32 where it was one). What CSV readers cannot carry, a NUL or a lone surrogate, is refused.
A spreadsheet-safe copy is another file (`spreadsheet.py` says how its text is guarded).

Lines are joined by Arrow, column by column: its own CSV writer quotes every text or none, and
Python's makes an object of every cell.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from annotations.dataset_columns import Column
from exports.columns import ALL_FILES
from mining.errors import DatasetError

BLOCK = 20_000  # rows that are text at the same time
_TEXT = pa.large_string()  # a block may hold more than 2 GB
_COMMA, _QUOTE, _LINE_END, _NOTHING = (pa.scalar(text, _TEXT) for text in (",", '"', "\r\n", ""))
_SPECIAL = (b'"', b",", b"\r", b"\n")  # what a text is quoted for
_ANY_SPECIAL = '[",\r\n]'
_PLACE = ("layer", "key", "annotator", "pattern", "rank")


def csv_header(name: str) -> bytes:
    """The first line of a file of the dataset."""
    return ",".join(column.name for column in ALL_FILES[name].columns).encode() + b"\r\n"


def csv_rows(
    name: str, frame: pd.DataFrame, *, guard: Callable[[str], str] | None = None
) -> Iterator[bytes]:
    """Rows of a file of the dataset as bytes, a block at a time.

    `frame` has exactly the columns that `columns.py` gives the file called `name`; `guard` changes
    the cells of text. Raises DatasetError, naming file, column and row, for text that CSV cannot
    carry.
    """
    columns = ALL_FILES[name].columns
    expected = [column.name for column in columns]
    assert list(frame.columns) == expected, f"{name} has {list(frame.columns)}, not {expected}"
    for start in range(0, len(frame), BLOCK):
        block = frame.iloc[start : start + BLOCK]
        try:
            cells = [_cells(name, column, block[column.name], guard) for column in columns]
            lines = pc.binary_join_element_wise(*cells, _COMMA)
            ends = pc.binary_join_element_wise(lines, _LINE_END, _NOTHING)
        except UnicodeEncodeError:
            raise _refused(name, block) from None
        assert not ends.null_count, f"{name} has a text that is missing"
        content = ends.buffers()[2].to_pybytes()
        if b"\0" in content:
            raise _refused(name, block)
        yield content


def render_csv(name: str, frame: pd.DataFrame) -> bytes:
    """A whole file of the dataset as bytes, see `csv_rows`."""
    return b"".join([csv_header(name), *csv_rows(name, frame)])


def _cells(
    name: str, column: Column, values: "pd.Series[Any]", guard: Callable[[str], str] | None
) -> pa.Array:
    """A column's cells as they stand in the file."""
    if column.type == "string":
        return _quoted(values if guard is None else [guard(text) for text in values.tolist()])
    missing = values.isna().to_numpy()
    if not missing.any():
        return _WRITERS[column.type](values)
    assert column.optional, f"{name}: {column.name} has missing values"
    cells = np.full(len(values), "", dtype=object)
    if not missing.all():  # such a column may be of any type
        cells[~missing] = _WRITERS[column.type](values[~missing]).to_pylist()
    return pa.array(cells, _TEXT)


def _quoted(texts: "pd.Series[Any] | list[str]") -> pa.Array:
    cells = pa.array(texts, _TEXT)
    if isinstance(cells, pa.ChunkedArray):  # as a frame's are that was put together
        cells = cells.combine_chunks()
    data = cells.buffers()[2]
    held = b"" if data is None else data.to_pybytes()
    if not any(mark in held for mark in _SPECIAL):
        return cells
    special = pc.match_substring_regex(cells, _ANY_SPECIAL)
    doubled = pc.replace_substring(cells, '"', '""')
    enclosed = pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING)
    return pc.if_else(special, enclosed, cells)


def _integers(values: "pd.Series[Any]") -> pa.Array:
    if values.dtype.kind == "i":
        return pc.cast(pa.array(values), _TEXT)
    whole = values.astype("int64")
    assert (whole == values).all(), f"{values.name} has a number that is not whole"
    return pc.cast(pa.array(whole), _TEXT)


def _floats(values: "pd.Series[Any]") -> pa.Array:
    return pa.array(map(repr, values.astype("float64").tolist()), _TEXT)


def _timestamps(values: "pd.Series[Any]") -> pa.Array:
    moments = pd.DatetimeIndex(values)
    assert moments.tz is not None, f"{values.name} has no time zone"
    naive = moments.tz_convert("UTC").tz_localize(None).to_numpy()
    return pa.array([f"{moment}Z" for moment in np.datetime_as_string(naive, unit="us")], _TEXT)


_WRITERS: dict[str, Callable[["pd.Series[Any]"], pa.Array]] = {
    "integer": _integers,
    "float32": _floats,
    "float64": _floats,
    "timestamp": _timestamps,
}


def _refused(name: str, block: pd.DataFrame) -> DatasetError:
    """Which text of a block no CSV file can carry; looked for only where there is one."""
    for column in ALL_FILES[name].columns:
        if column.type != "string":
            continue
        for row, cell in enumerate(block[column.name].tolist()):
            if fault := _fault(cell):
                where = ", ".join(
                    f"{one} {block[one].iloc[row]}" for one in _PLACE if one in block.columns
                )
                return DatasetError(
                    f"{name}, column {column.name}, {where or f'row {block.index[row] + 1}'}: the "
                    f"text holds {fault}, which a CSV file cannot carry; remove it at its source "
                    "and export again."
                )
    raise AssertionError(f"{name}: bytes that are in no cell")


def _fault(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as mistake:
        return f"a lone surrogate (U+{ord(text[mistake.start]):04X})"
    return None
