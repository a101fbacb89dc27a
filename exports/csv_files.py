"""Frames to canonical CSV: UTF-8 without a mark, RFC 4180, the same bytes for the same frame.

Canonical means lossless. Text is written as it is, also where a spreadsheet would take it for a
formula. A float has the shortest form that reads back to the same float64 (and so to the same
float32 where it was one). What CSV readers cannot carry, a NUL or a lone surrogate, is refused.
"""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from exports.columns import FILES, Column
from mining.errors import DatasetError


def render_csv(name: str, frame: pd.DataFrame) -> bytes:
    """A file of the dataset as bytes; `frame` has exactly the columns that `columns.py` gives it.

    Raises DatasetError, naming file, column and row, for text that CSV cannot carry.
    """
    columns = FILES[name].columns
    expected = [column.name for column in columns]
    assert list(frame.columns) == expected, f"{name} has {list(frame.columns)}, not {expected}"
    cells = [_cells(name, column, frame) for column in columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(expected)
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue().encode("utf-8")


def _cells(name: str, column: Column, frame: pd.DataFrame) -> list[str]:
    values: list[Any] = frame[column.name].tolist()
    if column.type == "string":
        _refuse_what_csv_cannot_carry(name, column, frame, values)
        return values
    missing = frame[column.name].isna().tolist()
    assert column.optional or not any(missing), f"{name}: {column.name} has missing values"
    write = _WRITERS[column.type]
    return ["" if gone else write(value) for value, gone in zip(values, missing, strict=True)]


def _integer(value: Any) -> str:
    assert int(value) == value, f"{value} is not whole"
    return str(int(value))


def _float(value: Any) -> str:
    return repr(float(value))


def _timestamp(value: Any) -> str:
    moment: datetime = pd.Timestamp(value).to_pydatetime()
    assert moment.tzinfo is not None, f"{value} has no time zone"
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_WRITERS = {"integer": _integer, "float32": _float, "float64": _float, "timestamp": _timestamp}


def _refuse_what_csv_cannot_carry(
    name: str, column: Column, frame: pd.DataFrame, values: list[Any]
) -> None:
    if _fault("".join(values)) is None:  # one look at the whole column: faults are rare
        return
    row, fault = next((i, fault) for i, text in enumerate(values) if (fault := _fault(text)))
    place = ", ".join(
        f"{where} {frame[where].iloc[row]}"
        for where in ("layer", "key", "annotator", "pattern", "rank")
        if where in frame.columns
    )
    raise DatasetError(
        f"{name}, column {column.name}, {place or f'row {row + 1}'}: the text holds {fault}, "
        "which a CSV file cannot carry; remove it at its source and export again."
    )


def _fault(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as mistake:
        return f"a lone surrogate (U+{ord(text[mistake.start]):04X})"
    return None
