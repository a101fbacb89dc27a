"""A database from before teams worked together is brought up to date, and nothing of it is lost.

Its rows are written as that program left them: in SQL, without any of today's code.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade, upgrade
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel, select

from annotations import queries
from annotations.answer_weights import counted_answers
from annotations.answers import Answer, PatternAnswer
from annotations.database import alembic_config, make_engine, migrate, session
from annotations.frames import dataset_frames
from annotations.queue import next_key
from annotations.remarks import set_note
from annotations.search import Wanted, find_keys
from annotations.store import save_draft, skip, submit
from annotations.tables import Annotator, Key, Layer, Revision, Run

ROOT = Path(__file__).parents[2]
MAY = datetime(2026, 5, 4, 12, tzinfo=UTC)
TRAINS = PatternAnswer("shallow", "ends with «=»", (1, 2, 3))
SHIPS = PatternAnswer("semantic", "ships; «日本»", (2, 3))
AS_JSON = (
    '{"patterns": [{"type": "shallow", "description": "ends with «=»", "ranks": [1, 2, 3]}],'
    ' "no_pattern": false}'
)
RUN, ADA, GOLD, BIG_GOLD, KEYS = 7, 51, 52, 53, (11, 13, 12)  # keys in order of turn
# A run of 2 layers with 2 keys and 1 key. Ada has submitted one key twice and begun another; gold
# is what the agreed answer was called, by hand.
ROWS = f"""
INSERT INTO run VALUES (7, 'old run', 'abc', '/runs/old', 'gpt', 'wiki', 12, 3072, 25, MAY);
INSERT INTO key VALUES (11, 7, 0, 5, 0.25, 0), (12, 7, 0, 6, 0.5, 2), (13, 7, 3, 1, 0.125, 1);
INSERT INTO prefix WITH keys (k) AS (VALUES (11), (12), (13)), ranks (r) AS (VALUES (1), (2), (3))
    SELECT 100 * k + r, k, r, 4.5 - r, 'text of ' || r, '[4, 9]', ' next', 9, 1 FROM keys, ranks;
INSERT INTO annotator VALUES
    (51, 'Ada', 'annotator', MAY), (52, 'gold', 'lead', MAY), (53, 'Gold', 'lead', MAY);
INSERT INTO submission VALUES
    (21, 51, 11, 'submitted', false, 5, 'w', 5, MAY, MAY, MAY, 61.5, '1'),
    (22, 51, 12, 'draft', false, 1, 'w', 1, MAY, MAY, NULL, 3.0, '1'),
    (23, 52, 11, 'submitted', true, 1, 'w', 1, MAY, MAY, MAY, 4.0, '1');
INSERT INTO pattern VALUES
    (31, 21, 1, 'shallow', 'ends with «=»'), (32, 22, 1, 'semantic', 'ships; «日本»');
INSERT INTO tick VALUES (31, 1101), (31, 1102), (31, 1103), (32, 1202), (32, 1203);
INSERT INTO revision VALUES
    (41, 21, 1, MAY, 50.0, '1', '{AS_JSON}'), (42, 21, 2, MAY, 61.5, '1', '{AS_JSON}'),
    (43, 23, 1, MAY, 4.0, '1', '{{"patterns": [], "no_pattern": true}}')"""


@pytest.fixture
def old(address: str) -> Iterator[Engine]:
    """A database at the first revision, with work in it."""
    engine = make_engine(address)
    offset = "+00" if engine.dialect.name == "postgresql" else ""
    with engine.execution_options(migrating=True).begin() as connection:
        upgrade(alembic_config(connection), "0001")
        for statement in ROWS.replace("MAY", f"'2026-05-04 12:00:00.000000{offset}'").split(";\n"):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def everything(engine: Engine) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, as it stands."""
    found = {}
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.execute(text(f"SELECT * FROM {table}")).mappings()
            found[table] = sorted((dict(row) for row in rows), key=str)
    return found


def with_old_columns_only(
    new: dict[str, list[dict[str, object]]], old: dict[str, list[dict[str, object]]]
) -> dict[str, list[dict[str, object]]]:
    return {
        table: sorted(({name: row[name] for name in rows[0]} for row in new[table]), key=str)
        for table, rows in old.items()
    }


