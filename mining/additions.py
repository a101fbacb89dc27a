"""What is added to a complete run: by one process at a time, tables whole, the account of it last.

The manifest stays what mining wrote, but for `extra["analyses"]`; a run's fingerprint leaves that
out, so that an analysed run is still the same run.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mining.errors import RunFolderError
from mining.run_folder import LOCK, MANIFEST, manifest_text, write_whole

ANALYSES = "analyses"  # in the manifest's `extra`


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """While nobody else writes this run, so that no addition is lost."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunFolderError(
            f"{folder} is being written by another process; wait until it is done."
        ) from None
    try:
        yield
    finally:
        lock.release()
        (folder / LOCK).unlink(missing_ok=True)


def account_of(folder: Path) -> dict[str, Any]:
    """Part → what the manifest now says of that analysis."""
    analyses = _stored(folder)["extra"].get(ANALYSES, {})
    assert isinstance(analyses, dict)
    return analyses


def account(folder: Path, part: str, said: Mapping[str, Any] | None) -> None:
    """Say in the manifest what a part did, once its tables are there; None: forget it."""
    stored = _stored(folder)
    analyses = {**stored["extra"].pop(ANALYSES, {}), part: said}
    analyses = {name: one for name, one in analyses.items() if one is not None}
    if analyses:
        stored["extra"][ANALYSES] = analyses
    write_whole(folder / MANIFEST, manifest_text(stored))


def fingerprint(folder: Path) -> str:
    """SHA-256 of the manifest as mining wrote it, whatever has been analysed since."""
    written = (folder / MANIFEST).read_bytes()
    stored = json.loads(written)
    if stored.get("extra", {}).pop(ANALYSES, None) is not None:
        written = manifest_text(stored).encode()
    return hashlib.sha256(written).hexdigest()


def _stored(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    stored.setdefault("extra", {})
    return stored
