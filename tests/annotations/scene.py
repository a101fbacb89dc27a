"""A team at work, with everybody in it who may not do something, for the tests of rights."""

from dataclasses import dataclass

from desk import Desk, answer, pattern
from door import add, do
from sqlalchemy import text
from sqlmodel import select

from annotations import accounts, adjudication, blind, people, remarks, store
from annotations.answers import Answer
from annotations.database import session
from annotations.tables import Annotator

# Words of Bob's; whoever may not read them finds none of these in what they get.
SECRETS = ("ships", "sails", "keels", "masts", "oars")


@dataclass(frozen=True)
class Scene:
    """Bob and Cyd have answered the first key, Bob has begun the second and skipped the third.

    `people` are ids. Whoever left, the machine, the gold row and a former lead have submitted the
    first key or were shown everything: only what they are keeps them from reading.
    """

    desk: Desk
    people: dict[str, int]


WRONG_LEADS = ("annotator", "lead who left", "former lead", "machine", "gold", "nobody")
WRONG_VIEWERS = ("annotator", "lead", "somebody who left", "lead who left", "machine", "gold")
WRONG_VIEWERS = (*WRONG_VIEWERS, "former lead", "nobody")


def set_the_scene(desk: Desk) -> Scene:
    """Fill a fresh desk."""
    first, second, third, *_ = desk.keys
    engine = desk.engine
    cyd = add(engine, "Cyd")
    ids = {
        "annotator": desk.ada,
        "Cyd": cyd,
        "lead": add(engine, "Lea", role="lead"),
        "disclosed lead": add(engine, "Mia", role="lead"),
        "somebody who left": add(engine, "Sam"),
        "lead who left": add(engine, "Lou", role="lead"),
        "former lead": add(engine, "Fay", role="lead"),
        "machine": add(engine, "bot"),
        "nobody": 99,
    }
    for name in ("disclosed lead", "lead who left", "former lead"):
        do(engine, blind.disclose, lead_id=ids[name], run_id=desk.run_id)
    own = answer(pattern(1, 2, 3, description="trains"))
    desk.hand_in(answer(pattern(2, 3, 4, description="ships")), desk.bob, first)
    for who in (cyd, ids["somebody who left"], ids["machine"]):
        desk.hand_in(own, who, first)
    _begin(desk, second, answer(pattern(2, 3, 4, description="sails")))
    bobs = {"annotator_id": desk.bob}
    do(engine, store.skip, **bobs, key_id=third, reason="keels")
    do(engine, remarks.set_flag, **bobs, key_id=first, reason="masts")
    do(engine, remarks.set_note, **bobs, key_id=first, note="oars")
    decide = {"lead_id": ids["disclosed lead"], "key_id": first}
    do(engine, adjudication.add_to_gold, **decide, pattern=own.patterns[0])
    do(engine, adjudication.submit_gold, **decide)
    for name in ("Sam", "Lou"):
        do(engine, accounts.set_active, name=name, active=False)
    do(engine, people.set_role, name="Fay", role="annotator")
    with session(engine) as s:
        s.execute(text("UPDATE annotator SET role = 'machine' WHERE name = 'bot'"))
        ids["gold"] = s.exec(select(Annotator.id).where(Annotator.role == "gold")).one()
    return Scene(desk, ids)


def _begin(desk: Desk, key_id: int, begun: Answer) -> None:
    desk.save(begun, annotator_id=desk.bob, key_id=key_id)
