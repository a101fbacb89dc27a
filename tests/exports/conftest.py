"""A fresh database for each test of this room, and a labelled run in it."""

from collections.abc import Iterator

import pytest
from labelled_data import add_run, label
from sqlalchemy import Engine
from sqlmodel import Session

from annotations.database import make_engine, migrate
from annotations.database import session as open_session


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('database') / 'keyhole.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with open_session(engine) as opened:
        yield opened


@pytest.fixture
def labelled(session: Session) -> int:
    """The id of a run that three people have answered (see `label`)."""
    run_id = add_run(session)
    label(session, run_id)
    return run_id
