"""The dataset of one run: everything its annotators said, as tidy CSV files with their provenance.

Files are rendered in memory, written under temporary names and renamed, the manifest last. Nothing
in them depends on when or where they are written, so that the same database gives the same bytes.
Unless asked for names, annotators appear under pseudonyms (pseudonyms.py).
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlmodel import Session, select

from annotations.frames import dataset_frames, of_people
from annotations.statistics import layer_statistics
from annotations.tables import Annotator, Run
from exports.columns import DICTIONARY, FILES, STATISTICS, dictionary_rows
from exports.csv_files import render_csv
from exports.folders import FORMAT, MANIFEST, check_dataset_folder, write_files
from exports.pseudonyms import pseudonyms, under_pseudonyms
from exports.readme import README, render_readme
from mining import __version__

SCHEMA = 1
BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED = 1000, 0
_NAMES = (*FILES, README, MANIFEST)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say; the real one would change the bytes


@dataclass(frozen=True)
class DatasetReport:
    """What was written: the folder, the rows of each CSV file, and a notice if it is empty."""

    folder: Path
    rows: dict[str, int]
    notice: str | None


def write_dataset(
    out: Path, *, session: Session, run_id: int, names: bool = False
) -> DatasetReport:
    """Write the submitted answers of a run as a dataset folder, replacing a dataset that is there.

    `names` shows annotators by name instead of by pseudonym. Raises DatasetError if `out` holds
    something else, or if a text cannot be carried by CSV; then nothing is written.
    """
    check_dataset_folder(out, _NAMES)
    frames = _frames(session=session, run_id=run_id, names=names)
    write_files(out, _render(frames, session=session, run_id=run_id, names=names))
    rows = {name: len(frame) for name, frame in frames.items()}
    notice = None
    if not rows["submissions.csv"]:
        notice = "Nothing has been submitted yet, so the files of answers hold only their headers."
    return DatasetReport(out, rows, notice)


def dataset_zip(
    *, session: Session, run_id: int, names: bool = False, viewer_id: int | None = None
) -> bytes:
    """The same files as `write_dataset` writes, as a ZIP without folders; same data, same bytes.

    For a viewer, only answers to keys that this person may see others' answers to.
    """
    frames = _frames(session=session, run_id=run_id, names=names, viewer_id=viewer_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in _render(frames, session=session, run_id=run_id, names=names).items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.create_system = 3  # Unix, whatever machine packs it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _frames(
    *, session: Session, run_id: int, names: bool, viewer_id: int | None = None
) -> dict[str, pd.DataFrame]:
    """Every CSV file's frame by file name. Statistics see real names: `gold` counts alone."""
    stored = dataset_frames(session=session, run_id=run_id, viewer_id=viewer_id)
    statistics = layer_statistics(of_people(stored), rounds=BOOTSTRAP_ROUNDS, seed=BOOTSTRAP_SEED)
    if not names:
        everybody = session.exec(select(Annotator)).all()
        stored = under_pseudonyms(stored, pseudonyms(everybody))
    frames = {f"{table}.csv": frame for table, frame in stored.items()}
    frames[STATISTICS] = statistics
    frames[DICTIONARY] = pd.DataFrame(dictionary_rows())
    return {name: frames[name] for name in FILES}


def _render(
    frames: dict[str, pd.DataFrame], *, session: Session, run_id: int, names: bool
) -> dict[str, bytes]:
    """File name → bytes, the manifest last."""
    run = session.get(Run, run_id)
    assert run is not None, f"no run {run_id}"
    files = {name: render_csv(name, frame) for name, frame in frames.items()}
    files[README] = render_readme(run.name, run.model, run.corpus, names=names).encode("utf-8")
    described: list[dict[str, Any]] = [
        {
            "name": name,
            "rows": len(frames[name]) if name in frames else None,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in files.items()
    ]
    manifest = {
        "format": FORMAT,
        "schema": SCHEMA,
        "software": {"name": "keyhole", "version": __version__},
        "run": {
            "name": run.name,
            "model": run.model,
            "corpus": run.corpus,
            "fingerprint": run.fingerprint,
            "layers": run.layers,
            "d_ff": run.d_ff,
            "top_k": run.top_k,
        },
        "filters": {"status": "submitted", "annotators": "names" if names else "pseudonyms"},
        "bootstrap": {"rounds": BOOTSTRAP_ROUNDS, "seed": BOOTSTRAP_SEED, "confidence": 0.95},
        "files": described,
    }
    files[MANIFEST] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    return files
