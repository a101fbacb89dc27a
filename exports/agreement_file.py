"""Reads `agreement.csv` and refuses what cannot be drawn."""

from pathlib import Path

import pandas as pd

from annotations.agreement_estimates import MEASURES
from annotations.dataset_columns import Column
from annotations.label_statistics import ALL
from exports.csv_reader import MOST, Row, read_rows
from mining.errors import DatasetError

AGREEMENT = "agreement.csv"
# What a chart reads of it; the dataset's description explains each.
_COLUMNS = (
    Column("scope", "string", "", ""),
    Column("measure", "string", "", ""),
    *(Column(name, "float64", "", "", optional=True) for name in ("value", "ci_low", "ci_high")),
    Column("keys", "integer", "", ""),
    Column("annotators", "integer", "", ""),
    Column("note", "string", "", ""),
    Column("baseline", "float64", "", "", optional=True),
)
_RANGES = dict.fromkeys(("value", "ci_low", "ci_high", "baseline"), (-MOST, 1))


def read_agreement(dataset: Path) -> pd.DataFrame:
    """The agreement of a dataset folder in the file's order; what is undefined is NaN."""
    path = dataset / AGREEMENT
    rows: dict[tuple[str, str], Row] = {}
    for line, row in read_rows(
        path, _COLUMNS, ranges=_RANGES, choices={"measure": MEASURES, "scope": _is_scope}
    ):
        place = (row["scope"], row["measure"])
        if place in rows:
            raise DatasetError(
                f"{path}, line {line}, column measure: {place[0]} has {place[1]} twice."
            )
        rows[place] = row
    return pd.DataFrame(list(rows.values()), columns=[column.name for column in _COLUMNS])


def _is_scope(text: str) -> bool:
    layer = text.removeprefix("layer ")
    return text == ALL or (layer != text and layer.isdecimal() and len(layer) < 5)
