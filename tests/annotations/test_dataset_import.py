"""Importing a dataset: an upsert that never undoes what somebody has done here since."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from desk import NOON, Desk, answer, pattern
from fresh_databases import PostgresDatabases, SqliteDatabases
from sqlalchemy import Engine
from sqlmodel import func, select

from annotations.answers import Answer
from annotations.audit import entries
from annotations.claims import open_key
from annotations.database import make_engine, session
from annotations.dataset_import import DatasetImport, import_dataset
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.queries import key_page, stored_answer
from annotations.queue import CLOSED, assign
from annotations.remarks import set_note
from annotations.store import reopen, skip, submit
from annotations.tables import Annotator, Key, Layer, Revision, Run, Submission
from exports.dataset import write_dataset
from exports.selection import Selection
from mining.errors import AnnotationError, DatasetError
from mining.run_folder import RunFolder

FIRST = answer(pattern(1, 2, 3, description="the first"))
LATER = answer(pattern(2, 3, 4, kind="semantic", description="thought again"))
OURS = answer(pattern(1, 4, 5, description="written here"))


@pytest.fixture
def here(databases: SqliteDatabases | PostgresDatabases, migrated: str) -> Iterator[Engine]:
    """A second, empty database beside the desk's."""
    address = databases.copy(migrated)
    engine = make_engine(address)
    yield engine
    engine.dispose()
    databases.drop(address)


def hand_in(desk: Desk, given: Answer, minutes: float) -> None:
    """Ada's answer to the first key, so many minutes after noon, anew if there is one."""
    now, own = NOON + timedelta(minutes=minutes), {"annotator_id": desk.ada, "key_id": desk.keys[0]}
    with session(desk.engine) as s:
        held = stored_answer(session=s, **own)
        if held is not None and held.status != "draft":
            reopen(session=s, **own, now=now)
    desk.save(given, sequence=100 + int(minutes), now=now)
    with session(desk.engine) as s:
        submit(session=s, **own, now=now)


def export(desk: Desk, out: Path, **how: object) -> Path:
    with session(desk.engine, read_only=True) as s:
        write_dataset(out, session=s, run_id=desk.run_id, names=True, **how)
    return out


def bring(engine: Engine, folder: Path, **how: object) -> DatasetImport:
    with session(engine) as s:
        return import_dataset(folder, session=s, **how)


def desk_of(engine: Engine, desk: Desk) -> Desk:
    """The imported run as a desk, with the same keys in the same order."""
    with session(desk.engine, read_only=True) as s:
        pages = [key_page(session=s, key_id=key) for key in desk.keys]
    with session(engine, read_only=True) as s:
        ids = {(key.layer, key.key): key.id for key in s.exec(select(Key))}
        ada = s.exec(select(Annotator.id).where(Annotator.name == "Ada")).one()
        run = s.exec(select(Run.id)).one()
    return Desk(engine, run, tuple(ids[page.layer, page.key] for page in pages), ada, 0)


