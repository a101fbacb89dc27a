"""Importing a dataset: an upsert that never undoes what somebody has done here since."""

from datetime import timedelta
from pathlib import Path

import pytest
from desk import NOON, Desk, answer, pattern
from imported_datasets import FIRST, bring, desk_of, export, hand_in, held, imported, rows_in
from sqlalchemy import Engine
from sqlmodel import select

from annotations.answers import Answer
from annotations.claims import open_key
from annotations.database import session
from annotations.people import add_annotator
from annotations.queries import key_page
from annotations.remarks import set_note
from annotations.store import reopen, skip, submit
from annotations.tables import Revision, Submission
from exports.selection import Selection
from mining.errors import DatasetError

LATER = answer(pattern(2, 3, 4, kind="semantic", description="thought again"))
OURS = answer(pattern(1, 4, 5, description="written here"))


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
