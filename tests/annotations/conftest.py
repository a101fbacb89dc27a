"""A fresh database for every test, on SQLite and on a real PostgreSQL server.

Tables, and a run to label, are made once an engine; each test gets a copy of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from desk import Desk, set_up_desk
from fresh_databases import PostgresDatabases, SqliteDatabases
from scene import Scene, set_the_scene
from sqlalchemy import Engine

from annotations.database import make_engine, migrate

Databases = SqliteDatabases | PostgresDatabases


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """A server that lives as long as the tests."""
    # Not below pytest's own folder: another test run closes that to all users but its own, and
    # PostgreSQL never runs as root.
    with TemporaryDirectory(prefix="keyhole-", ignore_cleanup_errors=True) as folder:
        databases = PostgresDatabases(Path(folder))
        yield databases
        databases.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    if request.param == "sqlite":
        return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))
    found: PostgresDatabases = request.getfixturevalue("postgres")
    return found


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> str:
    """The address of a database with all tables, for copying."""
    address = databases.empty()
    engine = make_engine(address)
    migrate(engine)
    engine.dispose()
    return address


@pytest.fixture(scope="session")
def first_desk(
    databases: Databases, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Desk]:
    """The same with something to label and somebody to do it."""
    address = databases.copy(migrated)
    engine = make_engine(address)
    desk = set_up_desk(engine, tmp_path_factory.mktemp("desk") / "first run")
    engine.dispose()
    return address, desk


@pytest.fixture
def address(databases: Databases) -> Iterator[str]:
    """The address of an empty database."""
    address = databases.empty()
    yield address
    databases.drop(address)


@pytest.fixture
def engine(databases: Databases, migrated: str) -> Iterator[Engine]:
    """A database with all tables and no row."""
    address = databases.copy(migrated)
    engine = make_engine(address)
    yield engine
    engine.dispose()
    databases.drop(address)


@pytest.fixture
def desk(databases: Databases, first_desk: tuple[str, Desk]) -> Iterator[Desk]:
    """A database with a run to label, and Ada and Bob to label it."""
    original, desk = first_desk
    address = databases.copy(original)
    engine = make_engine(address)
    yield replace(desk, engine=engine)
    engine.dispose()
    databases.drop(address)


@pytest.fixture
def here(databases: Databases, migrated: str) -> Iterator[Engine]:
    """A second, empty database beside the desk's."""
    address = databases.copy(migrated)
    engine = make_engine(address)
    yield engine
    engine.dispose()
    databases.drop(address)


@pytest.fixture(scope="module")
def scene(databases: Databases, first_desk: tuple[str, Desk]) -> Iterator[Scene]:
    """A team at work, for files whose tests change nothing."""
    original, desk = first_desk
    address = databases.copy(original)
    engine = make_engine(address)
    yield set_the_scene(replace(desk, engine=engine))
    engine.dispose()
    databases.drop(address)
