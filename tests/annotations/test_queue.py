"""The queue: who is offered which key, how long a claim holds it, and what leads assign."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from desk import NOON, Desk, answer, pattern
from sqlmodel import select

from annotations.blind import disclose
from annotations.claims import claim_next, open_key
from annotations.database import session
from annotations.people import add_annotator
from annotations.queries import key_page, stored_answer
from annotations.queue import Assignment, assign, let_go, next_key, open_to_everybody
from annotations.remarks import set_flag, set_note
from annotations.store import reopen, skip
from annotations.tables import Annotator, Key, Run, Submission
from mining.errors import AnnotationError, ClaimedError

ROOT = Path(__file__).parents[2]
MOMENT = 0.3  # seconds in which an unhindered second process would be done
ONE = answer(pattern(1, 2, 3))
DAY = timedelta(hours=24)
A_SECOND = timedelta(seconds=1)


def do(desk: Desk, what, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **how)


def person(desk: Desk, name: str, role: str = "annotator") -> int:
    return do(desk, add_annotator, name=name, role=role).id


def ask_for(desk: Desk, overlap: int, **how: object) -> Assignment:
    return do(desk, assign, run_id=desk.run_id, overlap=overlap, **how)


def offered(desk: Desk, who: int, now: datetime = NOON, after: int | None = None) -> int | None:
    return do(desk, next_key, run_id=desk.run_id, annotator_id=who, now=now, after=after)


def look(desk: Desk, who: int, key: int, now: datetime = NOON):
    return do(desk, open_key, annotator_id=who, key_id=key, now=now)


def drafted(desk: Desk, who: int, key: int, now: datetime = NOON) -> None:
    desk.save(ONE, annotator_id=who, key_id=key, now=now)


def of_layer(desk: Desk, layer: int) -> list[int]:
    with session(desk.engine, read_only=True) as s:
        return [k for k in desk.keys if key_page(session=s, key_id=k).layer == layer]


# What leads assign


def test_without_an_assignment_everybody_may_answer_everything(desk: Desk) -> None:
    cyd = person(desk, "Cyd")
    for who in (desk.ada, desk.bob, cyd):
        for key in desk.keys:
            assert offered(desk, who) == key
            desk.hand_in(ONE, who, key)
        assert offered(desk, who) is None


@pytest.mark.parametrize("overlap", [1, 2])
def test_a_key_is_offered_until_as_many_hold_it_as_it_wants(desk: Desk, overlap: int) -> None:
    assert ask_for(desk, overlap) == Assignment(keys=6, overlap=overlap)
    for who in (desk.ada, desk.bob)[:overlap]:
        assert offered(desk, who) == desk.keys[0]
        look(desk, who, desk.keys[0])
    late = person(desk, "Cyd")
    assert offered(desk, late) == desk.keys[1]
    with pytest.raises(ClaimedError, match="as many annotators as it needs"):
        look(desk, late, desk.keys[0])
    assert offered(desk, desk.ada) == desk.keys[0]  # and stays with those who hold it
    assert look(desk, desk.ada, desk.keys[0]).revision == 0


def test_layers_that_were_never_assigned_are_closed_until_they_are(desk: Desk) -> None:
    assert ask_for(desk, 1, layers=[1]) == Assignment(keys=3, overlap=1)
    first, second = of_layer(desk, 1)[0], of_layer(desk, 0)[0]
    assert offered(desk, desk.ada) == first
    with pytest.raises(ClaimedError):
        look(desk, desk.ada, second)
    assert ask_for(desk, 2, layers=[0]) == Assignment(keys=3, overlap=2)
    assert offered(desk, desk.ada) == second
    do(desk, claim_next, run_id=desk.run_id, annotator_id=desk.ada, after=second, now=NOON)
    assert offered(desk, desk.bob, after=second) != first  # layer 1 still wants one


def test_an_impossible_assignment_is_refused_and_changes_nothing(desk: Desk) -> None:
    for how, says in (
        ({"overlap": 0}, "overlap of 0"),
        ({"overlap": -1}, "overlap of -1"),
        ({"overlap": 10**12}, "overlap of 1000000000000"),
        ({"layers": [0, 7]}, "No key of layer 7 was imported; there are layers 0, 1"),
        ({"layers": []}, "layer"),
        ({"claim_hours": 0}, "0 hours"),
        ({"claim_hours": -1.0}, "-1.0 hours"),
        ({"claim_hours": float("nan")}, "nan hours"),
        ({"claim_hours": float("inf")}, "inf hours"),
        ({"claim_hours": 10_001}, "10001 hours"),
    ):
        with pytest.raises(AnnotationError, match=says):
            ask_for(desk, **({"overlap": 2} | how))
    with session(desk.engine, read_only=True) as s:
        assert s.exec(select(Run.claim_hours)).one() == 24
        assert set(s.exec(select(Key.wanted))) == {None}


def test_an_assignment_can_be_taken_back(desk: Desk) -> None:
    ask_for(desk, 1, layers=[0])
    look(desk, desk.ada, of_layer(desk, 0)[0])
    do(desk, open_to_everybody, run_id=desk.run_id)
    for key in desk.keys:
        assert offered(desk, desk.bob) == key
        desk.hand_in(ONE, desk.bob, key)


def test_only_leads_assign_where_a_person_asks(desk: Desk) -> None:
    lea = person(desk, "Lea", "lead")
    assert ask_for(desk, 1, lead_id=lea).keys == 6
    for what in (assign, open_to_everybody):
        overlap = {"overlap": 2} if what is assign else {}
        with pytest.raises(AnnotationError, match="Ada is no lead"):
            do(desk, what, run_id=desk.run_id, lead_id=desk.ada, **overlap)
    with session(desk.engine, read_only=True) as s:
        assert set(s.exec(select(Key.wanted))) == {1}


# Whose turn it is


def test_the_search_behind_a_key_comes_round_and_passes_over_what_is_taken(desk: Desk) -> None:
    ask_for(desk, 1)
    for turn in (1, 4):
        look(desk, desk.bob, desk.keys[turn])
    visited, key = [], None
    for _ in range(5):
        key = offered(desk, desk.ada, after=key)
        visited.append(desk.keys.index(key))
    assert visited == [0, 2, 3, 5, 0]
    assert offered(desk, desk.ada, after=desk.keys[4]) == desk.keys[5]


def test_claiming_opens_the_key_and_says_when_nothing_is_left(desk: Desk) -> None:
    ask_for(desk, 1)
    bobs = {"run_id": desk.run_id, "annotator_id": desk.bob, "now": NOON}
    assert do(desk, claim_next, **bobs) == do(desk, claim_next, **bobs) == desk.keys[0]
    claimed = [do(desk, claim_next, **bobs, after=key) for key in desk.keys[:-1]]
    assert claimed == list(desk.keys[1:])
    alone = {"run_id": desk.run_id, "annotator_id": desk.ada, "now": NOON}
    assert do(desk, claim_next, **alone) is None


# How long a claim holds


def test_a_claim_left_alone_goes_back_to_the_queue_and_the_draft_stays(desk: Desk) -> None:
    ask_for(desk, 1)
    key = desk.keys[0]
    drafted(desk, desk.ada, key)
    assert offered(desk, desk.bob, NOON + DAY - A_SECOND) == desk.keys[1]
    expired = NOON + DAY + A_SECOND
    assert offered(desk, desk.bob, expired) == key
    look(desk, desk.bob, key, expired)
    assert offered(desk, desk.ada, expired) == desk.keys[1]
    with pytest.raises(ClaimedError, match="What you may have begun here is kept"):
        look(desk, desk.ada, key, expired)
    with session(desk.engine, read_only=True) as s:
        kept = stored_answer(session=s, annotator_id=desk.ada, key_id=key)
    assert (kept.status, kept.answer) == ("draft", ONE)


def test_whose_claim_ran_out_gets_it_back_with_the_draft_when_the_place_is_free(desk: Desk) -> None:
    ask_for(desk, 1)
    key, later = desk.keys[0], NOON + 2 * DAY
    drafted(desk, desk.ada, key)
    look(desk, desk.bob, key, later)
    do(desk, skip, annotator_id=desk.bob, key_id=key, reason="no idea", now=later)
    assert offered(desk, desk.ada, later) == key
    assert look(desk, desk.ada, key, later).answer == ONE
    assert offered(desk, person(desk, "Cyd"), later) == desk.keys[1]  # it is claimed anew
    with pytest.raises(ClaimedError):
        do(desk, reopen, annotator_id=desk.bob, key_id=key, now=later)


def test_work_on_a_key_prolongs_the_claim_and_a_lead_may_shorten_it(desk: Desk) -> None:
    ask_for(desk, 1, claim_hours=0.5)
    drafted(desk, desk.ada, desk.keys[0])
    later = NOON + timedelta(minutes=29)
    desk.save(answer(), key_id=desk.keys[0], sequence=2, now=later)
    assert offered(desk, desk.bob, later + timedelta(minutes=29)) == desk.keys[1]
    assert offered(desk, desk.bob, later + timedelta(minutes=31)) == desk.keys[0]


def test_a_submission_holds_its_place_for_good(desk: Desk) -> None:
    ask_for(desk, 1)
    desk.hand_in(ONE, desk.ada, desk.keys[0])
    assert offered(desk, desk.bob, NOON + 1000 * DAY) == desk.keys[1]


def test_what_was_submitted_before_counts_towards_the_overlap(desk: Desk) -> None:
    desk.hand_in(ONE, desk.ada, desk.keys[0])
    ask_for(desk, 1)
    assert offered(desk, desk.bob) == desk.keys[1]


def test_who_has_begun_a_key_before_it_was_assigned_may_finish_it(desk: Desk) -> None:
    for who in (desk.ada, desk.bob):
        drafted(desk, who, desk.keys[0])
    ask_for(desk, 1)
    for who in (desk.ada, desk.bob):
        assert offered(desk, who) == desk.keys[0]
        assert look(desk, who, desk.keys[0]).answer == ONE
    assert offered(desk, person(desk, "Cyd")) == desk.keys[1]


def test_skips_and_the_gold_answer_hold_no_place(desk: Desk) -> None:
    ask_for(desk, 1)
    key = desk.keys[0]
    do(desk, skip, annotator_id=desk.ada, key_id=key, reason="no idea", now=NOON)
    assert offered(desk, desk.ada) == desk.keys[1]
    with session(desk.engine) as s:
        gold = Annotator(name="gold", role="gold")
        s.add(gold)
        s.flush()
        held = {"annotator_id": gold.id, "key_id": key, "guideline_version": "1"}
        s.add(Submission(**held, status="submitted", submitted_at=NOON, changed_at=NOON))
    assert offered(desk, desk.bob) == key
    assert look(desk, desk.bob, key).status == "draft"


def test_a_lead_who_is_not_blind_is_offered_nothing_and_holds_no_draft(desk: Desk) -> None:
    ask_for(desk, 1)
    lea = person(desk, "Lea", "lead")
    look(desk, lea, desk.keys[0])
    do(desk, disclose, lead_id=lea, run_id=desk.run_id)
    assert offered(desk, lea) is None
    assert offered(desk, desk.ada) == desk.keys[0]


def test_passing_over_a_key_frees_it_only_if_nothing_was_done(desk: Desk) -> None:
    ask_for(desk, 1)
    skipped = {"key_id": desk.keys[2], "annotator_id": desk.ada, "reason": "no idea", "now": NOON}
    for key in desk.keys:
        look(desk, desk.ada, key)
    desk.hand_in(ONE, desk.ada, desk.keys[0])
    drafted(desk, desk.ada, desk.keys[1])
    do(desk, skip, **skipped)
    remark = {"annotator_id": desk.ada}
    do(desk, set_note, **remark, key_id=desk.keys[3], note="ships?")
    do(desk, set_flag, **remark, key_id=desk.keys[4], reason="garbled")
    for who, left in ((desk.bob, desk.keys), (desk.ada, desk.keys[:5])):  # Bob's is none of it
        for key in desk.keys:
            do(desk, let_go, annotator_id=who, key_id=key)
        with session(desk.engine, read_only=True) as s:
            assert set(s.exec(select(Submission.key_id))) == set(left)
    assert offered(desk, desk.bob, after=desk.keys[2]) == desk.keys[5]