def as_gold(rows: list[dict[str, object]], role: str) -> list[dict[str, object]]:
    """The same people, where whoever is called gold has this role."""
    return [row | {"role": role if row["name"] == "gold" else row["role"]} for row in rows]


def test_every_row_is_still_there_and_gold_has_its_role(old: Engine) -> None:
    before = everything(old)
    migrate(old)
    expected = before | {
        "annotator": sorted(as_gold(before["annotator"], "gold"), key=str),
        "alembic_version": [{"version_num": "0004"}],
    }
    assert with_old_columns_only(everything(old), before) == expected


def test_todays_program_reads_what_was_stored(old: Engine) -> None:
    migrate(old)
    with session(old, read_only=True) as s:
        submitted = queries.stored_answer(session=s, annotator_id=ADA, key_id=KEYS[0])
        draft = queries.stored_answer(session=s, annotator_id=ADA, key_id=KEYS[2])
        page = queries.key_page(session=s, key_id=KEYS[0])
        kept = s.exec(select(Revision).order_by(Revision.id)).all()
        assert [person.name for person in queries.annotators(session=s)] == ["Ada", "Gold"]
        frames = dataset_frames(session=s, run_id=RUN)
    assert (submitted.answer, submitted.seconds) == (Answer((TRAINS,)), 61.5)
    assert submitted.submitted_at == MAY
    assert (draft.answer, draft.status) == (Answer((SHIPS,)), "draft")
    assert (draft.skip_reason, draft.flag, draft.note) == ("", "", "")
    assert (page.value_tokens, page.prefixes[0].shading) == ((), None)
    assert page.prefixes[0].token_ends == [4, 9]
    assert [(row.submission_id, row.number, row.decided_by) for row in kept] == [
        (21, 1, None), (21, 2, None), (23, 1, None),
    ]  # fmt: skip
    assert [Answer.from_json(row.answer) for row in kept] == [
        Answer((TRAINS,)), Answer((TRAINS,)), Answer(no_pattern=True),
    ]  # fmt: skip
    counted = counted_answers(frames["submissions"])
    assert counted[["annotator", "weight"]].values.tolist() == [["gold", 1.0]]


def test_what_is_new_has_the_value_that_means_nothing_was_said(old: Engine) -> None:
    migrate(old)
    with session(old, read_only=True) as s:
        layers = s.exec(select(Layer).order_by(Layer.layer)).all()
        assert [(row.run_id, row.layer, row.keys) for row in layers] == [(7, 0, 2), (7, 3, 1)]
        assert s.exec(select(Run.claim_hours)).all() == [24.0]
        assert set(s.exec(select(Key.wanted, Key.value_tokens))) == {(None, "")}
        assert set(s.exec(select(Annotator.shading))) == {False}
        found, _ = find_keys(session=s, run_id=RUN, viewer_id=ADA, wanted=Wanted())
        counts = queries.progress(session=s, run_id=RUN, annotator_id=ADA)
    assert [(key.status, key.patterns) for key in found] == [
        ("submitted", 1), ("draft", 1), ("untouched", 0),
    ]  # fmt: skip
    assert [(row.layer, row.keys, row.submitted, row.drafts) for row in counts] == [
        (0, 2, 1, 1), (3, 1, 0, 0),
    ]  # fmt: skip


def test_work_goes_on_where_it_stopped(old: Engine) -> None:
    migrate(old)
    own = {"annotator_id": ADA, "key_id": KEYS[2]}
    with session(old) as s:
        assert next_key(session=s, run_id=RUN, annotator_id=ADA) == KEYS[1]
        finished = Answer((TRAINS,))
        save_draft(
            session=s, **own, answer=finished, writer="w", sequence=2, base_revision=0
        )  # fmt: skip
        assert submit(session=s, **own).answer == finished
        assert next_key(session=s, run_id=RUN, annotator_id=GOLD) == KEYS[1]


def test_migrating_a_second_time_changes_nothing(old: Engine) -> None:
    migrate(old)
    after = everything(old)
    migrate(old)
    assert everything(old) == after


