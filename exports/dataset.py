"""The dataset of one run: everything its annotators said, as tidy CSV files with their provenance.

Files are written one after the other under temporary names, some keys at a time, and renamed at
the end, the manifest last. Nothing in them depends on when or where they are written, so that
the same database gives the same bytes. Unless asked for names, annotators appear under pseudonyms
(pseudonyms.py); what is computed is computed from the rows as they are shown.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO

import pandas as pd
from sqlmodel import Session, select
from threadpoolctl import threadpool_limits

from annotations.answer_pairs import untold
from annotations.blind import check_active, check_lead, sees_all
from annotations.dataset_columns import LABEL_FILES, MANIFEST
from annotations.frames import Asked
from annotations.tables import Annotator, Run
from exports.columns import ALL_FILES, DICTIONARY, FILES, SPREADSHEET_COPIES, dictionary_rows
from exports.croissant import CROISSANT, render_croissant
from exports.csv_files import csv_header, csv_rows
from exports.derived import Progress, derived_tables
from exports.folders import check_dataset_folder, new_files
from exports.label_tables import LabelTables
from exports.manifest import WrittenFile, render_manifest
from exports.model_columns import MODEL_FILES
from exports.model_figures import figures_for_dataset
from exports.pseudonyms import pseudonyms
from exports.readme import README, describe, render_readme
from exports.selection import Selection
from exports.spreadsheet import MARK, guarded

EVERYTHING = Selection()
_NAMES = (*ALL_FILES, *SPREADSHEET_COPIES.values(), README, CROISSANT, MANIFEST)
_ONE_AT_A_TIME = Lock()
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say; the real one would change the bytes


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
    """Everything that goes into the files."""

    run: Run
    filters: dict[str, object]
    labels: LabelTables
    of_model: dict[str, pd.DataFrame]  # by file name
    figures_notice: str | None

    def tables(
        self, progress: Progress, *, spreadsheet: bool
    ) -> Iterator[tuple[str, Iterable[pd.DataFrame]]]:
        """Each CSV file's name and its rows, block by block, to be read to their end."""
        for name in LABEL_FILES:
            yield name, self._read(name, progress)
        for name, table in derived_tables(self.labels.for_statistics(), progress):
            yield name, [table]
        files = [*FILES, *self.of_model]
        yield DICTIONARY, [pd.DataFrame(dictionary_rows(files, spreadsheet=spreadsheet))]
        for number, (name, table) in enumerate(self.of_model.items()):
            progress("figures", number, len(self.of_model))
            yield name, [table]

    def _read(self, name: str, progress: Progress) -> Iterator[pd.DataFrame]:
        table = name.removesuffix(".csv")
        for number, block in enumerate(self.labels.blocks(table)):
            progress(table, number, len(self.labels))
            yield block


def write_dataset(
    out: Path,
    *,
    session: Session,
    run_id: int,
    names: bool = False,
    selection: Selection = EVERYTHING,
    spreadsheet: bool = False,
    progress: Progress = untold,
) -> DatasetReport:
    """Write the answers of a run as a dataset folder, replacing a dataset that is there.

    `names` shows annotators by name instead of by pseudonym; `spreadsheet` adds copies for
    spreadsheet programs. Raises DatasetError if `out` holds something else, for an unknown
    annotator, or if a text cannot be carried by CSV; then nothing is written.
    """
    check_dataset_folder(out, _NAMES)
    dataset = _dataset(session=session, run_id=run_id, names=names, selection=selection)
    with new_files(out, outdated=[*SPREADSHEET_COPIES.values(), *MODEL_FILES]) as create:
        rows = _write(dataset, create, progress, spreadsheet=spreadsheet)
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

        _write(dataset, create, untold)
    return packed.getvalue()


def _dataset(
    *,
    session: Session,
    run_id: int,
    names: bool,
    selection: Selection = EVERYTHING,
    viewer_id: int | None = None,
) -> _Dataset:
    run = session.get(Run, run_id)
    assert run is not None, f"no run {run_id}"
    chosen = selection.checked(session=session, run_id=run_id)
    shown = None if names else pseudonyms(session.exec(select(Annotator)).all())
    filters = selection.described(shown)
    if viewer_id is not None and not sees_all(session=session, viewer_id=viewer_id, run_id=run_id):
        filters["keys"] = "answered by whoever took this dataset away"
    asked = Asked(
        run_id, chosen.status, viewer_id, layers=chosen.layers, annotators=chosen.annotators
    )
    labels = LabelTables(asked, shown, session=session)
    return _Dataset(run, filters, labels, *figures_for_dataset(run, chosen.layers))


def _write(
    dataset: _Dataset,
    create: Callable[[str], IO[bytes]],
    progress: Progress,
    *,
    spreadsheet: bool = False,
) -> dict[str, int]:
    """Create every file, the manifest last. Returns the rows of each canonical CSV file."""
    copies = SPREADSHEET_COPIES if spreadsheet else {}
    files: list[WrittenFile] = []
    rows: dict[str, int] = {}
    # How many threads add up a sum decides its last digit, and they wait for busy processors. The
    # limit is the whole process's, so whoever ends first would lift it for others.
    with _ONE_AT_A_TIME, threadpool_limits(limits=1, user_api="blas"):
        for name, blocks in dataset.tables(progress, spreadsheet=spreadsheet):
            written = _write_table(name, copies.get(name), blocks, create)
            rows[name] = written[0].rows or 0
            files += written
    about = describe(dataset.run, names=dataset.filters["annotators"] == "names")

    def write(name: str, content: bytes) -> None:
        with closing(create(name)) as file:
            file.write(content)
        files.append(WrittenFile(name, None, hashlib.sha256(content).hexdigest()))

    write(README, render_readme(about, rows, spreadsheet=spreadsheet))
    write(CROISSANT, render_croissant(about, files))
    write(MANIFEST, render_manifest(dataset.run, dataset.filters, files))
    return rows


def _write_table(
    name: str,
    copy: str | None,
    blocks: Iterable[pd.DataFrame],
    create: Callable[[str], IO[bytes]],
) -> list[WrittenFile]:
    """Write a table, and its copy for spreadsheet programs beside it."""
    guards = {name: None} if copy is None else {name: None, copy: guarded}
    digests = {file: hashlib.sha256() for file in guards}
    rows = 0
    with ExitStack() as opened:
        sinks = {file: opened.enter_context(closing(create(file))) for file in guards}

        def write(file: str, content: bytes) -> None:
            digests[file].update(content)
            sinks[file].write(content)

        for file in guards:
            write(file, csv_header(name) if file == name else MARK + csv_header(name))
        for block in blocks:
            rows += len(block)
            for file, guard in guards.items():
                for content in csv_rows(name, block, guard=guard):
                    write(file, content)
    return [WrittenFile(file, rows, digest.hexdigest()) for file, digest in digests.items()]


def _notice(rows: dict[str, int], selection: Selection) -> str | None:
    if rows["submissions.csv"]:
        return None
    if selection == EVERYTHING:
        return "Nothing has been submitted yet, so the files of answers hold only their headers."
    if not rows["keys.csv"]:
        return "No key of the run is in these layers, so most files hold only their headers."
    return "No answer fits these filters, so the files of answers hold only their headers."
