"""Blind labelling, by trying to look: who has not submitted learns nothing of others' answers."""

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from desk import Desk, answer, pattern
from fresh_databases import PostgresDatabases, SqliteDatabases
from runs import MinedKey, write_run
from sqlmodel import select

from annotations import adjudication, queries, queue, search, team
from annotations.blind import disclose
from annotations.claims import open_key
from annotations.database import make_engine, session
from annotations.frames import dataset_frames
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.remarks import set_flag
from annotations.search import Wanted, find_keys
from annotations.store import reopen, skip, submit
from annotations.tables import Submission
from mining.errors import AnnotationError

MOMENT = 0.3  # seconds in which an unhindered second window would be done
OWN = answer(pattern(1, 2, 3, description="about trains"))
OTHER = answer(pattern(2, 3, 4, kind="semantic", description="about ships"))
BLIND = ["never opened", "only looked at", "draft", "skipped", "reopened"]
EVERY_STATE = [*BLIND, "submitted"]


def do(desk: Desk, what: Callable, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **how)


def person(desk: Desk, name: str, role: str = "annotator") -> int:
    return do(desk, add_annotator, name=name, role=role).id


def come_to(desk: Desk, state: str, who: int, key: int) -> None:
    """Bring somebody's own answer to a key into one of EVERY_STATE."""
    own = {"annotator_id": who, "key_id": key}
    if state == "only looked at":
        do(desk, open_key, **own)
    elif state != "never opened":
        desk.save(OWN, **own)
    if state == "skipped":
        do(desk, skip, **own, reason="no idea")
    if state in ("submitted", "reopened"):
        do(desk, submit, **own)
    if state == "reopened":
        do(desk, reopen, **own)


def names_seen(desk: Desk, viewer: int, **how: object) -> set[str]:
    """Whose rows a dataset for this viewer holds."""
    frames = do(desk, dataset_frames, run_id=desk.run_id, viewer_id=viewer, **how)
    return {
        name for frame in frames.values() if "annotator" in frame for name in frame["annotator"]
    }


def found(desk: Desk, viewer: int, words: str) -> list[int]:
    wanted = Wanted(pattern=words)
    keys, _ = do(desk, find_keys, run_id=desk.run_id, viewer_id=viewer, wanted=wanted)
    return [key.key_id for key in keys]


# Attempts


def test_who_has_not_submitted_a_key_learns_nothing_of_others_answers_to_it(desk: Desk) -> None:
    for key, state in zip(desk.keys, BLIND, strict=False):
        desk.hand_in(OTHER, desk.bob, key)
        come_to(desk, state, desk.ada, key)
    assert names_seen(desk, desk.ada) == set()
    assert names_seen(desk, desk.ada, status="all") == set()
    assert found(desk, desk.ada, "ships") == []
    for key in desk.keys:
        with pytest.raises(AnnotationError, match="once you have submitted yours"):
            do(desk, adjudication.submitted_answers, viewer_id=desk.ada, key_id=key)


def test_a_lead_who_has_not_submitted_is_as_blind_as_everybody(desk: Desk) -> None:
    lea = person(desk, "Lea", "lead")
    for key, state in zip(desk.keys, BLIND, strict=False):
        for who in (desk.ada, desk.bob):
            desk.hand_in(OTHER, who, key)
        come_to(desk, state, lea, key)
    assert do(desk, adjudication.cases, run_id=desk.run_id, lead_id=lea) == []
    assert found(desk, lea, "ships") == []
    assert names_seen(desk, lea, status="all") == set()
    for attempt, more in {
        adjudication.open_gold: {},
        adjudication.add_to_gold: {"pattern": OWN.patterns[0]},
        adjudication.save_gold: {
            "answer": OWN, "writer": "w", "sequence": 1, "base_revision": 0,
        },
        adjudication.submit_gold: {},
        adjudication.reopen_gold: {},
    }.items():  # fmt: skip
        for key in desk.keys:
            with pytest.raises(AnnotationError, match="once you have submitted yours"):
                do(desk, attempt, lead_id=lea, key_id=key, **more)