def test_an_upgraded_database_has_exactly_the_tables_of_a_new_one(old: Engine) -> None:
    migrate(old)
    with old.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    with pytest.raises(Exception, match=r"(?i)foreign key"), session(old) as s:
        s.execute(text("UPDATE revision SET decided_by = 99"))


def test_taking_the_upgrade_back_keeps_every_label(old: Engine) -> None:
    before = everything(old)
    migrate(old)
    own = {"annotator_id": ADA, "key_id": KEYS[2]}
    with session(old) as s:
        set_note(session=s, **own, note="ships?")
        skip(session=s, **own, reason="no idea", now=MAY)
    with old.execution_options(migrating=True).begin() as connection:
        downgrade(alembic_config(connection), "0001")
    # The first program knows no skips: the draft is one again.
    annotators = sorted(as_gold(before["annotator"], "annotator"), key=str)
    assert everything(old) == before | {"annotator": annotators}
    migrate(old)
    with session(old, read_only=True) as s:
        assert s.exec(select(Annotator.role).where(Annotator.name == "gold")).one() == "gold"
        assert queries.stored_answer(session=s, **own).answer == Answer((SHIPS,))


def test_what_was_before_an_upgrade_is_kept_beside_a_sqlite_database(old: Engine) -> None:
    before = everything(old)
    done = migrate(old)
    assert (done.before, done.after) == ("0001", "0004")
    if old.dialect.name == "postgresql":
        assert done.kept is None
        return
    assert done.kept.name.endswith("-0001.db")
    kept = make_engine(f"sqlite:///{done.kept}")
    assert everything(kept) == before
    kept.dispose()
    assert migrate(old).kept is None


@pytest.mark.parametrize("revision", ["0002", "0003"])
def test_a_later_database_keeps_every_row_and_everybody_may_come_in(
    old: Engine, revision: str
) -> None:
    with old.execution_options(migrating=True).begin() as connection:
        upgrade(alembic_config(connection), revision)
        if revision == "0003":
            connection.exec_driver_sql(
                "INSERT INTO audit VALUES (0, '2026-05-04 12:00:00+00', 'Ada', '', '', NULL, NULL)"
            )
    own = {"annotator_id": ADA, "key_id": KEYS[2]}
    before = everything(old)
    assert migrate(old).before == revision
    after = everything(old)
    now = [{"version_num": "0004"}]
    assert with_old_columns_only(after, before) == before | {"alembic_version": now}
    new = {"identity", "password", "invitation", "signin", "attempt"}
    assert {table for table in after.keys() - before.keys() if not after[table]} >= new
    with session(old) as s:
        skip(session=s, **own, reason="no idea")
        people = s.exec(select(Annotator.active, Annotator.signed_out_at)).all()
    assert set(people) == {(True, None)}
    with old.connect() as connection:
        said = connection.execute(text("SELECT who FROM audit ORDER BY id")).scalars().all()
    assert said == ["Ada"] * (1 + (revision == "0003"))


def test_of_two_processes_that_upgrade_at_once_one_does_and_the_other_waits(old: Engine) -> None:
    address = old.url.render_as_string(hide_password=False)
    old.dispose()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "annotations", "migrate"], cwd=ROOT, text=True,
            env={**os.environ, "DATABASE_URL": address}, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = sorted(process.communicate(timeout=60)[0] for process in started)
    assert [process.returncode for process in started] == [0, 0]
    assert sum("from 0001 to 0004" in one for one in said) == 1
    assert sum("nothing to do" in one for one in said) == 1
    if old.dialect.name == "postgresql":
        assert "pg_dump --format=custom" in "".join(said)
    else:
        assert len(list(Path(old.url.database).parent.glob("*-0001.db"))) == 1


def test_a_newer_database_is_refused_in_one_line_and_checking_changes_nothing(old: Engine) -> None:
    before = everything(old)
    address = old.url.render_as_string(hide_password=False)

    def said(*more: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "annotations", "migrate", *more], cwd=ROOT, text=True,
            env={**os.environ, "DATABASE_URL": address}, capture_output=True, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    code, line = said("--check")
    assert (code, "would be brought from 0001 to 0004" in line) == (0, True)
    assert everything(old) == before
    with old.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    code, line = said()
    assert (code, line.count("\n")) == (2, 1)
    assert "revision 0099" in line
