"""Reads a dataset's answers and their patterns, as far as charts are drawn from them."""

from pathlib import Path

import pandas as pd

from annotations.frames import HUMAN, NO_PATTERN, of_people
from annotations.label_statistics import PATTERNS_PER_KEY, label_statistics
from annotations.tables import DRAFT, GOLD, MACHINE, SEMANTIC, SHALLOW, SUBMITTED
from exports.columns import FILES
from exports.csv_reader import read_rows
from exports.statistics_file import LAYERS

ANNOTATORS, SUBMISSIONS, PATTERNS = "annotators.csv", "submissions.csv", "patterns.csv"
_CHOICES = {
    "kind": (HUMAN, MACHINE, GOLD),
    "status": (SUBMITTED, NO_PATTERN, DRAFT),
    "type": (SHALLOW, SEMANTIC),
}
_READ = {
    ANNOTATORS: ("annotator", "kind"),
    SUBMISSIONS: ("layer", "key", "annotator", "status", "seconds"),
    PATTERNS: ("layer", "key", "annotator", "pattern", "type"),
}


def read_people_submissions(dataset: Path) -> pd.DataFrame:
    """The answers of people and gold: layer, key, annotator, status, seconds."""
    return _people(dataset, SUBMISSIONS)["submissions"]


def read_patterns_per_key(dataset: Path) -> pd.DataFrame:
    """`label_statistics` of patterns per key, machines left out."""
    frames = _people(dataset, SUBMISSIONS, PATTERNS)
    return label_statistics(frames, measures=[PATTERNS_PER_KEY])


def _people(dataset: Path, *names: str) -> dict[str, pd.DataFrame]:
    frames = {name.removesuffix(".csv"): _table(dataset, name) for name in names}
    if (dataset / ANNOTATORS).is_file():
        frames["annotators"] = _table(dataset, ANNOTATORS)
    else:  # an older dataset, from before machines could label
        everybody = frames["submissions"]["annotator"].drop_duplicates()
        frames["annotators"] = pd.DataFrame({"annotator": everybody}).assign(kind=HUMAN)
    return of_people(frames)


def _table(dataset: Path, name: str) -> pd.DataFrame:
    columns = [column for column in FILES[name].columns if column.name in _READ[name]]
    rows = read_rows(dataset / name, columns, ranges={"layer": LAYERS}, choices=_CHOICES)
    types = {"string": "str", "integer": "int64", "float64": "float64"}
    return pd.DataFrame([row for _, row in rows], columns=list(_READ[name])).astype(
        {column.name: types[column.type] for column in columns}
    )
