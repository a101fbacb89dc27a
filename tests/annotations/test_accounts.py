"""Accounts: who has left, who leads, and what leads and the command line are told and may do."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from desk import Desk, answer, pattern
from door import NOON, add, do, enter, refusal, who, with_password
from sqlalchemy import Engine
from test_annotations_cli import Command, command, refused  # noqa: F401 (a fixture)

from annotations import accounts, audit, identities, invitations, people, queue
from annotations.claims import claim_next
from annotations.database import session
from annotations.store import submit
from annotations.tables import LEAD
from mining.errors import AnnotationError

MOMENT = 0.3  # seconds in which an unhindered second window would be done


@pytest.fixture
def lea(engine: Engine) -> int:
    return add(engine, "Lea", role="lead")


def trail(engine: Engine) -> list[tuple[str, str, str]]:
    with session(engine, read_only=True) as s:
        return [(row.who, row.what, row.about) for row in audit.entries(session=s)]


def set_active(engine: Engine, name: str, active: bool, lead_id: int | None = None) -> None:
    do(engine, accounts.set_active, name=name, active=active, lead_id=lead_id, now=NOON)


def set_role(engine: Engine, name: str, role: str, lead_id: int | None = None) -> None:
    do(engine, people.set_role, name=name, role=role, lead_id=lead_id)


def test_whoever_leaves_is_out_everywhere_and_can_be_let_in_again(engine: Engine, lea: int) -> None:
    add(engine, "Ada")
    window = with_password(engine, "Ada")
    invitation = do(engine, invitations.invite, name="Ada", now=NOON)
    set_active(engine, "Ada", False, lea)
    set_active(engine, "Ada", False, lea)  # changes nothing
    assert who(engine, window) is None
    set_active(engine, "Ada", True, lea)
    later = NOON + timedelta(seconds=1)
    assert who(engine, window, later) is None
    with pytest.raises(AnnotationError, match="ask a lead"):
        do(engine, invitations.invited, token=invitation, now=NOON)
    assert who(engine, enter(engine, "Ada", now=later), later) == "Ada"
    assert trail(engine)[-2:] == [("Lea", "deactivated", "Ada"), ("Lea", "activated", "Ada")]


def test_what_somebody_labelled_stays_when_they_leave(desk: Desk) -> None:
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    desk.save(answer(pattern(1, 2, 3)), key_id=desk.keys[1])
    do(desk.engine, accounts.set_active, name="Ada", active=False)
    for attempt in (
        lambda: desk.save(answer(), key_id=desk.keys[1], sequence=2),
        lambda: do(desk.engine, submit, annotator_id=desk.ada, key_id=desk.keys[1]),
    ):
        with pytest.raises(AnnotationError, match="Ada was deactivated"):
            attempt()
    found = {account.name: account for account in do(desk.engine, accounts.listing)}
    assert (found["Ada"].active, found["Bob"].active) == (False, True)


def test_a_key_that_somebody_had_begun_goes_to_another_when_they_leave(desk: Desk) -> None:
    first, second, *_ = desk.keys
    do(desk.engine, queue.assign, run_id=desk.run_id, overlap=1)
    desk.save(answer(pattern(1, 2, 3)), annotator_id=desk.ada, key_id=first)
    bobs = {"run_id": desk.run_id, "annotator_id": desk.bob}
    assert do(desk.engine, queue.next_key, **bobs) == second
    set_active(desk.engine, "Ada", False)
    assert do(desk.engine, queue.next_key, **bobs) == first
    assert do(desk.engine, claim_next, **bobs) == first


@pytest.mark.parametrize("change", [(set_active, False), (set_role, "annotator")])
def test_a_lead_always_remains_unless_the_command_line_says_otherwise(
    engine: Engine, lea: int, change
) -> None:
    act, value = change
    mia = add(engine, "Mia", role="lead")
    set_active(engine, "Mia", False)
    assert "only lead" in refusal(act, engine=engine, name="Lea", **named(act, value), lead_id=lea)
    set_active(engine, "Mia", True)
    act(engine, "Mia", value, lea)
    assert "only lead" in refusal(act, engine=engine, name="Lea", **named(act, value), lead_id=lea)
    set_active(engine, "Mia", True), set_role(engine, "Mia", LEAD)
    act(engine, "Lea", value, mia)
    act(engine, "Mia", value)
    assert not [a for a in do(engine, accounts.listing) if a.role == LEAD and a.active]


def named(act, value: object) -> dict[str, object]:
    return {"active" if act is set_active else "role": value}


def test_two_leads_who_deactivate_each_other_at_once_leave_one(engine: Engine, lea: int) -> None:
    mia = add(engine, "Mia", role="lead")
    with ThreadPoolExecutor() as pool:
        with session(engine) as s:
            accounts.set_active(session=s, name="Mia", active=False, lead_id=lea)
            late = pool.submit(set_active, engine, "Lea", False, mia)
            wait([late], timeout=MOMENT)
        with pytest.raises(AnnotationError, match="Mia was deactivated"):
            late.result()


def test_somebody_signs_themself_out_and_a_lead_everybody(engine: Engine, lea: int) -> None:
    ada, bob = add(engine, "Ada"), add(engine, "Bob")
    windows = {name: with_password(engine, name) for name in ("Ada", "Bob", "Lea")}

    def sign_out(about: int, by: int | None) -> None:
        do(engine, accounts.sign_out_everywhere, annotator_id=about, by=by, now=NOON)

    assert "Bob is no lead" in refusal(sign_out, about=ada, by=bob)
    assert "no annotator number 99" in refusal(sign_out, about=99, by=None)
    assert who(engine, windows["Ada"]) == "Ada"
    sign_out(ada, ada)
    set_active(engine, "Ada", False)
    assert "Ada was deactivated" in refusal(sign_out, about=ada, by=ada)
    sign_out(bob, lea)
    assert [who(engine, token) for token in windows.values()] == [None, None, "Lea"]
    told = [row for row in trail(engine) if row[1] == "signed out everywhere"]
    assert [row[::2] for row in told] == [("Ada", "Ada"), ("Lea", "Bob")]


def test_leads_are_told_how_everybody_comes_in(engine: Engine, lea: int) -> None:
    for name, role in {"Ada": "annotator", "Bob": "annotator", "bot": "machine"}.items():
        add(engine, name, role=role)
    do(engine, identities.set_identity, name="Bob", email="bob@example.org", lead_id=lea)
    with_password(engine, "Ada")
    do(engine, invitations.invite, name="Lea", lead_id=lea, now=NOON)
    set_active(engine, "Bob", False, lea)
    later = NOON + timedelta(hours=2)
    enter(engine, "Ada", now=later)
    found = do(engine, accounts.listing, lead_id=lea, now=later)
    assert [
        (a.name, a.role, a.active, a.email, a.has_password, a.invited_until, a.last_seen)
        for a in found
    ] == [
        ("Ada", "annotator", True, None, True, None, later),
        ("Bob", "annotator", False, "bob@example.org", False, None, None),
        ("bot", "machine", True, None, False, None, None),
        ("Lea", "lead", True, None, False, NOON + timedelta(days=7), None),
    ]  # fmt: skip
    week = NOON + timedelta(days=7)
    assert {a.invited_until for a in do(engine, accounts.listing, now=week)} == {None}


def test_whoever_comes_by_a_provider_was_seen_when_they_last_changed_something(desk: Desk) -> None:
    desk.save(answer(pattern(1, 2, 3)), now=NOON)
    found = {account.name: account.last_seen for account in do(desk.engine, accounts.listing)}
    assert found == {"Ada": NOON, "Bob": None}


# The commands


def test_the_commands_about_people_do_and_say_it(command: Command) -> None:  # noqa: F811
    assert command("users", "add", "Ada", "--email", "Ada@Example.org")[0] == 0
    command("users", "add", "Lea", "--role", "lead")
    code, out, _ = command("users", "invite", "Lea", "--url", "https://keyhole.example.org/")
    link, note = out.splitlines()
    assert (code, link[:46]) == (0, "https://keyhole.example.org/invitation?token=" + link[45])
    assert len(link) > 85
    assert note == "The link is for Lea alone, works once, and holds 7 days."
    assert command("users", "deactivate", "Ada")[0] == 0
    listed = command("users", "list")[1].splitlines()
    assert listed[0] == "Ada\tannotator\tada@example.org\tdeactivated"
    assert listed[1].startswith("Lea\tlead\tinvited until 20")
    assert command("users", "activate", "Ada") == (0, "Ada can sign in again.\n", "")
    assert command("users", "email", "Ada", "--none")[0] == 0
    assert command("users", "sign-out", "Lea")[0] == 0
    assert command("users", "list")[1] == "Ada\tannotator\nLea\tlead\n"
    said = command("audit")[1]
    assert link[45:] not in said
    assert [line.split("\t")[2] for line in said.splitlines()] == [
        "user added", "e-mail changed", "user added", "invited", "deactivated", "activated",
        "e-mail changed", "signed out everywhere",
    ]  # fmt: skip


def test_a_mistake_about_people_is_one_line(command: Command) -> None:  # noqa: F811
    command("users", "add", "Ada")
    for wrong, line in {
        ("invite", "Ada", "--url", "keyhole.example.org"): "write it like https://",
        ("invite", "Ada", "--url", "https://x.org/?a=b"): "write it like https://",
        ("invite", "Bob"): "nobody called 'Bob'",
        ("email", "Ada"): "--none",
        ("email", "Ada", "ada@example.org", "--none"): "--none",
        ("email", "Ada", "nowhere"): "no e-mail address",
        ("deactivate", "Bob\0"): "nobody called",
        ("sign-out", "Bob"): "nobody called",
    }.items():
        assert line in refused(command("users", *wrong))
    assert "no e-mail address" in refused(command("users", "add", "Bob", "--email", "nowhere"))
    assert command("users", "list")[1] == "Ada\tannotator\n"  # Bob was not added either
