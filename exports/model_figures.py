"""The paper's figures of a model, from a run folder to frames to CSV files, and read back.

In a dataset they lie in the folder `figures`; `python -m exports figures` writes the same files
from a run folder alone. They need no database and hold nobody's labels.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from annotations.dataset_columns import Column
from annotations.tables import Run
from exports.csv_files import render_csv
from exports.folders import new_files
from exports.model_columns import FOLDER, MODEL_FILES, file_of
from mining.additions import fingerprint
from mining.errors import DatasetError, KeyholeError
from mining.figures import QUANTILES, figures
from mining.run_folder import MANIFEST, RunFolder
from mining.run_tables import CATEGORIES, REMOVED

NAMES = tuple(Path(file).stem for file in MODEL_FILES)
HOW = "run `python -m mining analyse {folder}`"
_NUL, _PICTURE_OF_NUL = "\0", "␀"  # CSV cannot carry the one
# What tells rows of one figure apart beside the layer, and what may stand there.
_CHOICES: dict[str, Collection[str] | Collection[float]] = {
    "removed": REMOVED, "trigger": ("top_1", "any"), "quantile": QUANTILES, "category": CATEGORIES,
}  # fmt: skip
_MOST = 1e9
_NOISE = 1e-9  # by which a sum of floats may overshoot


def figures_of(folder: Path) -> dict[str, pd.DataFrame]:
    """Every figure that a run folder has been analysed for, in the columns of its file.

    Raises RunFolderError for a folder that is no complete run, or a damaged one.
    """
    found = figures(RunFolder.open(folder))
    if "table3" in found:
        words = found["table3"]["top_token"].str.replace(_NUL, _PICTURE_OF_NUL)
        found["table3"] = found["table3"].assign(top_token=words)
    return {name: found[name] for name in NAMES if name in found}


def figures_for_dataset(
    run: Run, layers: Collection[int] | None
) -> tuple[dict[str, pd.DataFrame], str | None]:
    """A run's figures by file name, and a notice where there are none; never an error.

    Labels must be to be had without them. `layers` leaves out the rows of others.
    """
    folder = Path(run.folder)
    none = "No figures of the model: "
    if not (folder / MANIFEST).is_file():
        return (
            {},
            f"{none}the run's folder, {folder}, is not there; import the run from where it is.",
        )
    try:
        found = figures_of(folder)
        same = fingerprint(folder) == run.fingerprint
    except KeyholeError as mistake:
        return {}, f"{none}{mistake}"
    if not same:
        return {}, f"{none}{folder} holds another run by now; import this one from where it is."
    if not found:
        return {}, f"{none}the run has not been analysed; {HOW.format(folder=folder)}."
    if layers is not None:
        found = {name: rows[rows["layer"].isin(layers)] for name, rows in found.items()}
    return {file_of(name): rows for name, rows in found.items()}, None


def write_figures(run: Path, out: Path) -> list[Path]:
    """Write a run folder's figures as CSV files straight into `out`; the paths written.

    A figure's file from an earlier time that is no longer there goes. Raises RunFolderError for
    what is no run, DatasetError for one that has not been analysed.
    """
    found = figures_of(run)
    if not found:
        raise DatasetError(f"{run} has not been analysed; {HOW.format(folder=run)}.")
    if out.is_file():
        raise DatasetError(f"{out} is a file, not a folder; choose another --out.")
    contents = {name: render_csv(file_of(name), rows) for name, rows in found.items()}
    with new_files(out, outdated=[f"{name}.csv" for name in NAMES]) as create:
        for name, content in contents.items():
            with create(f"{name}.csv") as file:
                file.write(content)
    return [out / f"{name}.csv" for name in contents]


def read_figures(folder: Path) -> dict[str, pd.DataFrame]:
    """The figures in a dataset's folder `figures`, or in the folder itself; maybe none.

    Raises DatasetError, naming file, column and row, for what cannot be drawn.
    """
    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    return {
        name: _read(place / f"{name}.csv", name)
        for name in NAMES
        if (place / f"{name}.csv").is_file()
    }


def _read(path: Path, name: str) -> pd.DataFrame:
    columns = MODEL_FILES[file_of(name)].columns
    try:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as mistake:  # not UTF-8 is a ValueError, too
        raise DatasetError(f"{path} is no CSV file in UTF-8: {mistake}") from None
    missing = [column.name for column in columns if column.name not in cells]
    if missing:
        found = ", ".join(map(str, cells.columns))
        raise DatasetError(
            f"{path}: no column {', '.join(missing)}; the columns found are {found}."
        )
    rows = pd.DataFrame({one.name: _column(path, name, one, cells[one.name]) for one in columns})
    told_apart = ["place"] if name == "table3" else ["layer", *_CHOICES.keys() & rows.columns]
    if rows.duplicated(told_apart).any():
        at = int(rows.duplicated(told_apart).to_numpy().argmax())
        raise DatasetError(f"{path}, row {at + 1}: there twice ({', '.join(told_apart)}).")
    _check_intervals(path, rows)
    return rows


def _column(
    path: Path, figure: str, column: Column, cells: "pd.Series[str]"
) -> "pd.Series[object]":
    if column.name == "top_token":
        return cells
    if column.type == "string":
        allowed = _CHOICES[column.name]
        _refuse(
            path, column, cells, ~cells.isin(allowed), f"none of {', '.join(map(str, allowed))}"
        )
        return cells
    numbers = pd.to_numeric(cells, errors="coerce")
    low, high = _range(figure, column.name)
    fits = numbers.between(low - _NOISE, high + _NOISE)
    wanted = f"not a number from {low:g} to {high:g}"
    if column.name == "quantile":
        fits, wanted = (
            numbers.isin(_CHOICES["quantile"]),
            f"none of {', '.join(map(str, QUANTILES))}",
        )
    if column.type == "integer":
        fits &= numbers == np.floor(numbers)
        wanted = wanted.replace("a number", "a whole number")
    if column.optional:
        fits |= cells == ""
    _refuse(path, column, cells, ~fits, wanted)
    return numbers.astype("int64") if column.type == "integer" else numbers.astype(float)


def _range(figure: str, column: str) -> tuple[float, float]:
    if column == "layer":
        return 0, 9999
    if column in ("key", "keys", "count", "place"):
        return 0, _MOST
    if figure == "figure3":
        return -_MOST, _MOST  # a coefficient of GELU may end below 0, and may grow
    return (0, _MOST) if figure == "figure5" else (0, 1)


def _refuse(
    path: Path, column: Column, cells: "pd.Series[str]", wrong: "pd.Series[bool]", what: str
) -> None:
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise DatasetError(
            f"{path}, row {at + 1}, column {column.name}: {cells.iloc[at]!r} is {what}."
        )


def _check_intervals(path: Path, rows: pd.DataFrame) -> None:
    low, high = rows["ci_low"], rows["ci_high"]
    wrong = (low.isna() != high.isna()) | (low > high + _NOISE)
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise DatasetError(f"{path}, row {at + 1}: ci_low and ci_high are no interval.")
