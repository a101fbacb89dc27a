"""The engine and its sessions. SQLite unless DATABASE_URL says otherwise; PostgreSQL for many.

Only entry points build an engine; everything else takes a session. What a user can mend about a
database (a wrong address, a folder without rights, a file that is none) becomes an AnnotationError
of one line (`mendable.py`).
"""

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel, create_engine

from annotations import tables
from annotations.mendable import mendable, place_of, sqlite_code
from annotations.sqlite_files import beside, copy_whole, file_of
from mining.errors import AnnotationError

if TYPE_CHECKING:
    import psycopg

DEFAULT_URL = "sqlite:///data/keyhole.db"
_BUSY_SECONDS = 30  # how long a writer waits for another one before it gives up
_ASK_AGAIN = (0.002, 0.02)  # seconds until a waiting writer asks again
_CONNECT_SECONDS = 10
_LOCK = 0x6B6579  # any number that only this program uses, for PostgreSQL's advisory lock


def database_url() -> str:
    """The database to use: the environment's DATABASE_URL, or a SQLite file under `data/`."""
    return os.environ.get("DATABASE_URL") or DEFAULT_URL


def make_engine(url: str) -> Engine:
    """An engine for a SQLite or PostgreSQL address; makes the folder of a SQLite file."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise AnnotationError(
            "DATABASE_URL is no database address; write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None
    if address.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": _CONNECT_SECONDS},
            pool_pre_ping=True,  # the server may have been restarted since
        )
        event.listen(engine, "connect", _check_encoding, insert=True)
        return engine
    if address.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise AnnotationError(
            f"{address.drivername} is no database that Keyhole knows; use sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    _make_folder(address)
    engine = create_engine(address, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@dataclass(frozen=True)
class Migration:
    """What `migrate` did: nothing if `before` is `after`."""

    before: str | None  # None: there were no tables
    after: str
    kept: Path | None = None  # a copy of a SQLite database as it was before


def migrate(engine: Engine, *, keep_copy: bool = True) -> Migration:
    """Bring the tables up to date, or make them; of two processes one does, and the other waits.

    A SQLite database that is older is first copied to a file beside it. Raises AnnotationError for
    a database that is newer than the program or not Keyhole's.
    """
    with mendable(engine), engine.execution_options(migrating=True).begin() as connection:
        _one_at_a_time(connection)
        present, newest = _revision(connection), newest_revision()
        taken = set(inspect(connection).get_table_names()) & set(SQLModel.metadata.tables)
        if present is None and taken:
            raise AnnotationError(
                f"The database {place_of(engine)} holds tables of another program "
                f"({', '.join(sorted(taken))}); use an empty database."
            )
        kept = None
        if present != newest:
            if keep_copy and present is not None and engine.dialect.name == "sqlite":
                kept = _keep_copy(engine.url, present)
            command.upgrade(alembic_config(connection), "head")
            if connection.dialect.name == "sqlite":
                assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return Migration(present, newest, kept)


def revision_of(engine: Engine) -> str | None:
    """A database's revision, None without any; AnnotationError for one newer than the program."""
    file = file_of(engine.url) if engine.dialect.name == "sqlite" else None
    if file is not None and not file.exists():
        return None  # and looking would make it
    read_only = engine.execution_options(read_only=True)
    with mendable(engine), read_only.begin() as connection:
        return _revision(connection)


def newest_revision() -> str:
    """The revision that this program works with."""
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert newest is not None
    return newest


@contextmanager
def session(engine: Engine, *, read_only: bool = False) -> Iterator[Session]:
    """A session that commits at the end, or rolls back on an error. Keep it short; never nest two.

    On SQLite one writer works at a time and the others wait, so pages that only read should ask
    for a `read_only` session, which waits for nobody, cannot write, and sees one state throughout.
    """
    bind = engine.execution_options(read_only=True) if read_only else engine
    # Rows stay readable after the end: a page shows them when the transaction is long over.
    with mendable(engine), Session(bind, expire_on_commit=False) as opened:
        if read_only and engine.dialect.name == "postgresql":
            opened.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        yield opened
        opened.commit()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One statement without a session, for what every rerun of a page reads: half the time."""
    with mendable(engine), engine.execution_options(read_only=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


def shut_out_others(*, session: Session, run_id: int = 0) -> None:
    """Until this session ends, let no other one pass this line; first come, first served.

    For rare, wide writes; with a run's id only those wait that give the same one.
    """
    _one_at_a_time(session.connection(), run_id)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, for the transaction that `connection` is in."""
    config = Config()
    config.set_main_option("script_location", f"{tables.__package__}:migrations")
    config.attributes["connection"] = connection
    return config


def check_known(revision: str, place: str) -> None:
    """AnnotationError for the revision of a newer program, found at `place`."""
    script = ScriptDirectory.from_config(alembic_config())
    if revision not in {known.revision for known in script.walk_revisions()}:
        raise AnnotationError(
            f"The database {place} has revision {revision}, which this program does not know;"
            " update Keyhole or use another database."
        )


def _revision(connection: Connection) -> str | None:
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None:
        check_known(present, place_of(connection.engine))
    return present


def _keep_copy(address: URL, revision: str) -> Path | None:
    """A copy as long as nobody else can write; None for a database in memory."""
    file = file_of(address)
    if file is None:
        return None
    kept = beside(file, revision)
    copy_whole(file, kept)
    return kept


def _one_at_a_time(connection: Connection, number: int = 0) -> None:
    # On SQLite, BEGIN IMMEDIATE has shut the others out already.
    if connection.dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:lock, :number)")
        connection.execute(statement, {"lock": _LOCK, "number": number})


def _make_folder(address: URL) -> None:
    file = file_of(address)
    if file is None:
        return
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as mistake:
        raise AnnotationError(
            f"The folder {folder} of the database cannot be made ({mistake.strerror}); "
            "set DATABASE_URL to a place you may write to."
        ) from None


def _check_encoding(connection: "psycopg.Connection", _: ConnectionPoolEntry) -> None:
    """Before SQLAlchemy asks anything: it cannot read the answers of a database in SQL_ASCII."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise AnnotationError(
            f"The database {connection.info.dbname} is in {encoding}, which not every text fits"
            " into; make it with `createdb --encoding UTF8 --template template0`."
        )


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # _begin_sqlite begins, and never Python's driver
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as mistake:
            # Two first connections at once: SQLite refuses one of them without waiting.
            if sqlite_code(mistake) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    read_only = bool(options.get("read_only"))
    # Rebuilding a table, as later migrations must, would cascade its deletion to others.
    settings = {"query_only": read_only, "foreign_keys": not options.get("migrating")}
    for name, on in settings.items():
        if connection.info.get(name) != on:  # as this connection's last transaction left it
            connection.exec_driver_sql(f"PRAGMA {name} = {on:d}")
            connection.info[name] = on
    # A transaction that reads first and writes later would fail at once if another process has
    # written in between; whoever may write therefore takes the lock, and waits for it, up front.
    if read_only:
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_writing(connection)


def _begin_writing(connection: Connection) -> None:
    """Begin when no other process writes; wait for it as long as everybody else does.

    SQLite itself asks ever more rarely, so that whoever has waited longest loses to newcomers, for
    longer than its patience when many write. Here all ask equally often.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    deadline = time.monotonic() + _BUSY_SECONDS
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < deadline:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as mistake:
                if sqlite_code(mistake) != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(random.uniform(*_ASK_AGAIN))
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # whose error SQLAlchemy tells in its way
    finally:
        driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
