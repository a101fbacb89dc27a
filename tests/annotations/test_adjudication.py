"""Gold: which keys leads decide, how the answer is composed, and what becomes of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from desk import Desk, answer, pattern
from sqlmodel import select

from annotations.adjudication import (
    Case,
    add_to_gold,
    cases,
    open_gold,
    reopen_gold,
    save_gold,
    submit_gold,
    submitted_answers,
)
from annotations.answer_weights import counted_answers
from annotations.answers import Answer
from annotations.blind import disclose
from annotations.database import session
from annotations.frames import dataset_frames
from annotations.people import add_annotator
from annotations.queries import annotator_named, annotators, key_page
from annotations.queue import assign
from annotations.statistics import layer_statistics
from annotations.store import reopen
from annotations.tables import Annotator, Revision, Submission
from mining.errors import AnnotationError, StaleDraftError

MOMENT = 0.3  # seconds in which an unhindered second writer would be done
TRAINS, SHIPS = pattern(1, 2, 3, description="trains"), pattern(3, 4, 5, description="ships")
BOATS = pattern(3, 4, 5, kind="semantic", description="boats")


def do(desk: Desk, what: Callable, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **how)


def lead(desk: Desk, name: str = "Lea", *, sees_all: bool = True) -> int:
    lead_id = do(desk, add_annotator, name=name, role="lead").id
    if sees_all:
        do(desk, disclose, lead_id=lead_id, run_id=desk.run_id)
    return lead_id


def both_answer(desk: Desk, turn: int, adas: Answer, bobs: Answer) -> int:
    desk.hand_in(adas, desk.ada, desk.keys[turn])
    desk.hand_in(bobs, desk.bob, desk.keys[turn])
    return desk.keys[turn]


@pytest.fixture
def about(desk: Desk) -> dict[str, int]:
    """A lead who sees everything, and a key that Ada and Bob answer differently."""
    key = both_answer(desk, 0, answer(TRAINS), answer(SHIPS))
    return {"lead_id": lead(desk), "key_id": key}


def open_cases(desk: Desk, lead_id: int) -> list[Case]:
    return do(desk, cases, run_id=desk.run_id, lead_id=lead_id)


# Which keys


def test_the_cases_come_with_the_most_disagreement_first_and_the_decided_last(desk: Desk) -> None:
    alike = both_answer(desk, 0, answer(TRAINS), answer(TRAINS))
    apart = both_answer(desk, 1, answer(TRAINS), answer(SHIPS))
    partly = both_answer(desk, 2, answer(TRAINS, SHIPS), answer(TRAINS))
    decided = both_answer(desk, 3, answer(TRAINS), answer())
    begun = both_answer(desk, 4, answer(SHIPS), answer(BOATS))
    lea = lead(desk)
    for key in (decided, begun):
        do(desk, add_to_gold, lead_id=lea, key_id=key, pattern=TRAINS)
    do(desk, submit_gold, lead_id=lea, key_id=decided)
    expected = [
        (apart, 1.0, None),
        (begun, 0.5, "draft"),  # the same prefixes, another type: half
        (partly, 1 / 3, None),  # F1 of 1 pair among 3 patterns: 2 × 1 / 3
        (alike, 0.0, None),
        (decided, 1.0, "submitted"),
    ]
    with session(desk.engine, read_only=True) as s:
        pages = {key: key_page(session=s, key_id=key) for key in desk.keys}
    assert open_cases(desk, lea) == [
        Case(key, pages[key].layer, pages[key].key, 2, pytest.approx(apart), gold)
        for key, apart, gold in expected
    ]


def test_equally_disputed_keys_come_by_layer_and_number(desk: Desk) -> None:
    for turn in range(6):
        both_answer(desk, turn, answer(TRAINS), answer(SHIPS))
    found = [(case.layer, case.key) for case in open_cases(desk, lead(desk))]
    assert found == [(layer, key) for layer in (0, 1) for key in range(3)]


def test_only_keys_that_two_have_submitted_can_be_decided(desk: Desk) -> None:
    lea, key = lead(desk), desk.keys[0]
    about = {"lead_id": lea, "key_id": key}
    desk.hand_in(answer(TRAINS), desk.ada, key)
    desk.save(answer(SHIPS), annotator_id=desk.bob, key_id=key)
    attempts = {open_gold: {}, submit_gold: {}, add_to_gold: {"pattern": SHIPS}}
    for attempt, more in attempts.items():
        with pytest.raises(AnnotationError, match="Fewer than 2 people"):
            do(desk, attempt, **about, **more)
    assert open_cases(desk, lea) == []
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Submission)).all()) == 2  # and gold has not begun


def test_the_gold_answer_is_not_one_of_the_two(desk: Desk, about: dict[str, int]) -> None:
    do(desk, add_to_gold, **about, pattern=TRAINS)
    do(desk, submit_gold, **about)
    assert [case.annotators for case in open_cases(desk, about["lead_id"])] == [2]
    shown = do(desk, submitted_answers, viewer_id=about["lead_id"], key_id=about["key_id"])
    assert shown == {"Ada": answer(TRAINS), "Bob": answer(SHIPS)}
    do(desk, reopen, annotator_id=desk.bob, key_id=about["key_id"])
    assert open_cases(desk, about["lead_id"]) == []
    with pytest.raises(AnnotationError, match="Fewer than 2 people"):
        do(desk, add_to_gold, **about, pattern=BOATS)


def test_only_leads_decide(desk: Desk, about: dict[str, int]) -> None:
    for who in (desk.ada, desk.bob, 99):  # two of whom may see the answers
        as_lead = {"lead_id": who, "key_id": about["key_id"]}
        window = {"writer": "w", "sequence": 1, "base_revision": 0}
        for attempt, more in {
            open_gold: {},
            save_gold: {"answer": answer(SHIPS), **window},
            add_to_gold: {"pattern": SHIPS},
            submit_gold: {},
            reopen_gold: {},
        }.items():
            with pytest.raises(AnnotationError, match="no lead"):
                do(desk, attempt, **as_lead, **more)
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Submission)).all()) == 2


def test_gold_waits_in_no_queue_and_takes_no_place_in_it(desk: Desk, about: dict[str, int]) -> None:
    do(desk, assign, run_id=desk.run_id, overlap=2)
    do(desk, add_to_gold, **about, pattern=SHIPS)
    with session(desk.engine) as s:
        (gold,) = s.exec(select(Submission).where(Submission.status == "draft"))
        gold.changed_at -= timedelta(days=9)
    assert do(desk, open_gold, **about).answer == answer(SHIPS)
    assert do(desk, submit_gold, **about).status == "submitted"


def test_a_lead_who_has_labelled_a_key_may_decide_it_without_seeing_the_others(desk: Desk) -> None:
    max_ = lead(desk, "Max", sees_all=False)
    both_answer(desk, 1, answer(TRAINS), answer(SHIPS))
    key = both_answer(desk, 0, answer(TRAINS), answer(SHIPS))
    desk.hand_in(answer(BOATS), max_, key)
    assert [(case.key_id, case.annotators) for case in open_cases(desk, max_)] == [(key, 3)]
    assert do(desk, open_gold, lead_id=max_, key_id=key).status == "draft"


# Composing it


def test_patterns_are_taken_one_after_the_other_and_each_once(
    desk: Desk, about: dict[str, int]
) -> None:
    for taken in (SHIPS, TRAINS, SHIPS, TRAINS):
        do(desk, add_to_gold, **about, pattern=taken)
    assert do(desk, open_gold, **about).answer == answer(SHIPS, TRAINS)


def test_taking_a_pattern_takes_back_that_there_is_none(desk: Desk, about: dict[str, int]) -> None:
    do(desk, save_gold, **about, answer=answer(), writer="w", sequence=1, base_revision=0)
    assert do(desk, add_to_gold, **about, pattern=BOATS).answer == answer(BOATS)


def test_a_window_that_has_not_seen_what_was_taken_is_told(
    desk: Desk, about: dict[str, int]
) -> None:
    seen = do(desk, open_gold, **about)
    do(desk, add_to_gold, **about, pattern=SHIPS)
    window = {"writer": "w", "sequence": 1, "answer": answer(TRAINS)}
    with pytest.raises(StaleDraftError):
        do(desk, save_gold, **about, **window, base_revision=seen.revision)
    now = do(desk, open_gold, **about)
    saved = do(desk, save_gold, **about, **window, base_revision=now.revision)
    assert saved.answer == answer(TRAINS)
    assert do(desk, add_to_gold, **about, pattern=SHIPS).answer == answer(TRAINS, SHIPS)


def test_two_leads_who_take_a_pattern_in_the_same_moment_lose_none(
    desk: Desk, about: dict[str, int]
) -> None:
    do(desk, add_to_gold, **about, pattern=BOATS)
    other = about | {"lead_id": lead(desk, "Max")}
    with ThreadPoolExecutor() as pool:
        with session(desk.engine) as s:
            add_to_gold(session=s, **about, pattern=TRAINS)
            late = pool.submit(do, desk, add_to_gold, **other, pattern=SHIPS)
            wait([late], timeout=MOMENT)
        assert late.result().answer == answer(BOATS, TRAINS, SHIPS)


def test_two_leads_who_begin_in_the_same_moment_make_gold_once(
    desk: Desk, about: dict[str, int]
) -> None:
    other = about | {"lead_id": lead(desk, "Max")}
    with ThreadPoolExecutor() as pool:
        with session(desk.engine) as s:
            open_gold(session=s, **about)
            late = pool.submit(do, desk, open_gold, **other)
            wait([late], timeout=MOMENT)
        assert late.result().revision == 0
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Annotator).where(Annotator.role == "gold")).all()) == 1


def test_a_gold_answer_keeps_the_protocols_rules(desk: Desk, about: dict[str, int]) -> None:
    with pytest.raises(AnnotationError, match="Add a pattern"):
        do(desk, submit_gold, **about)
    do(desk, add_to_gold, **about, pattern=pattern(1, 2))
    with pytest.raises(AnnotationError, match="at least 3"):
        do(desk, submit_gold, **about)
    with pytest.raises(AnnotationError, match="no prefix of rank 6"):
        do(desk, add_to_gold, **about, pattern=pattern(4, 5, 6))


# What becomes of it


def test_a_decision_keeps_who_made_it_and_a_later_one_does_not_replace_it(
    desk: Desk, about: dict[str, int]
) -> None:
    do(desk, add_to_gold, **about, pattern=SHIPS)
    assert do(desk, submit_gold, **about).status == "submitted"
    with pytest.raises(AnnotationError, match="reopen it"):
        do(desk, add_to_gold, **about, pattern=TRAINS)
    other = about | {"lead_id": lead(desk, "Max")}
    assert do(desk, reopen_gold, **other).answer == answer(SHIPS)
    do(desk, add_to_gold, **other, pattern=TRAINS)
    do(desk, submit_gold, **other)
    with session(desk.engine, read_only=True) as s:
        kept = s.exec(
            select(Annotator.name, Revision)
            .join(Submission, Submission.id == Revision.submission_id)
            .join(Annotator, Annotator.id == Submission.annotator_id)
            .order_by(Annotator.name, Revision.number)
        ).all()
    assert [
        (name, row.number, row.decided_by, Answer.from_json(row.answer)) for name, row in kept
    ] == [
        ("Ada", 1, None, answer(TRAINS)),
        ("Bob", 1, None, answer(SHIPS)),
        ("gold", 1, about["lead_id"], answer(SHIPS)),
        ("gold", 2, other["lead_id"], answer(SHIPS, TRAINS)),
    ]


def test_gold_is_exported_under_its_name_and_counts_alone(
    desk: Desk, about: dict[str, int]
) -> None:
    both_answer(desk, 2, answer(TRAINS), answer(TRAINS))  # of the same layer, undecided

    def shares() -> list[float]:
        frames = do(desk, dataset_frames, run_id=desk.run_id)
        return layer_statistics(frames, rounds=2)["share"].tolist()

    do(desk, add_to_gold, **about, pattern=BOATS)
    assert shares() == pytest.approx([6 / 10, 0, 0, 4 / 10])  # a draft counts for nothing
    do(desk, submit_gold, **about)
    frames = do(desk, dataset_frames, run_id=desk.run_id)
    assert sorted(frames["submissions"]["annotator"]) == ["Ada", "Ada", "Bob", "Bob", "gold"]
    assert frames["patterns"].query("annotator == 'gold'")["description"].tolist() == ["boats"]
    assert frames["labels"].query("annotator == 'gold'")["rank"].tolist() == [3, 4, 5]
    weights = counted_answers(frames["submissions"]).set_index("annotator")["weight"]
    assert (weights["gold"], weights.drop("gold").tolist()) == (1.0, [0.5, 0.5])
    assert shares() == pytest.approx([3 / 10, 3 / 10, 0, 4 / 10])


@pytest.mark.parametrize("name", ["gold", "Gold", " GOLD "])
def test_nobody_is_called_gold_and_gold_is_nobody(desk: Desk, name: str) -> None:
    with pytest.raises(AnnotationError, match="agreed answer"):
        do(desk, add_annotator, name=name)
    both_answer(desk, 0, answer(TRAINS), answer(SHIPS))
    do(desk, open_gold, lead_id=lead(desk), key_id=desk.keys[0])
    assert [person.name for person in do(desk, annotators)] == ["Ada", "Bob", "Lea"]
    assert do(desk, annotator_named, name="gold") is None
