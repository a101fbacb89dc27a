"""A dataset folder read back: its manifest, and the rows of the labels' files as typed values.

Only the canonical files are read. Every refusal names file, line and column. A file that is not
what was exported (its SHA-256 is another) is refused unless its reader says that it was edited.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from annotations.csv_lines import csv_lines
from annotations.dataset_columns import (
    FORMAT,
    LABEL_FILES,
    MANIFEST,
    SCHEMA,
    SPREADSHEET,
    Column,
)
from mining.errors import DatasetError

_MARK = b"\xef\xbb\xbf"
_GUARDED = (
    "is a copy for spreadsheet programs, whose text is not the original; "
    "import takes the canonical files"
)
_LARGEST, _LARGEST_ID = 2**31 - 1, 2**63 - 1
_RUN = {"name": str, "model": str, "corpus": str, "fingerprint": str} | dict.fromkeys(
    ("layers", "d_ff", "top_k"), int
)


@dataclass(frozen=True)
class DatasetFolder:
    """A dataset that may be read: its run as the manifest describes it."""

    path: Path
    run: dict[str, Any]  # name, model, corpus, fingerprint, layers, d_ff, top_k
    edited: tuple[str, ...]  # files that are not what was exported


@dataclass(frozen=True)
class Row:
    """A row of a file: where it stands, and its values in the columns' order."""

    file: Path
    line: int  # of the file, where the row ends; the header's is 1
    values: tuple[Any, ...]

    def wrong(self, column: str, what: str) -> DatasetError:
        """The error that says what is wrong in a column of this row."""
        return DatasetError(f"{self.file}, line {self.line}, column {column}: {what}")


def open_dataset(path: Path, *, edited: bool = False) -> DatasetFolder:
    """Check a dataset folder's manifest and the sums of the labels' files.

    Raises DatasetError for a folder that is none, for another schema, for a missing file, for a
    copy made for spreadsheets, and, unless `edited`, for a file that is not what was exported.
    """
    if path.name.endswith(SPREADSHEET):
        raise DatasetError(f"{path} {_GUARDED}: give the dataset's folder.")
    manifest = _manifest(path)
    sums = _listed_sums(path, manifest)
    changed = []
    for name in LABEL_FILES:
        file = path / name
        if not file.is_file():
            copy = path / name.replace(".csv", SPREADSHEET)
            there = f" {copy.name} {_GUARDED}." if copy.is_file() else " Export the dataset again."
            raise DatasetError(f"{path} lacks {name}.{there}")
        found = _sum(file)
        if found == sums.get(name.replace(".csv", SPREADSHEET)) or _begins_with_mark(file):
            raise DatasetError(f"{file} {_GUARDED} (they begin with no byte-order mark).")
        if found != sums.get(name):
            changed.append(name)
    if changed and not edited:
        raise DatasetError(
            f"{path}: {', '.join(changed)} is not what was exported (its SHA-256 differs from the "
            "manifest's); --edited imports it all the same."
        )
    return DatasetFolder(path, manifest["run"], tuple(changed))


def rows(dataset: DatasetFolder, name: str) -> Iterator[Row]:
    """The rows of one of LABEL_FILES in the file's order; its columns may stand in any order.

    Raises DatasetError, naming line and column, for what is not CSV, not UTF-8 or not of its type.
    """
    path = dataset.path / name
    columns = LABEL_FILES[name].columns
    lines = csv_lines(path)
    places = _places(path, next(lines)[1], columns)
    for line, cells in lines:
        values = (
            _value(path, line, column, cells[place])
            for column, place in zip(columns, places, strict=True)
        )
        yield Row(path, line, tuple(values))


def _manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if not file.is_file():
        raise DatasetError(f"{path} holds no {MANIFEST}; give the folder of a dataset.")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # not UTF-8, or not JSON
        raise DatasetError(f"{file} is not JSON in UTF-8; export the dataset again.") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DatasetError(f"{file} is no manifest of a Keyhole dataset; give a dataset's folder.")
    if manifest.get("schema") != SCHEMA:
        raise DatasetError(
            f"{file} has schema {manifest.get('schema')}, and this program reads {SCHEMA}; "
            "use the version that wrote it."
        )
    run = manifest.get("run")
    for name, type_ in _RUN.items():
        value = run.get(name) if isinstance(run, dict) else None
        if type(value) is not type_ or (isinstance(value, int) and not 0 <= value <= _LARGEST):
            raise DatasetError(f"{file} does not say the run's {name}; export the dataset again.")
    return manifest


def _listed_sums(path: Path, manifest: dict[str, Any]) -> dict[str, str]:
    try:
        return {str(entry["name"]): str(entry["sha256"]) for entry in manifest["files"]}
    except (KeyError, TypeError):
        raise DatasetError(
            f"{path / MANIFEST} does not list the files; export the dataset again."
        ) from None


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _begins_with_mark(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_MARK)) == _MARK


def _places(path: Path, header: list[str], columns: tuple[Column, ...]) -> list[int]:
    expected = [column.name for column in columns]
    for name in expected:
        if header.count(name) != 1:
            how = "no" if name not in header else "more than one"
            raise DatasetError(
                f"{path}, line 1: {how} column {name}; "
                f"the columns found are {', '.join(header) or 'none'}."
            )
    for name in header:
        if name not in expected:
            raise DatasetError(
                f"{path}, line 1, column {name}: an import would lose it; remove the column."
            )
    return [header.index(name) for name in expected]


def _value(path: Path, line: int, column: Column, cell: str) -> Any:
    try:
        return _READERS[column.type](column, cell)
    except ValueError as mistake:
        shown = cell if len(cell) <= 40 else f"{cell[:40]}…"
        raise DatasetError(
            f"{path}, line {line}, column {column.name}: {shown!r} {mistake}."
        ) from None


def _text(_: Column, cell: str) -> str:
    if "\0" in cell:
        raise ValueError("holds a NUL character, which no database keeps")
    return cell


def _whole(column: Column, cell: str) -> int:
    most = _LARGEST_ID if column.name == "sentence_id" else _LARGEST
    if re.fullmatch("[0-9]{1,19}", cell) is None or int(cell) > most:
        raise ValueError(f"is not a whole number from 0 to {most}")
    return int(cell)


def _number(_: Column, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("is not a number")
    return value


def _moment(column: Column, cell: str) -> datetime | None:
    if cell == "" and column.optional:
        return None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise ValueError("is not a time such as 2026-03-01T09:30:00.125000Z")
    return moment.astimezone(UTC)


_READERS: dict[str, Callable[[Column, str], Any]] = {
    "string": _text,
    "integer": _whole,
    "float32": _number,
    "float64": _number,
    "timestamp": _moment,
}
