"""What pages read: runs, the next key, progress, a person's answers."""

from datetime import timedelta
from pathlib import Path

import pytest
from desk import NOON, Desk, answer, pattern
from runs import MinedKey, write_run
from sqlalchemy import Engine, event

from annotations.claims import open_key
from annotations.database import session
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.queries import (
    LayerProgress,
    annotators,
    answers_of,
    key_page,
    progress,
    run_named,
    runs,
)
from annotations.queue import next_key
from annotations.store import reopen
from mining.errors import AnnotationError

ONE = answer(pattern(1, 2, 3))


def read(desk: Desk, what, **how: object):
    with session(desk.engine, read_only=True) as s:
        return what(session=s, **how)


def next_for_ada(desk: Desk, after: int | None = None) -> int | None:
    return read(desk, next_key, run_id=desk.run_id, annotator_id=desk.ada, after=after)


def second_run(desk: Desk, folder: Path) -> int:
    run = write_run(folder / "second run", [MinedKey(0, 0)], model="another")
    with session(desk.engine) as s:
        return import_run(run, session=s).run_id


# Runs and people


def test_the_newest_run_comes_first_and_is_the_one_meant_without_a_name(
    desk: Desk, tmp_path: Path
) -> None:
    newer = second_run(desk, tmp_path)
    assert [run.name for run in read(desk, runs)] == ["second run", "first run"]
    assert read(desk, run_named, name=None).id == newer
    assert read(desk, run_named, name="first run").id == desk.run_id


def test_an_unknown_run_is_answered_with_those_there_are(desk: Desk, tmp_path: Path) -> None:
    second_run(desk, tmp_path)
    with pytest.raises(AnnotationError, match="no run called third; it holds second run, first"):
        read(desk, run_named, name="third")


def test_without_any_run_the_command_to_import_one_is_named(engine: Engine) -> None:
    with pytest.raises(AnnotationError, match="annotations import"), session(engine) as s:
        run_named(session=s, name=None)


def test_people_are_listed_by_name_whatever_the_case(engine: Engine) -> None:
    with session(engine) as s:
        for name in ("zoe", "Bob", "ada", "Émile"):
            add_annotator(session=s, name=name)
        assert [person.name for person in annotators(session=s)] == ["ada", "Bob", "zoe", "Émile"]


def test_a_key_that_does_not_exist_is_a_mistake_the_user_can_mend(desk: Desk) -> None:
    with pytest.raises(AnnotationError, match="no key number 99"):
        read(desk, key_page, key_id=99)


# The next key


def test_keys_come_in_order_of_turn_and_a_draft_stays_next(desk: Desk) -> None:
    assert next_for_ada(desk) == desk.keys[0]
    desk.save(ONE)
    assert next_for_ada(desk) == desk.keys[0]
    desk.hand_in(ONE, desk.ada, desk.keys[0])
    assert next_for_ada(desk) == desk.keys[1]


def test_what_others_submitted_is_still_to_be_done(desk: Desk) -> None:
    desk.hand_in(ONE, desk.bob, desk.keys[0])
    assert next_for_ada(desk) == desk.keys[0]


def test_a_skipped_key_comes_round_again_at_the_end(desk: Desk) -> None:
    visited, key = [], None
    for _ in range(len(desk.keys) + 1):
        key = next_for_ada(desk, after=key)
        visited.append(key)
    assert visited == [*desk.keys, desk.keys[0]]


def test_skipping_passes_over_what_is_submitted(desk: Desk) -> None:
    desk.hand_in(ONE, desk.ada, desk.keys[1])
    assert next_for_ada(desk, after=desk.keys[0]) == desk.keys[2]
    assert next_for_ada(desk, after=desk.keys[1]) == desk.keys[2]


def test_the_only_key_left_follows_itself_and_then_there_is_none(desk: Desk) -> None:
    for key in desk.keys[:-1]:
        desk.hand_in(ONE, desk.ada, key)
    assert next_for_ada(desk, after=desk.keys[-1]) == desk.keys[-1]
    desk.hand_in(ONE, desk.ada, desk.keys[-1])
    assert next_for_ada(desk) is None
    assert next_for_ada(desk, after=desk.keys[-1]) is None


def test_a_reopened_key_is_to_be_done_again(desk: Desk) -> None:
    for key in desk.keys:
        desk.hand_in(ONE, desk.ada, key)
    with session(desk.engine) as s:
        reopen(session=s, annotator_id=desk.ada, key_id=desk.keys[3])
    assert next_for_ada(desk) == desk.keys[3]


def test_the_next_key_is_one_of_the_same_run(desk: Desk, tmp_path: Path) -> None:
    other = second_run(desk, tmp_path)
    key = read(desk, next_key, run_id=other, annotator_id=desk.ada, after=desk.keys[2])
    assert key not in desk.keys
    assert read(desk, key_page, key_id=key).run_id == other


# Progress and answers


def test_progress_counts_own_submissions_and_begun_drafts_per_layer(desk: Desk) -> None:
    desk.hand_in(ONE, desk.ada, desk.keys[0])  # layer 0
    desk.hand_in(answer(), desk.ada, desk.keys[1])  # layer 1: no pattern
    desk.save(ONE, key_id=desk.keys[2])  # layer 0
    desk.hand_in(ONE, desk.bob, desk.keys[3])
    with session(desk.engine) as s:
        open_key(session=s, annotator_id=desk.ada, key_id=desk.keys[4])  # only looked at
    assert read(desk, progress, run_id=desk.run_id, annotator_id=desk.ada) == [
        LayerProgress(layer=0, keys=3, submitted=1, drafts=1),
        LayerProgress(layer=1, keys=3, submitted=1, drafts=0),
    ]


def test_answers_are_listed_with_the_newest_change_first(desk: Desk) -> None:
    two = answer(pattern(1, 2, 3), pattern(2, 3, 4))
    for minute, key, given in ((1, 2, ONE), (3, 1, two), (2, 0, answer())):
        desk.save(given, key_id=desk.keys[key], now=NOON + timedelta(minutes=minute))
    desk.save(ONE, annotator_id=desk.bob)
    with session(desk.engine) as s:
        open_key(session=s, annotator_id=desk.ada, key_id=desk.keys[5])  # only looked at
    found = read(desk, answers_of, run_id=desk.run_id, annotator_id=desk.ada)
    assert [(row.key_id, row.patterns) for row in found] == [
        (desk.keys[1], 2),
        (desk.keys[0], 0),
        (desk.keys[2], 1),
    ]
    page = read(desk, key_page, key_id=desk.keys[1])
    assert (found[0].layer, found[0].key) == (page.layer, page.key)
    assert (found[0].status, found[0].submitted_at) == ("draft", None)
    assert found[0].changed_at == NOON + timedelta(minutes=3)


def test_no_page_needs_more_statements_when_there_is_more_to_show(desk: Desk) -> None:
    statements = []
    event.listen(desk.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    for expected in range(len(desk.keys)):
        desk.hand_in(answer(pattern(1, 2, 3), pattern(3, 4, 5)), desk.ada, desk.keys[expected])
        statements.clear()
        whose = {"run_id": desk.run_id, "annotator_id": desk.ada}
        assert len(read(desk, answers_of, **whose)) == expected + 1
        read(desk, progress, **whose)
        read(desk, next_key, **whose)
        assert sum(statement.startswith("SELECT") for statement in statements) == 4
