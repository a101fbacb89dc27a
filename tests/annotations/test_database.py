"""Migrations, sessions, and what a user is told about a database that does not work."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade
from alembic.migration import MigrationContext
from fresh_databases import PostgresDatabases
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel, select

from annotations.database import alembic_config, database_url, make_engine, migrate, session
from annotations.tables import Annotator
from mining.errors import AnnotationError


def names(engine: Engine) -> list[str]:
    with session(engine, read_only=True) as s:
        return [person.name for person in s.exec(select(Annotator))]


def test_the_migrations_make_exactly_the_tables_that_the_program_expects(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with session(engine) as s:
        s.add(Annotator(name="Ada"))
    migrate(engine)
    assert names(engine) == ["Ada"]


def test_the_first_revision_can_be_taken_back(engine: Engine) -> None:
    with engine.begin() as connection:
        downgrade(alembic_config(connection), "base")
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(AnnotationError, match=r"revision later.*update Keyhole"):
        migrate(engine)


def test_a_database_with_tables_of_another_program_is_left_alone(address: str) -> None:
    engine = make_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pattern (thread TEXT)"))
    with pytest.raises(AnnotationError, match="another program \\(pattern\\)"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["pattern"]
    engine.dispose()


def test_a_migration_that_fails_leaves_no_half_of_it(address: str) -> None:
    engine = make_engine(address)
    with engine.begin() as connection:
        # Not one of the program's tables, but one of its index names.
        connection.execute(text("CREATE TABLE elsewhere (id INTEGER)"))
        connection.execute(text("CREATE INDEX ix_tick_prefix_id ON elsewhere (id)"))
    with pytest.raises(Exception, match="ix_tick_prefix_id"):
        migrate(engine)
    assert set(inspect(engine).get_table_names()) == {"elsewhere"}
    engine.dispose()


def test_a_session_keeps_all_of_its_work_or_none(engine: Engine) -> None:
    with session(engine) as s:
        s.add(Annotator(name="Ada"))
    with pytest.raises(ZeroDivisionError), session(engine) as s:
        s.add(Annotator(name="Bob"))
        s.flush()
        _ = 1 / 0
    assert names(engine) == ["Ada"]


def test_a_read_only_session_cannot_write_and_leaves_the_next_one_free_to(engine: Engine) -> None:
    with pytest.raises(AnnotationError, match=r"read-?only"), session(engine, read_only=True) as s:
        s.add(Annotator(name="Ada"))
    with session(engine) as s:
        s.add(Annotator(name="Bob"))
    assert names(engine) == ["Bob"]


def test_a_reader_does_not_wait_for_a_writer_and_sees_no_half_of_its_work(engine: Engine) -> None:
    with session(engine) as writing:
        writing.add(Annotator(name="Ada"))
        writing.flush()
        assert names(engine) == []
    assert names(engine) == ["Ada"]


def test_rows_can_be_read_after_their_session_has_ended(engine: Engine) -> None:
    with session(engine) as s:
        ada = Annotator(name="Ada")
        s.add(ada)
    assert (ada.name, ada.id) == ("Ada", 1)


def test_a_row_that_refers_to_nothing_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), session(engine) as s:
        s.execute(text("INSERT INTO tick (pattern_id, prefix_id) VALUES (1, 1)"))


def test_the_environment_chooses_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert database_url() == "sqlite:///data/keyhole.db"
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/name")
    assert database_url() == "postgresql://host/name"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_a_postgresql_address_is_taken(
    scheme: str, postgres: PostgresDatabases
) -> None:
    engine = make_engine(scheme + postgres.empty().removeprefix("postgresql"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/name", "sqlite+aiosqlite:///x.db"])
def test_an_address_that_is_none_is_refused_before_anything_is_made(url: str) -> None:
    with pytest.raises(AnnotationError, match="sqlite:///FILE"):
        make_engine(url)


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    engine = make_engine(f"postgresql://ada:s3cret@/keyhole?host={tmp_path}")
    with pytest.raises(AnnotationError, match="cannot be used") as caught:
        migrate(engine)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_postgresql_database_is_a_mistake_the_user_can_mend(
    postgres: PostgresDatabases,
) -> None:
    engine = make_engine(postgres.empty() + "&dbname=absent")
    with pytest.raises(AnnotationError, match='"absent" does not exist'):
        migrate(engine)


def test_a_file_that_is_no_database_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Ada, " * 200, encoding="utf-8")
    with pytest.raises(AnnotationError, match="not a database"):
        migrate(make_engine(f"sqlite:///{file}"))
    assert file.read_text(encoding="utf-8") == "Dear Ada, " * 200


def test_a_folder_in_the_place_of_the_database_is_a_mistake_the_user_can_mend(
    tmp_path: Path,
) -> None:
    with pytest.raises(AnnotationError, match="unable to open"):
        migrate(make_engine(f"sqlite:///{tmp_path}"))


def test_a_folder_that_cannot_be_made_is_a_mistake_the_user_can_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AnnotationError, match="file/data of the database cannot be made"):
        make_engine(f"sqlite:///{tmp_path / 'file' / 'data' / 'x.db'}")


def test_a_fault_of_ours_is_not_blamed_on_the_user(engine: Engine) -> None:
    with pytest.raises(Exception, match="nowhere") as caught, session(engine) as s:
        s.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(caught.value, AnnotationError)


def test_sqlite_keeps_a_write_ahead_log_so_that_readers_need_not_wait(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    engine = make_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_not_every_text_fits_into_is_refused(
    postgres: PostgresDatabases,
) -> None:
    address = postgres.in_ascii()
    with pytest.raises(AnnotationError, match=r"is in SQL_ASCII.*createdb --encoding UTF8"):
        migrate(make_engine(address))
    postgres.drop(address)
