"""Importing a dataset beside what is there: runs, queues, people, the audit trail."""

from pathlib import Path

import pytest
from desk import Desk
from imported_datasets import FIRST, bring, export, hand_in, rows_in
from sqlalchemy import Engine
from sqlmodel import select

from annotations.audit import entries
from annotations.database import session
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.queue import CLOSED, assign
from annotations.tables import Annotator, Key, Run
from exports.selection import Selection
from mining.errors import AnnotationError, DatasetError
from mining.run_folder import RunFolder


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
