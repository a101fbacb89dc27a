"""Backups of the whole database, and putting one back, while annotators work.

On SQLite Keyhole does both. On PostgreSQL the server's own programs do; Keyhole names the command.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Engine

from annotations import accounts, audit
from annotations.database import check_known, make_engine, migrate, session
from annotations.sqlite_files import (
    beside,
    check_whole,
    copy_whole,
    file_of,
    is_database,
    put_back,
    revision_in,
)
from mining.errors import AnnotationError


@dataclass(frozen=True)
class Restored:
    """What putting a backup back did."""

    kept: Path | None  # what was there before; None: nothing
    revision: str  # of the backup


def backup(engine: Engine, file: Path, *, force: bool = False) -> None:
    """Copy the database to `file` as it is at one moment; `force` replaces a file that is there."""
    if engine.dialect.name == "postgresql":
        raise AnnotationError(
            f"PostgreSQL makes its own backups; run `{dump_command(engine.url, file)}`."
        )
    database = _file_of(engine.url)
    if not database.exists():
        raise AnnotationError(f"There is no database {database} to back up; check DATABASE_URL.")
    if file.exists() and file.samefile(database):
        raise AnnotationError(f"{file} is the database itself; name another file.")
    if file.exists() and not force:
        raise AnnotationError(f"{file} is there already; name another file, or give --force.")
    if file.is_dir() or Path(f"{file}-wal").exists():
        raise AnnotationError(f"{file} is a folder or a database in use; name another file.")
    _revision(database)
    copy_whole(database, file)


def restore(engine: Engine, file: Path) -> Restored:
    """Make the database what it was when `file` was written; what it was until now is kept.

    Raises AnnotationError, and changes nothing, where `file` is damaged, newer than the program or
    not Keyhole's. An older one is brought up to date. Programs that have the database open go on;
    everybody has to sign in again.
    """
    if engine.dialect.name == "postgresql":
        raise AnnotationError(
            f"PostgreSQL restores by itself; run `{restore_command(engine.url, file)}`."
        )
    database = _file_of(engine.url)
    if not file.is_file():
        raise AnnotationError(f"There is no file {file} to restore.")
    if database.exists() and file.samefile(database):
        raise AnnotationError(f"{file} is the database itself; name a backup of it.")
    revision = _revision(file)
    present = database.exists() and database.stat().st_size > 0
    if present and is_database(database):
        _revision(database)  # another program's would be lost to it
    kept = beside(database, "replaced") if present else None
    with TemporaryDirectory(prefix=".restore-", dir=database.parent) as folder:
        copy = Path(folder, "copy.db")
        copy_whole(file, copy)
        _prepare(copy, file, kept)
        if kept is None:
            copy_whole(copy, database)
        else:
            put_back(copy, database, kept)
    check_whole(database)
    return Restored(kept, revision)


def dump_command(url: URL, file: Path) -> str:
    """The command that backs a PostgreSQL database up; it asks for the password.

    Without sign-ins and invitations: what was ended since would go on once it is restored.
    """
    left_out = [f"--exclude-table-data={table}" for table in ("signin", "invitation")]
    how = ["--format=custom", *left_out, f"--file={file}"]
    return shlex.join(["pg_dump", *how, _without_password(url)])


def restore_command(url: URL, file: Path) -> str:
    """The command that puts such a backup back."""
    how = ["--clean", "--if-exists", "--single-transaction", f"--dbname={_without_password(url)}"]
    return shlex.join(["pg_restore", *how, str(file)])


def _prepare(copy: Path, file: Path, kept: Path | None) -> None:
    """Bring a copy of a backup up to date, and let its audit trail say where it comes from.

    Nobody is signed in to it: what was ended since it was written would go on.
    """
    engine = make_engine(f"sqlite:///{copy}")
    migrate(engine, keep_copy=False)
    with session(engine) as opened:
        accounts.sign_everybody_out(session=opened)
        audit.record(
            session=opened,
            who=audit.name_of(None, session=opened),
            what=audit.RESTORED,
            about=file.name,
            before=None,
            after=None if kept is None else {"kept": kept.name},
        )
    engine.dispose()


def _revision(file: Path) -> str:
    """The revision of a Keyhole database; AnnotationError where it is none, or too new."""
    revision = revision_in(file) if is_database(file) else None
    if revision is None:
        raise AnnotationError(
            f"{file} is no Keyhole database; name a file that `backup` has written."
        )
    check_known(revision, str(file))
    return revision


def _file_of(url: URL) -> Path:
    file = file_of(url)
    if file is None:
        raise AnnotationError("DATABASE_URL names no file; write sqlite:///FILE.")
    return file


def _without_password(url: URL) -> str:
    bare = url.set(drivername="postgresql").difference_update_query(["password"])
    # set() cannot take a password away.
    return URL.create(
        bare.drivername, bare.username, None, bare.host, bare.port, bare.database, bare.query
    ).render_as_string()
