"""Rights, by trying: each function as everybody who may not, and nothing has changed or is told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from desk import answer, pattern
from door import HORSE, QuickHasher, do
from rights import (
    ANYBODY,
    BY_NAME,
    COMMAND_LINE,
    LEADS,
    OWN_READ,
    OWN_WRITE,
    RIGHTS,
    VIEWER,
    everything_with_a_session,
    parameters_of,
)
from scene import WRONG_LEADS, Scene
from sqlmodel import Session, select
from test_upgrade import everything

from annotations import people
from annotations.tables import Annotator, Submission
from mining.errors import AnnotationError

FUNCTIONS = everything_with_a_session()
OWN = answer(pattern(1, 2, 3, description="about trains"))
WRONG = re.compile("is no lead|was deactivated|no annotator number")
PERSON = ("lead_id", "annotator_id", "viewer_id", "by")


def names(right: str) -> list[str]:
    return RIGHTS[right].split()


def call(scene: Scene, name: str, **person: int) -> object:
    """Call a function as this person; an argument that is not known here makes the test fail."""
    if "engine" in parameters_of(FUNCTIONS[name]):
        return FUNCTIONS[name](engine=scene.desk.engine, **arguments(scene, name, person))
    return do(scene.desk.engine, FUNCTIONS[name], **arguments(scene, name, person))


def arguments(scene: Scene, name: str, person: dict[str, int]) -> dict[str, object]:
    desk, function = scene.desk, FUNCTIONS[name]
    known = {
        "run_id": desk.run_id, "key_id": desk.keys[0], "answer": OWN, "writer": "w", "sequence": 9,
        "base_revision": 0, "pattern": OWN.patterns[0], "reason": "because", "note": "note",
        "on": True, "name": "Newcomer" if function is people.add_annotator else "Cyd",
        "role": "lead", "active": False, "email": "cyd@example.org", "overlap": 2,
        "old": HORSE, "new": HORSE, "hasher": QuickHasher(), "annotator_id": desk.bob,
    } | person  # fmt: skip
    parameters = parameters_of(function)
    needed = {n for n, p in parameters.items() if p.default is p.empty or n in person}
    if "hasher" in parameters:
        needed.add("hasher")
    return {n: known[n] for n in needed - {"session", "engine"}}


@contextmanager
def tried(scene: Scene, name: str, **person: int) -> Iterator[Session]:
    """A session in which this was done, and will be taken back; it may have been refused."""
    function = FUNCTIONS[name]
    with Session(scene.desk.engine) as s:
        known = arguments(scene, name, person)
        try:
            if "engine" in parameters_of(function):
                s.rollback()
                function(engine=scene.desk.engine, **known)
            else:
                function(session=s, **known)
        except AnnotationError as refused:
            assert not WRONG.search(str(refused))
        yield s
        s.rollback()


def test_every_function_that_takes_a_session_says_who_may_call_it() -> None:
    assert sorted(BY_NAME) == sorted(FUNCTIONS)
    assert len(BY_NAME) == sum(len(names(right)) for right in RIGHTS)


def test_who_asks_is_an_argument_wherever_it_decides() -> None:
    wanted = {LEADS: {"lead_id", "by"}, VIEWER: {"viewer_id"}}
    wanted |= {right: {"annotator_id"} for right in (OWN_WRITE, OWN_READ)}
    for name, function in FUNCTIONS.items():
        asked = set(parameters_of(function)) & set(PERSON)
        if BY_NAME[name] in wanted:
            assert asked & wanted[BY_NAME[name]], name
        if BY_NAME[name] in (ANYBODY, COMMAND_LINE):
            assert not asked, name


# Leads


@pytest.mark.parametrize("name", names(LEADS))
def test_nobody_but_a_lead_does_what_is_the_leads(scene: Scene, name: str) -> None:
    who = "by" if "by" in parameters_of(FUNCTIONS[name]) else "lead_id"
    before = everything(scene.desk.engine)
    for wrong in WRONG_LEADS:
        with pytest.raises(AnnotationError, match=WRONG):
            call(scene, name, **{who: scene.people[wrong]})
    assert everything(scene.desk.engine) == before


@pytest.mark.parametrize("name", names(LEADS))
def test_a_lead_is_not_refused_as_somebody_else(scene: Scene, name: str) -> None:
    who = "by" if "by" in parameters_of(FUNCTIONS[name]) else "lead_id"
    with tried(scene, name, **{who: scene.people["disclosed lead"]}):
        pass


def test_nobody_makes_themself_a_lead_or_a_machine(scene: Scene) -> None:
    before = everything(scene.desk.engine)
    for role in ("lead", "machine"):
        with pytest.raises(AnnotationError, match="ask a lead"):
            do(scene.desk.engine, people.add_annotator, name="Eve", role=role, themself=True)
    assert everything(scene.desk.engine) == before


# One's own


@pytest.mark.parametrize("name", names(OWN_WRITE))
def test_whoever_left_or_never_was_here_changes_nothing(scene: Scene, name: str) -> None:
    before = everything(scene.desk.engine)
    for wrong, why in {
        "somebody who left": "was deactivated",
        "lead who left": "was deactivated",
        "nobody": "no annotator number 99",
    }.items():
        with pytest.raises(AnnotationError, match=why):
            call(scene, name, annotator_id=scene.people[wrong])
    assert everything(scene.desk.engine) == before


@pytest.mark.parametrize("name", names(OWN_WRITE))
def test_what_somebody_changes_of_their_own_changes_nothing_of_others(
    scene: Scene, name: str
) -> None:
    ada = scene.desk.ada
    others = (
        select(Annotator).where(Annotator.id != ada).order_by(Annotator.id),
        select(Submission).where(Submission.annotator_id != ada).order_by(Submission.id),
    )

    def of_others(s: Session) -> str:
        return repr([s.exec(statement).all() for statement in others])

    with Session(scene.desk.engine) as s:
        before = of_others(s)
    with tried(scene, name, annotator_id=ada) as s:
        s.expire_all()
        assert of_others(s) == before
