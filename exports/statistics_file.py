"""Reads `layer_statistics.csv`, ours or one that somebody edited, and refuses what cannot be drawn.

Every refusal names file, line and column. Columns that we do not know are passed over.
"""

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from annotations.dataset_columns import Column
from exports.columns import FILES, STATISTICS
from exports.palette import CATEGORIES
from mining.errors import DatasetError

_Row = dict[str, str | int | float]
_COLUMNS = FILES[STATISTICS].columns
_MOST = {"layer": 9999, "share": 1, "ci_low": 1, "ci_high": 1}
_MOST_OTHERS = 10**9
_NOISE = 1e-9  # by which a sum of floats may overshoot
_ROUNDING = 0.01  # how far a layer's shares, perhaps rounded by hand, may add up to other than 1


def read_statistics(dataset: Path) -> pd.DataFrame:
    """The layer statistics of a dataset folder, sorted by layer and category; may be empty.

    Columns are those of the data dictionary; an undefined interval is NaN. A layer that is
    there has all four categories, whose shares add up to 1. Raises DatasetError otherwise.
    """
    path = dataset / STATISTICS
    if not path.is_file():
        raise DatasetError(f"{dataset} holds no {STATISTICS}; give the folder of a dataset.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as mistake:
        raise DatasetError(f"{path} is not UTF-8 (byte {mistake.start}); save it so.") from None
    text = text.removeprefix("\ufeff")  # a mark that spreadsheet programs add
    rows: dict[tuple[int, str], _Row] = {}
    for line, cells in _lines(path, text):
        row = {column.name: _value(path, line, column, cells[column.name]) for column in _COLUMNS}
        _check_interval(path, line, row)
        place = (int(row["layer"]), str(row["category"]))
        if place in rows:
            raise DatasetError(f"{path}, line {line}: layer {place[0]} has {place[1]} twice.")
        rows[place] = row
    _check_layers(path, rows)
    ordered = sorted(rows, key=lambda place: (place[0], CATEGORIES.index(place[1])))
    return pd.DataFrame(
        [rows[place] for place in ordered], columns=[column.name for column in _COLUMNS]
    )


def _lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number in the file and cells by column name, of every row below the header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        missing = [column.name for column in _COLUMNS if column.name not in header]
        if missing:
            raise DatasetError(
                f"{path}, line 1: no column {', '.join(missing)}; "
                f"the columns found are {', '.join(header) or 'none'}."
            )
        for cells in reader:
            if not cells:  # a blank line, as editors leave at the end
                continue
            if len(cells) != len(header):
                raise DatasetError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under "
                    f"{len(header)} column names."
                )
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as mistake:
        raise DatasetError(f"{path}, line {reader.line_num} is not CSV: {mistake}.") from None


def _value(path: Path, line: int, column: Column, cell: str) -> str | int | float:
    if column.name == "category":
        if cell not in CATEGORIES:
            raise DatasetError(
                f"{path}, line {line}, column category: {cell!r} is none of "
                f"{', '.join(CATEGORIES)}."
            )
        return cell
    if column.optional and cell == "":
        return math.nan
    most = _MOST.get(column.name, _MOST_OTHERS)
    try:
        value = int(cell) if column.type == "integer" else float(cell)
    except ValueError:
        value = math.nan
    if not -_NOISE <= value <= most + _NOISE:
        wanted = "a whole number" if column.type == "integer" else "a number"
        raise DatasetError(
            f"{path}, line {line}, column {column.name}: {cell!r} is not {wanted} from 0 to {most}."
        )
    return value


def _check_interval(path: Path, line: int, row: _Row) -> None:
    low, high = float(row["ci_low"]), float(row["ci_high"])
    if math.isnan(low) != math.isnan(high):
        raise DatasetError(f"{path}, line {line}: ci_low and ci_high are to be empty together.")
    if low > high + _NOISE:
        raise DatasetError(f"{path}, line {line}: ci_low {low} is above ci_high {high}.")


def _check_layers(path: Path, rows: dict[tuple[int, str], _Row]) -> None:
    for layer in sorted({layer for layer, _ in rows}):
        missing = [category for category in CATEGORIES if (layer, category) not in rows]
        if missing:
            raise DatasetError(f"{path}: layer {layer} has no row for {', '.join(missing)}.")
        total = sum(float(rows[layer, category]["share"]) for category in CATEGORIES)
        if abs(total - 1) > _ROUNDING:
            raise DatasetError(f"{path}: the shares of layer {layer} add up to {total:g}, not 1.")
