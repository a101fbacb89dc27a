"""The run folder: the one thing mining hands to everybody else. Reads and writes it, without torch.

Schema 1. `manifest.json` is written last, so its presence means that the run is complete. Each
table is a Parquet file whose columns are fixed in SCHEMAS; readers may rely on them, and on rows
being sorted by layer, key, (sign,) rank.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from mining import run_tables
from mining.errors import RunFolderError

SCHEMA = 1
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint.npz"  # of an unfinished run
SHARDS = "shards"  # of an unfinished run on a cluster: what has been mined of it, in files
LOCK = "mining.lock"  # held by the process that writes the run
_TEMPORARY = ".partial"

SCHEMAS = run_tables.SCHEMAS


@dataclass(frozen=True)
class Manifest:
    """What a run was made from and how; enough to make it again. Seconds are wall-clock."""

    model: str  # the MODEL argument as given, or the folder's name
    architecture: str  # the transformers class, e.g. GPT2LMHeadModel
    weights_sha256: str
    layers: int  # of the model; `mined_layers` says which were mined
    d_model: int
    d_ff: int  # keys a layer
    activation: str
    gated: bool
    tokenizer_sha256: str
    corpus: str
    corpus_sha256: str  # of the sentences' text, in order
    sentences: int
    tokens: int
    skipped: dict[str, int]  # reason → how many sentences or positions
    bos: bool  # whether a BOS token was fed before each sentence
    top_k: int
    per_sentence: str  # one | all
    ranked: str  # the tensor that was ranked
    sign: str  # positive | both
    dtype: str
    device: str
    seed: int
    command_line: list[str]
    versions: dict[str, str]
    wall_seconds: float
    tokens_per_second: float
    mined_layers: list[int]
    model_revision: str | None = None
    schema: int = SCHEMA
    extra: dict[str, Any] = field(default_factory=dict)  # what later analyses add


class RunFolder:
    """A complete run on disk, opened for reading."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Open a complete run; a RunFolderError says what is wrong with anything else."""
        path = Path(path)
        if not path.is_dir():
            raise RunFolderError(f"{path} is not a folder; give the --out folder of a mining run.")
        manifest_path = path / MANIFEST
        if not manifest_path.is_file():
            raise RunFolderError(
                f"{path} holds no {MANIFEST}, so no complete run; mine again into a new folder."
            )
        try:
            stored = json.loads(manifest_path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as mistake:
            raise RunFolderError(f"{manifest_path} is not JSON ({mistake}); mine again.") from None
        if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
            found = stored.get("schema") if isinstance(stored, dict) else None
            raise RunFolderError(
                f"{path} has run-folder schema {found}; this version reads {SCHEMA}."
            )
        known = {entry.name for entry in fields(Manifest)}
        try:
            manifest = Manifest(**{name: stored[name] for name in stored if name in known})
        except TypeError as mistake:
            raise RunFolderError(f"{manifest_path} is incomplete: {mistake}.") from None
        return cls(path, manifest)

    def triggers(self, layer: int | None = None, key: int | None = None) -> pd.DataFrame:
        """Trigger rows, all of them or one layer's or one key's, in stored order."""
        return self._read("triggers", layer=layer, key=key)

    def keys(self, layer: int | None = None) -> pd.DataFrame:
        """One row a key: how many triggers it has, and how it fires over the corpus."""
        return self._read("keys", layer=layer)

    def sentences(self) -> pd.DataFrame:
        """The sentences that triggers refer to, indexed by sentence_id."""
        return self._read("sentences").set_index("sentence_id")

    def shading(self, layer: int | None = None) -> pd.DataFrame | None:
        """Sampled keys' coefficients at each token of their positive triggers; None: not stored.

        `coefficients` is a float32 array a row, as long as the prefix: the last number is that of
        the trigger. Sorted by layer, key, rank.
        """
        return self._read_added(
            "shading", "delete it and run `python -m mining shade`", layer=layer
        )

    def values(self, layer: int | None = None, key: int | None = None) -> pd.DataFrame | None:
        """What values push towards (figures 4, 5), all or one key's; None: not analysed."""
        return self._read_added("values", layer=layer, key=key)

    def predictive_values(self) -> pd.DataFrame | None:
        """The surest values (table 3); None: not analysed."""
        return self._read_added("predictive_values")

    def removal(self) -> pd.DataFrame | None:
        """Coefficients of triggers with a token removed (figure 3); None: not analysed."""
        return self._read_added("removal")

    def composition(self) -> pd.DataFrame | None:
        """Sampled prefixes in each layer (figures 6 to 10); None: not analysed."""
        return self._read_added("composition")

    def _read_added(
        self, table: str, mend: str = "run `python -m mining analyse`", **equal: int | None
    ) -> pd.DataFrame | None:
        if not (self.path / f"{table}.parquet").exists():
            return None
        return self._read(table, f"{mend} again", **equal)

    def _read(self, table: str, mend: str = "mine again", **equal: int | None) -> pd.DataFrame:
        chosen = [(name, "==", value) for name, value in equal.items() if value is not None]
        path = self.path / f"{table}.parquet"
        try:
            return pq.read_table(path, filters=chosen or None).to_pandas()
        except (OSError, pa.ArrowInvalid) as mistake:
            raise RunFolderError(f"{path} cannot be read ({mistake}); {mend}.") from None


class RunWriter:
    """A run being written. Files appear under their own names only once they are whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, table: str, rows: pa.Table) -> None:
        """Write one table whole; its columns must be those of SCHEMAS, in that order."""
        target = self.path / f"{table}.parquet"
        partial = target.with_suffix(_TEMPORARY)
        pq.write_table(rows, partial, compression="zstd")
        _replace(partial, target)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest: from now on the run is complete."""
        write_whole(self.path / MANIFEST, manifest_text(asdict(manifest)))


def manifest_text(stored: dict[str, Any]) -> str:
    """The manifest as it stands in its file."""
    return json.dumps(stored, indent=2, ensure_ascii=False) + "\n"


def write_whole(target: Path, text: str) -> None:
    """Write a text file under its own name only once it is whole."""
    partial = target.with_name(target.name + _TEMPORARY)
    partial.write_text(text, encoding="utf-8")
    _replace(partial, target)


def _replace(partial: Path, target: Path) -> None:
    """Give a file its own name once all of it has reached the disk."""
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(target)


def check_vacant(path: str | Path, *, resume: bool = False) -> Path:
    """The path, if a run may be written there: absent, empty, or with `resume` an unfinished run.

    A complete run is left to `resume` too: there is nothing to do then.
    """
    path = Path(path)
    if not path.exists():
        return path
    if not path.is_dir():
        raise RunFolderError(f"{path} is a file; choose another --out.")
    names = {child.name for child in path.iterdir()}
    if MANIFEST in names:
        if resume:
            return path
        raise RunFolderError(f"{path} already holds a run; choose another --out or delete it.")
    foreign = sorted(name for name in names if not _ours(name))
    if foreign:
        raise RunFolderError(
            f"{path} is not an empty folder ({foreign[0]} is in it); choose another --out."
        )
    if names - {LOCK} and not resume:
        raise RunFolderError(
            f"{path} holds a run that was interrupted; go on with --resume, or delete the folder."
        )
    return path


def _ours(name: str) -> bool:
    tables = {f"{table}.parquet" for table in SCHEMAS}
    return name in tables | {MANIFEST, CHECKPOINT, SHARDS, LOCK} or name.endswith(_TEMPORARY)


@contextmanager
def new_run_folder(path: str | Path, *, resume: bool = False) -> Iterator[RunWriter]:
    """Claim a folder for a run, alone; a run that fails leaves only what it can go on from."""
    path = check_vacant(path, resume=resume)
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunFolderError(
            f"{path} is being written by another process; wait for it, or choose another --out."
        ) from None
    try:
        if not (path / MANIFEST).exists():
            _clear(path, keep={LOCK, *_begun(path)})
        yield RunWriter(path)
        (path / CHECKPOINT).unlink(missing_ok=True)
        shutil.rmtree(path / SHARDS, ignore_errors=True)
    except BaseException:
        begun = _begun(path)
        if not (path / MANIFEST).exists():
            _clear(path, keep={LOCK, *begun})
        lock.release()
        (path / LOCK).unlink(missing_ok=True)
        for folder in made if not begun else ():  # innermost first; what was there before stays
            folder.rmdir()
        raise
    else:
        lock.release()
        (path / LOCK).unlink(missing_ok=True)


def _begun(path: Path) -> set[str]:
    """What is there of an unfinished run that it can go on from."""
    shards = {SHARDS} if any((path / SHARDS).glob("*.npz")) else set()
    return shards | ({CHECKPOINT} if (path / CHECKPOINT).exists() else set())


def _clear(path: Path, keep: set[str]) -> None:
    for child in path.iterdir():
        if child.name not in keep:
            shutil.rmtree(child) if child.is_dir() else child.unlink()
