"""No text is lost on the way out and back: it survives, or it is refused by its place."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelled_data import add_run, contents, label
from sqlalchemy import Engine, text
from sqlmodel import SQLModel, col, select

from annotations.answers import is_blank, is_printable
from annotations.database import make_engine, migrate
from annotations.database import session as open_session
from annotations.dataset_import import import_dataset
from annotations.tables import Pattern, Prefix, Run
from exports.dataset import write_dataset
from mining.errors import KeyholeError

AWKWARD = st.sampled_from(
    ['"', '""', ",", "\n", "\r", "\r\n", "=", "+", "-", "@", "\t", " ", "NA", "\ufeff", "\u202e",
     "שלום", "🦉", "\u2028", "\x1c", "\x85", "'", "\\", "#", ";", "nan", "\x7f", "e\u0301"]
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.one_of(
    AWKWARD, st.sampled_from(["", "\0", "a\0b"]),
    st.lists(st.one_of(AWKWARD, LETTERS), max_size=8).map("".join),
)  # fmt: skip


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('other') / 'keyhole.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


def emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys = on"))
        for table in reversed(SQLModel.metadata.sorted_tables):
            if table.name != "audit":  # which refuses it
                connection.execute(table.delete())


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXTS, TEXTS, st.lists(st.integers(0, 99), max_size=4).map(sorted))
def test_a_text_survives_or_is_refused_by_its_place(
    engine: Engine, other: Engine, prefix: str, description: str, ends: list[int]
) -> None:
    for one in (engine, other):
        emptied(one)
    with open_session(engine) as session:
        run_id = add_run(session)
        label(session, run_id)
        row = session.exec(select(Prefix).where(Prefix.rank == 2)).first()
        row.text, row.next_token, row.token_ends = prefix, description, ends
        pattern = session.exec(select(Pattern).order_by(col(Pattern.id))).first()
        pattern.description = description
        session.add(row)
        session.add(pattern)
    with TemporaryDirectory() as folder:
        first = written(engine, Path(folder, "first"))
        if first is None:
            assert "\0" in prefix + description
            return
        try:
            with open_session(other) as there:
                import_dataset(Path(folder, "first"), session=there)
        except KeyholeError as refusal:
            # Nobody can have written that as a description; the line says where it is.
            assert not is_printable(description) or is_blank(description)
            assert "line" in str(refusal)
            return
        assert written(other, Path(folder, "again")) == first


def written(engine: Engine, out: Path) -> dict[str, bytes] | None:
    """The files, or None where the export was refused by file, column and row."""
    with open_session(engine, read_only=True) as session:
        run = session.exec(select(Run)).one()
        try:
            write_dataset(out, session=session, run_id=run.id)
        except KeyholeError as refusal:
            assert "column" in str(refusal) and "NUL" in str(refusal)
            assert not out.exists()
            return None
    return contents(out)
