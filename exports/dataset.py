"""The dataset of one run: everything its annotators said, as tidy CSV files with their provenance.

Files are written one after the other under temporary names, a block of rows at a time, and renamed
at the end, the manifest last. Nothing in them depends on when or where they are written, so that
the same database gives the same bytes. Unless asked for names, annotators appear under pseudonyms
(pseudonyms.py); what is computed is computed from the rows as they are shown.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

import pandas as pd
from sqlmodel import Session, select

from annotations.blind import check_active, check_lead, sees_all
from annotations.dataset_columns import MANIFEST
from annotations.frames import dataset_frames
from annotations.tables import Annotator, Run
from exports.columns import ALL_FILES, DICTIONARY, FILES, SPREADSHEET_COPIES, dictionary_rows
from exports.croissant import CROISSANT, render_croissant
from exports.csv_files import BLOCK, csv_blocks
from exports.derived import derived_tables
from exports.folders import check_dataset_folder, new_files
from exports.manifest import WrittenFile, render_manifest
from exports.model_columns import MODEL_FILES
from exports.model_figures import figures_for_dataset
from exports.pseudonyms import pseudonyms, under_pseudonyms
from exports.readme import README, describe, render_readme
from exports.selection import Selection
from exports.spreadsheet import MARK, guarded

EVERYTHING = Selection()
_NAMES = (*ALL_FILES, *SPREADSHEET_COPIES.values(), README, CROISSANT, MANIFEST)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say; the real one would change the bytes
Progress = Callable[[int, int], None]  # rows written, rows in all


@dataclass(frozen=True)
class DatasetReport:
    """What was written: the folder, the rows of each CSV file, a notice if it is empty, and one
    if the model's figures are not in it."""

    folder: Path
    rows: dict[str, int]
    notice: str | None
    figures_notice: str | None


@dataclass(frozen=True)
class _Dataset:
    """Everything that goes into the files. Tables are taken out as they are written."""

    run: Run
    filters: dict[str, object]
    tables: dict[str, pd.DataFrame]  # by file name
    figures_notice: str | None

    def rows(self) -> dict[str, int]:
        return {name: len(table) for name, table in self.tables.items()}


def write_dataset(
    out: Path,
    *,
    session: Session,
    run_id: int,
    names: bool = False,
    selection: Selection = EVERYTHING,
    spreadsheet: bool = False,
    progress: Progress | None = None,
) -> DatasetReport:
    """Write the answers of a run as a dataset folder, replacing a dataset that is there.

    `names` shows annotators by name instead of by pseudonym; `spreadsheet` adds copies for
    spreadsheet programs. Raises DatasetError if `out` holds something else, for an unknown
    annotator, or if a text cannot be carried by CSV; then nothing is written.
    """
    check_dataset_folder(out, _NAMES)
    dataset = _dataset(
        session=session, run_id=run_id, names=names, selection=selection, spreadsheet=spreadsheet
    )
    rows = dataset.rows()
    with new_files(out, outdated=[*SPREADSHEET_COPIES.values(), *MODEL_FILES]) as create:
        _write(dataset, create, spreadsheet=spreadsheet, progress=progress)
    return DatasetReport(out, rows, _notice(rows, selection), dataset.figures_notice)


def dataset_zip(
    *, session: Session, run_id: int, names: bool = False, viewer_id: int | None = None
) -> bytes:
    """The same files as `write_dataset` writes, as a ZIP; same data, same bytes.

    For a viewer, only answers to keys that this person may see others' answers to, and nothing that
    was computed from others; AnnotationError for one who was deactivated, and for `names` unless
    they lead.
    """
    if viewer_id is not None:
        check = check_lead if names else check_active
        check(session=session, annotator_id=viewer_id)
    dataset = _dataset(session=session, run_id=run_id, names=names, viewer_id=viewer_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:

        def create(name: str) -> IO[bytes]:
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.create_system = 3  # Unix, whatever machine packs it
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            return archive.open(entry, "w")

        _write(dataset, create)
    return packed.getvalue()


def _dataset(
    *,
    session: Session,
    run_id: int,
    names: bool,
    selection: Selection = EVERYTHING,
    spreadsheet: bool = False,
    viewer_id: int | None = None,
) -> _Dataset:
    run = session.get(Run, run_id)
    assert run is not None, f"no run {run_id}"
    chosen = selection.checked(session=session, run_id=run_id)
    stored = dataset_frames(
        session=session, run_id=run_id, status=chosen.status, viewer_id=viewer_id,
        layers=chosen.layers, annotators=chosen.annotators,
    )  # fmt: skip
    shown = None
    if not names:
        shown = pseudonyms(session.exec(select(Annotator)).all())
        stored = under_pseudonyms(stored, shown)
    filters = selection.described(shown)
    if viewer_id is not None and not sees_all(session=session, viewer_id=viewer_id, run_id=run_id):
        filters["keys"] = "answered by whoever took this dataset away"
    tables = {f"{table}.csv": frame for table, frame in stored.items()} | derived_tables(stored)
    of_model, figures_notice = figures_for_dataset(run, chosen.layers)
    files = [*FILES, *of_model]
    tables[DICTIONARY] = pd.DataFrame(dictionary_rows(files, spreadsheet=spreadsheet))
    tables |= of_model
    return _Dataset(run, filters, {name: tables[name] for name in files}, figures_notice)


def _write(
    dataset: _Dataset,
    create: Callable[[str], IO[bytes]],
    *,
    spreadsheet: bool = False,
    progress: Progress | None = None,
) -> None:
    """Create every file, the manifest last."""
    copies = SPREADSHEET_COPIES if spreadsheet else {}
    rows = dataset.rows()
    expected = sum(rows.values()) + sum(rows[name] for name in copies if name in rows)
    files: list[WrittenFile] = []
    done = 0

    def write(name: str, blocks: Iterable[bytes], count: int | None) -> None:
        nonlocal done
        digest = hashlib.sha256()
        with closing(create(name)) as file:
            for number, block in enumerate(blocks):
                digest.update(block)
                file.write(block)
                if progress is not None and count is not None:
                    progress(done + min(number * BLOCK, count), expected)
        done += count or 0
        files.append(WrittenFile(name, count, digest.hexdigest()))

    for name in list(dataset.tables):
        table = dataset.tables.pop(name)  # so that its memory is free for the next one
        write(name, csv_blocks(name, table), len(table))
        if name in copies:
            safe = csv_blocks(name, table, guard=guarded)
            write(copies[name], chain([MARK], safe), len(table))
    about = describe(dataset.run, names=dataset.filters["annotators"] == "names")
    write(README, [render_readme(about, rows, spreadsheet=spreadsheet)], None)
    write(CROISSANT, [render_croissant(about, files)], None)
    write(MANIFEST, [render_manifest(dataset.run, dataset.filters, files)], None)


def _notice(rows: dict[str, int], selection: Selection) -> str | None:
    if rows["submissions.csv"]:
        return None
    if selection == EVERYTHING:
        return "Nothing has been submitted yet, so the files of answers hold only their headers."
    if not rows["keys.csv"]:
        return "No key of the run is in these layers, so most files hold only their headers."
    return "No answer fits these filters, so the files of answers hold only their headers."
