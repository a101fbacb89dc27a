"""Errors of a database that a user can mend, each in one line; a password is never shown."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from mining.errors import AnnotationError

# The errors that are the user's, not ours: SQLite's by the low byte of their code, PostgreSQL's by
# the start of their state (lost connection, rights, read-only, resources, shutdown).
_USERS_CODES = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
)
_USERS_STATES = ("08", "42501", "25006", "53", "57P")


@contextmanager
def mendable(engine: Engine) -> Iterator[None]:
    """Turn those errors of the driver that a user can mend into one line."""
    try:
        yield
    except DBAPIError as mistake:
        reason = str(mistake.orig).strip().splitlines()
        if not _is_users(mistake):
            raise
        raise AnnotationError(
            f"The database {place_of(engine)} cannot be used:"
            f" {reason[0] if reason else 'no reason'}."
            " Check DATABASE_URL, its rights and its disk, and that no program holds it."
        ) from None


def _is_users(mistake: DBAPIError) -> bool:
    if isinstance(mistake.orig, sqlite3.Error):
        return sqlite_code(mistake.orig) in _USERS_CODES
    state: str | None = getattr(mistake.orig, "sqlstate", None)
    if state is None:  # the server said nothing, because it was never reached
        return isinstance(mistake, OperationalError)
    return state.startswith(_USERS_STATES)


def sqlite_code(mistake: sqlite3.Error) -> int:
    """SQLite's own code of an error, without what extends it."""
    return getattr(mistake, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def place_of(engine: Engine) -> str:
    """A database's address as it may be shown."""
    return engine.url.difference_update_query(["password"]).render_as_string(hide_password=True)
