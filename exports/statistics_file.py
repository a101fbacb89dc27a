"""Reads `layer_statistics.csv` and refuses what cannot be drawn as figure 2."""

from pathlib import Path

import pandas as pd

from exports.columns import FILES, STATISTICS
from exports.csv_reader import Row, read_rows
from exports.palette import CATEGORIES
from mining.errors import DatasetError

_COLUMNS = FILES[STATISTICS].columns
LAYERS = (0, 9999)
_RANGES = {"layer": LAYERS, "share": (0, 1), "ci_low": (0, 1), "ci_high": (0, 1)}
_ROUNDING = 0.01  # how far a layer's shares, perhaps rounded by hand, may add up to other than 1


def read_statistics(dataset: Path) -> pd.DataFrame:
    """The layer statistics of a dataset folder, sorted by layer and category; may be empty.

    Columns are those of the data dictionary; an undefined interval is NaN. A layer that is
    there has all four categories, whose shares add up to 1. Raises DatasetError otherwise.
    """
    path = dataset / STATISTICS
    rows: dict[tuple[int, str], Row] = {}
    lines = read_rows(path, _COLUMNS, ranges=_RANGES, choices={"category": CATEGORIES})
    for line, row in lines:
        place = (row["layer"], row["category"])
        if place in rows:
            raise DatasetError(
                f"{path}, line {line}, column category: layer {place[0]} has {place[1]} twice."
            )
        rows[place] = row
    _check_layers(path, rows)
    ordered = sorted(rows, key=lambda place: (place[0], CATEGORIES.index(place[1])))
    return pd.DataFrame(
        [rows[place] for place in ordered], columns=[column.name for column in _COLUMNS]
    )


def _check_layers(path: Path, rows: dict[tuple[int, str], Row]) -> None:
    for layer in sorted({layer for layer, _ in rows}):
        missing = [category for category in CATEGORIES if (layer, category) not in rows]
        if missing:
            raise DatasetError(f"{path}: layer {layer} has no row for {', '.join(missing)}.")
        total = sum(float(rows[layer, category]["share"]) for category in CATEGORIES)
        if abs(total - 1) > _ROUNDING:
            raise DatasetError(f"{path}: the shares of layer {layer} add up to {total:g}, not 1.")