def test_who_has_submitted_a_key_sees_others_answers_to_it_and_to_no_other(desk: Desk) -> None:
    for key in desk.keys[:2]:
        desk.hand_in(OTHER, desk.bob, key)
    come_to(desk, "submitted", desk.ada, desk.keys[0])
    assert names_seen(desk, desk.ada) == {"Ada", "Bob"}
    frames = do(desk, dataset_frames, run_id=desk.run_id, viewer_id=desk.ada)
    assert [len(frames[name]) for name in ("submissions", "patterns", "labels")] == [2, 2, 6]
    assert found(desk, desk.ada, "ships") == [desk.keys[0]]
    shown = do(desk, adjudication.submitted_answers, viewer_id=desk.ada, key_id=desk.keys[0])
    assert shown == {"Ada": OWN, "Bob": OTHER}
    with pytest.raises(AnnotationError):
        do(desk, adjudication.submitted_answers, viewer_id=desk.ada, key_id=desk.keys[1])


def test_a_draft_is_its_writers_alone_even_after_submitting(desk: Desk) -> None:
    come_to(desk, "submitted", desk.ada, desk.keys[0])
    desk.save(OTHER, annotator_id=desk.bob)
    assert found(desk, desk.ada, "ships") == []
    shown = do(desk, adjudication.submitted_answers, viewer_id=desk.ada, key_id=desk.keys[0])
    assert shown == {"Ada": OWN}


# Leads


def test_a_lead_who_asks_to_see_everything_sees_it_and_can_answer_no_more(desk: Desk) -> None:
    lea = person(desk, "Lea", "lead")
    desk.hand_in(OTHER, desk.ada, desk.keys[1])
    desk.hand_in(OTHER, desk.bob, desk.keys[1])
    for key, state in zip(desk.keys, EVERY_STATE, strict=True):
        come_to(desk, state, lea, key)
    for _ in range(2):  # a second time changes nothing
        do(desk, disclose, lead_id=lea, run_id=desk.run_id)
    assert [case.key_id for case in do(desk, adjudication.cases, run_id=1, lead_id=lea)] == [
        desk.keys[1]
    ]
    assert names_seen(desk, lea) == {"Ada", "Bob", "Lea"}
    assert found(desk, lea, "ships") == [desk.keys[1]]
    for state, attempt in {
        "never opened": submit, "only looked at": submit, "draft": submit, "reopened": submit,
        "skipped": reopen, "submitted": reopen,
    }.items():  # fmt: skip
        with pytest.raises(AnnotationError, match="would not be blind"):
            do(desk, attempt, annotator_id=lea, key_id=desk.keys[EVERY_STATE.index(state)])
    with session(desk.engine, read_only=True) as s:
        own = s.exec(select(Submission).where(Submission.annotator_id == lea)).all()
    assert {row.key_id: row.status for row in own if row.status != "draft"} == {
        desk.keys[3]: "skipped",
        desk.keys[5]: "submitted",
    }


def test_a_lead_may_ask_in_two_windows_at_once(desk: Desk) -> None:
    about = {"lead_id": person(desk, "Lea", "lead"), "run_id": desk.run_id}
    with ThreadPoolExecutor() as pool:
        with session(desk.engine) as s:
            disclose(session=s, **about)
            late = pool.submit(do, desk, disclose, **about)
            wait([late], timeout=MOMENT)
        late.result()


def test_what_a_lead_is_shown_of_one_run_leaves_them_blind_to_another(
    desk: Desk, tmp_path: Path
) -> None:
    lea = person(desk, "Lea", "lead")
    second = write_run(tmp_path / "second", [MinedKey(0, 0)], model="another")
    other = do(desk, import_run, folder=second).run_id
    desk.hand_in(OTHER, desk.bob, desk.keys[0])
    do(desk, disclose, lead_id=lea, run_id=other)
    assert names_seen(desk, lea) == set()
    desk.hand_in(OWN, lea, desk.keys[0])
    assert names_seen(desk, lea) == {"Bob", "Lea"}


