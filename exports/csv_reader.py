"""Reads the CSV files that charts are drawn from, ours or ones that somebody edited.

Every refusal names file, line and column. Columns that we do not know are passed over.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from annotations.csv_lines import csv_lines
from annotations.dataset_columns import Column
from mining.errors import DatasetError

Row = dict[str, Any]
MOST = 10**9
_NOISE = 1e-9  # by which a sum of floats may overshoot


def read_rows(
    path: Path,
    columns: Collection[Column],
    *,
    ranges: Mapping[str, tuple[float, float]],
    choices: Mapping[str, Collection[str] | Callable[[str], bool]],
) -> Iterator[tuple[int, Row]]:
    """Line number and values by column name, of every row below the header.

    Numbers lie in their `ranges` (default: 0 to a billion), texts in their `choices` (default: any;
    a function says whether a text is one). An empty optional number is NaN. Where there are columns
    ci_low and ci_high, they are empty together or in order. Raises DatasetError otherwise.
    """
    for line, cells in _lines(path, [column.name for column in columns]):
        row: Row = {}
        for column in columns:
            name, cell = column.name, cells[column.name]
            if column.type == "string":
                row[name] = _text(path, line, name, cell, choices.get(name))
            else:
                row[name] = _number(path, line, column, cell, ranges.get(name, (0, MOST)))
        if "ci_low" in row:
            _check_interval(path, line, row)
        yield line, row


def _lines(path: Path, wanted: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    lines = csv_lines(path, marked=True)
    _, header = next(lines)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise DatasetError(
            f"{path}, line 1: no column {', '.join(missing)}; "
            f"the columns found are {', '.join(header) or 'none'}."
        )
    for line, cells in lines:
        yield line, dict(zip(header, cells, strict=True))


def _text(
    path: Path,
    line: int,
    name: str,
    cell: str,
    allowed: Collection[str] | Callable[[str], bool] | None,
) -> str:
    if allowed is None or (allowed(cell) if callable(allowed) else cell in allowed):
        return cell
    wrong = "not understood" if callable(allowed) else f"none of {', '.join(allowed)}"
    raise DatasetError(f"{path}, line {line}, column {name}: {cell!r} is {wrong}.")


def _number(
    path: Path, line: int, column: Column, cell: str, ends: tuple[float, float]
) -> int | float:
    if column.optional and cell == "":
        return math.nan
    low, high = ends
    try:
        value = int(cell) if column.type == "integer" else float(cell)
    except ValueError:
        value = math.nan
    if not low - _NOISE <= value <= high + _NOISE:
        wanted = "a whole number" if column.type == "integer" else "a number"
        raise DatasetError(
            f"{path}, line {line}, column {column.name}: {cell!r} is not {wanted} "
            f"from {low} to {high}."
        )
    return value


def _check_interval(path: Path, line: int, row: Row) -> None:
    low, high = float(row["ci_low"]), float(row["ci_high"])
    if math.isnan(low) != math.isnan(high):
        raise DatasetError(
            f"{path}, line {line}, column ci_low: ci_low and ci_high are to be empty together."
        )
    if low > high + _NOISE:
        raise DatasetError(
            f"{path}, line {line}, column ci_low: ci_low {low} is above ci_high {high}."
        )
