"""Backups and restoring: whole, checked, kept, and safe while others have the database open."""

import shlex
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from door import NOON, do, enter, who, with_password
from fresh_databases import PostgresDatabases
from sqlalchemy import Engine, make_url, text
from sqlmodel import select
from test_annotations_cli import Command, command, refused  # noqa: F401 (a fixture)

from annotations import audit
from annotations.backups import backup, dump_command, restore, restore_command
from annotations.database import make_engine, migrate, session
from annotations.invitations import invite, invited
from annotations.people import add_annotator
from annotations.tables import Annotator, utc_now
from mining.errors import AnnotationError


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A SQLite database with Ada; it stays open, as in a running app."""
    engine = make_engine(f"sqlite:///{tmp_path / 'data' / 'keyhole.db'}")
    migrate(engine)
    add(engine, "Ada")
    yield engine
    engine.dispose()


def add(engine: Engine, name: str) -> None:
    with session(engine) as s:
        add_annotator(session=s, name=name)


def names(engine: Engine) -> list[str]:
    with session(engine, read_only=True) as s:
        return sorted(s.exec(select(Annotator.name)))


def names_in(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return sorted(row[0] for row in connection.execute("SELECT name FROM annotator"))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_running_app_goes_on_with_what_was_restored(engine: Engine, tmp_path: Path) -> None:
    backup(engine, tmp_path / "b.db")
    add(engine, "Bob")
    with engine.connect() as reading:  # a page that is being read
        assert reading.execute(text("SELECT COUNT(*) FROM annotator")).scalar() == 2
        reading.rollback()
        done = restore(engine, tmp_path / "b.db")
        assert reading.execute(text("SELECT COUNT(*) FROM annotator")).scalar() == 1
    assert names(engine) == ["Ada"]
    assert names_in(done.kept) == ["Ada", "Bob"]
    add(engine, "Cyd")
    assert names(engine) == ["Ada", "Cyd"]
    with session(engine, read_only=True) as s:
        assert [row.what for row in audit.entries(session=s)] == [
            "user added", "backup restored", "user added",
        ]  # fmt: skip


def test_a_backup_is_one_moment_while_others_write(engine: Engine, tmp_path: Path) -> None:
    with session(engine) as s:
        s.execute(text("CREATE TABLE pair (l INTEGER, r INTEGER)"))
        s.execute(text("INSERT INTO pair VALUES (0, 0)"))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with session(engine) as s:
                s.execute(text("UPDATE pair SET l = l + 1"))
                s.execute(text("UPDATE pair SET r = r + 1"))

    writer = threading.Thread(target=write)
    writer.start()
    found = []
    for number in range(8):
        backup(engine, tmp_path / f"{number}.db")
        with closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
            found += copy.execute("SELECT l, r FROM pair").fetchall()
    stop.set()
    writer.join()
    assert all(left == right for left, right in found)
    assert found[-1][0] > found[0][0]


def test_what_is_acknowledged_while_a_backup_is_restored_is_never_lost(
    engine: Engine, tmp_path: Path
) -> None:
    """Every change is in the database from then on, or in what was kept of it."""
    backup(engine, tmp_path / "b.db")
    acknowledged, stop = [], threading.Event()

    def write() -> None:
        while not stop.is_set():
            add(engine, f"p{len(acknowledged)}")
            acknowledged.append(f"p{len(acknowledged)}")

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 5:
        pass
    done = restore(engine, tmp_path / "b.db")
    seen = len(acknowledged)
    while len(acknowledged) < seen + 3:
        pass
    stop.set()
    writer.join()
    assert set(acknowledged) <= {*names_in(done.kept), *names(engine)}


def test_a_backup_is_not_overwritten_unless_asked(engine: Engine, tmp_path: Path) -> None:
    backup(engine, tmp_path / "b.db")
    add(engine, "Bob")
    with pytest.raises(AnnotationError, match=r"there already.*--force"):
        backup(engine, tmp_path / "b.db")
    assert names_in(tmp_path / "b.db") == ["Ada"]
    backup(engine, tmp_path / "b.db", force=True)
    assert names_in(tmp_path / "b.db") == ["Ada", "Bob"]
    assert files(tmp_path) == {"b.db", "data"}


def test_the_database_is_not_backed_up_over_itself(engine: Engine, tmp_path: Path) -> None:
    for move in (backup, restore):
        with pytest.raises(AnnotationError, match="database itself"):
            move(engine, tmp_path / "data" / "keyhole.db")


def test_a_damaged_database_makes_no_backup(engine: Engine, tmp_path: Path) -> None:
    database = tmp_path / "data" / "keyhole.db"
    engine.dispose()
    damage(database)
    with pytest.raises(AnnotationError, match=r"damaged|malformed"):
        backup(make_engine(f"sqlite:///{database}"), tmp_path / "b.db")
    assert files(tmp_path) == {"data"}


def damage(file: Path) -> None:
    """Overwrite pages in the middle; the header and the list of tables stay."""
    content = bytearray(file.read_bytes())
    content[3 * 4096 : 20 * 4096] = b"\xff" * (17 * 4096)
    file.write_bytes(content)


@pytest.mark.parametrize("fault", ["letter", "empty", "another program", "damaged", "newer"])
def test_what_is_no_good_backup_changes_nothing(engine: Engine, tmp_path: Path, fault: str) -> None:
    file = tmp_path / "b.db"
    backup(engine, file)
    add(engine, "Bob")
    if fault == "letter":
        file.write_text("Dear Ada, " * 2000)
    elif fault == "empty":
        file.write_bytes(b"")
    elif fault == "damaged":
        damage(file)
    else:
        with closing(sqlite3.connect(file)) as connection, connection:
            change = "UPDATE alembic_version SET version_num = 'later'"
            connection.execute("DROP TABLE submission" if fault == "another program" else change)
    before = file.read_bytes()
    with pytest.raises(AnnotationError) as caught:
        restore(engine, file)
    assert "b.db" in str(caught.value)
    assert names(engine) == ["Ada", "Bob"]
    assert file.read_bytes() == before
    assert not [name for name in files(tmp_path / "data") if "replaced" in name or "rest" in name]


def test_a_database_that_is_damaged_can_be_replaced(engine: Engine, tmp_path: Path) -> None:
    database = tmp_path / "data" / "keyhole.db"
    backup(engine, tmp_path / "b.db")
    engine.dispose()
    database.write_text("Dear Ada, " * 2000)
    again = make_engine(f"sqlite:///{database}")
    done = restore(again, tmp_path / "b.db")
    assert names(again) == ["Ada"]
    assert done.kept.read_text().startswith("Dear Ada")


def test_a_missing_database_is_made_from_a_backup(engine: Engine, tmp_path: Path) -> None:
    backup(engine, tmp_path / "b.db")
    other = make_engine(f"sqlite:///{tmp_path / 'other' / 'x.db'}")
    with pytest.raises(AnnotationError, match="no database"):
        backup(other, tmp_path / "c.db")
    assert restore(other, tmp_path / "b.db").kept is None
    assert names(other) == ["Ada"]


def test_another_programs_database_is_not_replaced(engine: Engine, tmp_path: Path) -> None:
    backup(engine, tmp_path / "b.db")
    with closing(sqlite3.connect(tmp_path / "places.db")) as connection, connection:
        connection.execute("CREATE TABLE places (name TEXT)")
    with pytest.raises(AnnotationError, match="no Keyhole database"):
        restore(make_engine(f"sqlite:///{tmp_path / 'places.db'}"), tmp_path / "b.db")


def test_the_commands_say_what_they_did(command: Command, tmp_path: Path) -> None:  # noqa: F811
    command("users", "add", "Ada")
    assert command("backup", tmp_path / "b.db")[0] == 0
    assert "--force" in refused(command("backup", tmp_path / "b.db"))
    assert command("backup", tmp_path / "b.db", "--force")[0] == 0
    command("users", "add", "Bob")
    code, out, _ = command("restore", tmp_path / "b.db")
    assert code == 0
    kept = Path(out.strip().rpartition(" ")[2].rstrip("."))
    assert names_in(kept) == ["Ada", "Bob"]
    assert command("users", "list")[1] == "Ada\tannotator\n"
    assert "no file" in refused(command("restore", tmp_path / "absent.db"))


def test_postgresql_is_backed_up_by_the_command_that_is_named(
    postgres: PostgresDatabases,
    command: Command,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The commands are run as they are printed; what did nothing ends with an error."""
    address = postgres.empty()
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("PATH", str(postgres.programs), prepend=":")
    command("users", "add", "Ada")
    link = command("users", "invite", "Ada", "--url", "https://keyhole.example.org")[1].split()[0]
    file = tmp_path / "with space.dump"
    shell(refused(command("backup", file)))
    command("users", "add", "Bob")
    shell(refused(command("restore", file)))
    assert command("users", "list")[1] == "Ada\tannotator\n"
    engine = make_engine(address)
    with session(engine) as s, pytest.raises(AnnotationError, match="This invitation"):
        invited(session=s, token=link.rpartition("=")[2])  # nor would a sign-in hold
    engine.dispose()
    postgres.drop(address)


def shell(said: str) -> None:
    subprocess.run(shlex.split(said.split("`")[1]), check=True, capture_output=True)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://ada:s3cret@host:5433/keyhole?password=s3cret&sslmode=require"
    url = make_url(secret)
    for said in (dump_command(url, Path("b.dump")), restore_command(url, Path("b.dump"))):
        assert "s3cret" not in said
        assert "postgresql://ada@host:5433/keyhole?sslmode=require" in said


def test_nobody_is_signed_in_to_what_was_restored(engine: Engine, tmp_path: Path) -> None:
    window = with_password(engine, "Ada")
    invitation = do(engine, invite, name="Ada", now=NOON)
    backup(engine, tmp_path / "b.db")
    restore(engine, tmp_path / "b.db")
    assert who(engine, window) is None
    with pytest.raises(AnnotationError, match="ask a lead"):
        do(engine, invited, token=invitation, now=NOON)
    with session(engine, read_only=True) as s:  # what a provider has signed before is over, too
        assert s.exec(select(Annotator.signed_out_at)).one() > NOON
    assert who(engine, enter(engine, "Ada", now=None), utc_now()) == "Ada"