def test_nobody_but_a_lead_is_shown_everything(desk: Desk) -> None:
    come_to(desk, "submitted", desk.ada, desk.keys[0])
    attempts = (adjudication.cases, team.coverage, team.workers, team.remarks, disclose)
    for attempt in attempts:
        for who in (desk.ada, 99):
            with pytest.raises(AnnotationError, match="no lead"):
                do(desk, attempt, run_id=desk.run_id, lead_id=who)
    desk.hand_in(OTHER, desk.bob, desk.keys[1])
    assert names_seen(desk, desk.ada) == {"Ada"}


# Everything that is read for one person: the same whether others have answered or not


def public_functions(module: ModuleType) -> dict[str, Callable]:
    members = inspect.getmembers(module, inspect.isfunction)
    return {
        name: function
        for name, function in members
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def for_ada(read: Callable, **more: object) -> Callable[[Desk, int], object]:
    """What Ada reads about a key; an argument that is not known here makes the test fail."""
    parameters = inspect.signature(read).parameters.values()

    def reading(desk: Desk, key: int) -> object:
        known = {"run_id": desk.run_id, "annotator_id": desk.ada, "viewer_id": desk.ada}
        known |= {"key_id": key, "name": "first run" if read is queries.run_named else "Ada"}
        needed = {p.name for p in parameters if p.default is p.empty} - {"session"}
        return do(desk, read, **({name: known[name] for name in needed - set(more)} | more))

    return reading


def frames_for_ada(desk: Desk, key: int) -> dict[str, str]:
    how = {"run_id": desk.run_id, "viewer_id": desk.ada, "status": "all"}
    return {name: frame.to_csv() for name, frame in do(desk, dataset_frames, **how).items()}


SEARCHES = (Wanted(), Wanted(pattern="ships"), *(Wanted(status=one) for one in search.STATUSES))
READS = {
    **{name: for_ada(read) for name, read in public_functions(queries).items()},
    **{f"search {number}": for_ada(find_keys, wanted=one) for number, one in enumerate(SEARCHES)},
    "dataset": frames_for_ada,
    # The queue is the same where everybody may answer every key; a full one must be told.
    "next key": lambda desk, key: for_ada(queue.next_key, after=key)(desk, key),
}


@pytest.fixture(scope="module")
def with_and_without(
    databases: SqliteDatabases | PostgresDatabases, first_desk: tuple[str, Desk]
) -> Iterator[tuple[Desk, Desk]]:
    """Ada's work twice: alone, and with others who have answered all that she has not."""
    original, desk = first_desk
    addresses = [databases.copy(original)]
    alone = replace(desk, engine=make_engine(addresses[0]))
    for key, state in zip(desk.keys, EVERY_STATE, strict=True):
        come_to(alone, state, desk.ada, key)
    cyd, lea = person(alone, "Cyd"), person(alone, "Lea", "lead")
    alone.engine.dispose()
    addresses.append(databases.copy(addresses[0]))
    both = replace(desk, engine=make_engine(addresses[1]))
    do(both, disclose, lead_id=lea, run_id=desk.run_id)
    for key in desk.keys[:-1]:  # Ada has submitted the last one
        for who in (desk.bob, cyd):
            both.hand_in(OTHER, who, key)
        do(both, set_flag, annotator_id=desk.bob, key_id=key, reason="ships")
        do(both, adjudication.add_to_gold, lead_id=lea, key_id=key, pattern=OTHER.patterns[0])
        do(both, adjudication.submit_gold, lead_id=lea, key_id=key)
    yield alone, both
    for one, address in zip((alone, both), addresses, strict=True):
        one.engine.dispose()
        databases.drop(address)


@pytest.mark.parametrize("what", READS)
def test_what_is_read_for_somebody_is_the_same_with_and_without_others_work(
    with_and_without: tuple[Desk, Desk], what: str
) -> None:
    alone, both = with_and_without
    for key in alone.keys:
        assert repr(READS[what](both, key)) == repr(READS[what](alone, key))
