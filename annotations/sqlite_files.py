"""SQLite databases copied and put back while other programs read and write them.

Everything goes through SQLite's own backup interface: a file that is copied or replaced while
somebody has it open loses what stands in its write-ahead log. A copy has its name only when it is
whole, checked and on the disk.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from mining.errors import AnnotationError

OURS = ("run", "annotator", "submission")  # tables by which a database is known as Keyhole's
_PATIENCE = 30.0  # seconds to wait for somebody who writes
_PAGES = 1  # a step, where the first step must not be the last


def file_of(address: URL) -> Path | None:
    """The file of a SQLite address; None for a database in memory and for SQLite's own URIs."""
    name = address.database
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name)


def beside(database: Path, label: str) -> Path:
    """A name for a copy beside a database that no file has yet: with the time and a label."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    names = (
        database.with_name(f"{database.stem}-{moment}-{label}{again}{database.suffix}")
        for again in ("", *(f"-{number}" for number in range(2, 1000)))
    )
    return next(name for name in names if not name.exists())


def copy_whole(source: Path, target: Path, *, check: bool = True) -> None:
    """Copy a database as it is at one moment, whoever writes; replaces a `target` that is there.

    Raises AnnotationError where the source is no database or, with `check`, damaged.
    """
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        part = Path(folder, target.name)
        with _one_line(source), closing(_opened(source)) as old, closing(_opened(part)) as new:
            old.backup(new)  # all pages in one step, which is one moment
            # One file instead of three; it goes back to a log when Keyhole opens it.
            new.execute("PRAGMA journal_mode = DELETE")
            if check:
                _check(new, source)
        _put_on_disk(part)
        part.replace(target)
    _put_on_disk(target.parent)


def put_back(copy: Path, database: Path, kept: Path) -> None:
    """Make `database` what `copy` is, and keep what it was as `kept`, which must not exist.

    Programs that have the database open go on with the new content. Between what is kept and what
    is put back nobody can write: what was stored by then is in `kept`.
    """
    if not is_database(database):
        for end in ("-wal", "-shm", ""):  # nobody can be at work in it
            if (part := Path(f"{database}{end}")).exists():
                part.rename(f"{kept}{end}")
        copy_whole(copy, database)
        return
    with _one_line(database), closing(_opened(copy)) as new, closing(_opened(database)) as old:
        # From the first step on `old` is locked against writers, and unchanged until the last.
        step = _once_locked(lambda: copy_whole(database, kept, check=False), database)
        new.backup(old, pages=_PAGES, progress=step)
    assert kept.exists()


def is_database(file: Path) -> bool:
    """Whether SQLite can open a file at all."""
    with _one_line(file), closing(_opened(file)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as mistake:
            code: int = getattr(mistake, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                return False
            raise
    return True


def revision_in(file: Path) -> str | None:
    """The revision that a database says it has, read without changing a byte of it."""
    with _one_line(file), closing(_opened(file)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", *OURS} <= tables:
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])


def check_whole(file: Path) -> None:
    """AnnotationError for a database that is damaged, or none."""
    with _one_line(file), closing(_opened(file)) as connection:
        _check(connection, file)


def _check(connection: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
    if found != ["ok"]:
        raise AnnotationError(
            f"The database {file} is damaged ({found[0]}); use a backup of it instead."
        )


def _once_locked(work: Callable[[], None], database: Path) -> Callable[[int, int, int], None]:
    """A progress function that does the work after the first step that got its lock."""
    done = False
    deadline = time.monotonic() + _PATIENCE

    def step(status: int, remaining: int, _: int) -> None:
        nonlocal done
        if status == sqlite3.SQLITE_OK and not done:
            assert remaining, "the first step was the last"
            done = True
            work()
        elif status != sqlite3.SQLITE_OK and time.monotonic() > deadline:
            raise AnnotationError(
                f"Another program keeps the database {database} locked; stop it and try again."
            )

    return step


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)


@contextmanager
def _one_line(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as mistake:
        raise AnnotationError(f"The database {file} cannot be copied: {mistake}.") from None


def _put_on_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