def held(desk: Desk) -> tuple[str, Answer]:
    with session(desk.engine, read_only=True) as s:
        found = stored_answer(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
    assert found is not None
    return found.status, found.answer


def rows_in(engine: Engine) -> dict[str, int]:
    with session(engine, read_only=True) as s:
        return {
            table.__name__: s.exec(select(func.count()).select_from(table)).one()
            for table in (Run, Layer, Key, Annotator, Submission, Revision)
        }


def imported(desk: Desk, here: Engine, folder: Path) -> Desk:
    """Ada's first answer, brought over."""
    hand_in(desk, FIRST, 0)
    bring(here, export(desk, folder))
    return desk_of(here, desk)


def test_run_keys_prefixes_and_answers_arrive_whole(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    there = imported(desk, here, tmp_path / "data")
    assert held(there) == ("submitted", FIRST)
    with session(desk.engine, read_only=True) as one, session(here, read_only=True) as other:
        for before, after in zip(desk.keys, there.keys, strict=True):
            old, new = (
                key_page(session=s, key_id=key) for s, key in ((one, before), (other, after))
            )
            assert new.prefixes == old.prefixes
            assert (new.layer, new.key, new.active_share) == (old.layer, old.key, old.active_share)
    assert rows_in(here) == {
        "Run": 1, "Layer": 2, "Key": 6, "Annotator": 1, "Submission": 1, "Revision": 1,
    }  # fmt: skip


def test_importing_again_changes_nothing_and_says_so(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    imported(desk, here, tmp_path / "data")
    before = rows_in(here)
    done = bring(here, tmp_path / "data")
    assert (done.added_keys, done.present_keys, done.added_annotators) == (0, 6, ())
    assert (done.answers.added, done.answers.updated, done.answers.unchanged) == (0, 0, 1)
    assert rows_in(here) == before


def test_a_newer_export_updates_and_keeps_what_was_submitted_before(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    there = imported(desk, here, tmp_path / "old")
    with session(here) as s:
        set_note(session=s, annotator_id=there.ada, key_id=there.keys[0], note="mine")
    hand_in(desk, LATER, 5)
    done = bring(here, export(desk, tmp_path / "new"))
    assert (done.answers.added, done.answers.updated) == (0, 1)
    assert held(there) == ("submitted", LATER)
    with session(here, read_only=True) as s:
        kept = s.exec(select(Revision.answer).order_by(Revision.number)).all()
        assert kept == [FIRST.to_json(), LATER.to_json()]
        assert s.exec(select(Submission.note)).one() == "mine"


def test_an_older_export_undoes_nothing(desk: Desk, here: Engine, tmp_path: Path) -> None:
    hand_in(desk, FIRST, 0)
    old = export(desk, tmp_path / "old")
    hand_in(desk, LATER, 5)
    bring(here, export(desk, tmp_path / "new"))
    with pytest.raises(DatasetError, match=r"answer of Ada .* differs from the one here"):
        bring(here, old)
    assert held(desk_of(here, desk)) == ("submitted", LATER)


@pytest.mark.parametrize("what", ["edited", "reopened", "skipped", "submitted"])
def test_what_somebody_did_here_later_is_refused_by_name_unless_replaced(
    desk: Desk, here: Engine, tmp_path: Path, what: str
) -> None:
    there = imported(desk, here, tmp_path / "data")
    own = {"annotator_id": there.ada, "key_id": there.keys[0]}
    with session(here) as s:
        reopen(session=s, **own)
        if what == "skipped":
            skip(session=s, **own, reason="no idea")
    if what in ("edited", "submitted"):
        there.save(OURS, base_revision=1)
    if what == "submitted":
        with session(here) as s:
            submit(session=s, **own)
    before = held(there)
    with pytest.raises(
        DatasetError,
        match=r"submissions\.csv, line 2, column submitted_at: the answer of Ada to key \d of layer"
        r" \d differs .*; --replace takes",
    ):
        bring(here, tmp_path / "data")
    assert held(there) == before
    done = bring(here, tmp_path / "data", replace=True)
    assert done.answers.updated == 1
    assert held(there) == ("submitted", FIRST)


def test_a_newer_answer_replaces_what_somebody_did_here_before(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    there = imported(desk, here, tmp_path / "data")
    own = {"annotator_id": there.ada, "key_id": there.keys[0]}
    with session(here) as s:
        reopen(session=s, **own, now=NOON + timedelta(minutes=1))
    there.save(OURS, base_revision=1, now=NOON + timedelta(minutes=2))
    hand_in(desk, LATER, 3)
    assert bring(here, export(desk, tmp_path / "newer")).answers.updated == 1
    assert held(there) == ("submitted", LATER)


def test_a_key_that_was_only_looked_at_here_takes_the_answer(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    bring(here, export(desk, tmp_path / "empty"))
    with session(here) as s:
        ada = add_annotator(session=s, name="Ada").id
    there = desk_of(here, desk)
    with session(here) as s:
        open_key(session=s, annotator_id=ada, key_id=there.keys[0])
    hand_in(desk, FIRST, 0)
    bring(here, export(desk, tmp_path / "data"))
    assert held(there) == ("submitted", FIRST)


def test_drafts_follow_until_somebody_goes_on_with_them_here(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    drafts = {"selection": Selection(status="all")}
    desk.save(Answer((pattern(1),)))
    bring(here, export(desk, tmp_path / "one", **drafts))
    there = desk_of(here, desk)
    desk.save(Answer((pattern(1, 2),)), sequence=2)
    assert bring(here, export(desk, tmp_path / "two", **drafts)).answers.updated == 1
    assert held(there) == ("draft", Answer((pattern(1, 2),)))
    there.save(OURS, base_revision=2)
    desk.save(Answer((pattern(1, 2, 3),)), sequence=3)
    with pytest.raises(DatasetError, match="--replace"):
        bring(here, export(desk, tmp_path / "three", **drafts))
    assert held(there) == ("draft", OURS)


def test_what_only_this_database_holds_stays(desk: Desk, here: Engine, tmp_path: Path) -> None:
    there = imported(desk, here, tmp_path / "data")
    with session(here) as s:
        bob = add_annotator(session=s, name="Bob").id
    there.hand_in(OURS, bob, there.keys[0])
    there.hand_in(OURS, there.ada, there.keys[1])
    bring(here, tmp_path / "data")
    assert rows_in(here)["Submission"] == 3


def test_the_runs_own_folder_may_be_imported_afterwards(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    hand_in(desk, FIRST, 0)
    bring(here, export(desk, tmp_path / "data", selection=Selection(layers=[0])), name="other name")
    with session(desk.engine, read_only=True) as s:
        folder = RunFolder.open(Path(s.exec(select(Run.folder)).one()))
    with session(here) as s:
        done = import_run(folder, session=s)
    assert (done.name, done.added_keys, done.present_keys) == ("other name", 3, 3)


def test_new_keys_of_an_assigned_run_wait_until_they_are_assigned(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    hand_in(desk, FIRST, 0)
    bring(here, export(desk, tmp_path / "part", selection=Selection(layers=[0])))
    with session(here) as s:
        assign(session=s, run_id=s.exec(select(Run.id)).one(), overlap=2)
    assert bring(here, export(desk, tmp_path / "whole")).added_keys == 3
    with session(here, read_only=True) as s:
        wanted = s.exec(select(Key.wanted).order_by(Key.turn)).all()
    assert wanted == [2, 2, 2, CLOSED, CLOSED, CLOSED]


def test_a_name_that_another_run_has_is_refused(desk: Desk, tmp_path: Path) -> None:
    folder = export(desk, tmp_path / "data")
    with session(desk.engine) as s:
        run = s.get(Run, desk.run_id)
        run.fingerprint = "of another"
        s.add(run)
    with pytest.raises(AnnotationError, match=r"Another run is called first run; .* --name"):
        bring(desk.engine, folder)
    assert bring(desk.engine, folder, name="second").run == "second"


def test_gold_and_machines_arrive_as_what_they_are(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    with session(desk.engine) as s:
        robot = add_annotator(session=s, name="robot", role="machine").id
        gold = Annotator(name="gold", role="gold")
        s.add(gold)
        s.flush()
        others = robot, gold.id
    for other in others:
        desk.hand_in(FIRST, other, desk.keys[0])
    bring(here, export(desk, tmp_path / "data"))
    assert kinds(here) == {"robot": "machine", "gold": "gold"}


def kinds(engine: Engine) -> dict[str, str]:
    with session(engine, read_only=True) as s:
        return {person.name: person.role for person in s.exec(select(Annotator))}


def test_somebody_who_is_of_another_kind_here_is_refused(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    hand_in(desk, FIRST, 0)
    with session(here) as s:
        add_annotator(session=s, name="Ada", role="machine")
    with pytest.raises(DatasetError, match=r"annotators\.csv, line 2, column kind: Ada is machine"):
        bring(here, export(desk, tmp_path / "data"))
    assert rows_in(here)["Run"] == 0


def test_the_audit_trail_says_what_an_import_brought_and_nothing_of_one_that_brought_nothing(
    desk: Desk, here: Engine, tmp_path: Path
) -> None:
    hand_in(desk, FIRST, 0)
    folder = export(desk, tmp_path / "data")
    for _ in range(2):
        bring(here, folder)
    with session(here, read_only=True) as s:
        told = [row for row in entries(session=s) if row.what == "dataset imported"]
    assert [row.after for row in told] == [{"answers added": 1, "answers updated": 0}]
