"""Drafts, stale windows, submissions: nothing that a person typed is lost or overwritten unseen."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta, timezone

import pytest
from desk import NOON, Desk, answer, pattern
from sqlmodel import select

from annotations.answers import Answer
from annotations.claims import open_key
from annotations.database import session
from annotations.guidelines import GUIDELINE_VERSION
from annotations.queries import stored_answer
from annotations.store import reopen, save_draft, submit
from annotations.tables import Pattern, Revision, Submission, Tick
from mining.errors import AnnotationError, StaleDraftError

MOMENT = 0.3  # seconds in which an unhindered second writer would be done
ONE = answer(pattern(1, 2, 3))
TWO = answer(pattern(1, 2, 3), pattern(3, 4, 5, kind="semantic", description="about ships"))


def own(desk: Desk) -> dict[str, int]:
    return {"annotator_id": desk.ada, "key_id": desk.keys[0]}


def stored(desk: Desk):
    with session(desk.engine, read_only=True) as s:
        return stored_answer(session=s, **own(desk))


def do(what, desk: Desk, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **own(desk), **how)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# Drafts


def test_opening_a_key_makes_an_empty_draft_once(desk: Desk) -> None:
    first = do(open_key, desk)
    assert (first.answer, first.status, first.revision) == (Answer(), "draft", 0)
    assert do(open_key, desk) == first
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Submission)).all()) == 1


def test_two_windows_may_open_a_key_in_the_same_moment(desk: Desk) -> None:
    with ThreadPoolExecutor() as pool:
        with session(desk.engine) as s:
            first = open_key(session=s, **own(desk))
            late = pool.submit(do, open_key, desk)
            wait([late], timeout=MOMENT)
        assert late.result() == first
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Submission)).all()) == 1


def test_opening_a_key_again_shows_what_was_saved(desk: Desk) -> None:
    desk.save(TWO)
    assert do(open_key, desk).answer == TWO


def test_a_saved_draft_is_read_back_as_it_was(desk: Desk) -> None:
    unfinished = Answer(
        (pattern(description="日本 🦉"), pattern(1, 5, kind="semantic", description="")), False
    )
    saved = desk.save(unfinished, sequence=7)
    assert (saved.answer, saved.revision, saved.sequence) == (unfinished, 1, 7)
    assert (saved.status, saved.writer, saved.submitted_at) == ("draft", "window", None)
    assert stored(desk) == saved


def test_a_later_change_replaces_the_whole_answer(desk: Desk) -> None:
    desk.save(TWO)
    assert desk.save(Answer(no_pattern=True), sequence=2).answer == Answer(no_pattern=True)
    with session(desk.engine, read_only=True) as s:
        assert s.exec(select(Pattern)).all() == []
        assert s.exec(select(Tick)).all() == []


def test_a_draft_can_be_saved_without_opening_the_key_first(desk: Desk) -> None:
    assert desk.save(ONE).revision == 1


def test_people_do_not_see_or_change_each_others_answers(desk: Desk) -> None:
    desk.save(ONE)
    desk.save(TWO, annotator_id=desk.bob)
    assert stored(desk).answer == ONE


@pytest.mark.parametrize("sequence", [4, 5])
def test_a_change_that_arrives_twice_or_late_changes_nothing(desk: Desk, sequence: int) -> None:
    saved = desk.save(TWO, sequence=5)
    assert desk.save(ONE, sequence=sequence) == saved
    assert stored(desk) == saved


def test_a_window_goes_on_from_its_own_changes_without_asking(desk: Desk) -> None:
    desk.save(ONE, sequence=1, base_revision=0)
    assert desk.save(TWO, sequence=2, base_revision=0).revision == 2


def test_a_draft_saved_by_another_window_is_not_overwritten(desk: Desk) -> None:
    desk.save(ONE, writer="first", base_revision=0)
    with pytest.raises(StaleDraftError, match="Another window"):
        desk.save(TWO, writer="second", sequence=9, base_revision=0)
    assert stored(desk).answer == ONE


def test_a_window_that_has_seen_the_present_state_may_go_on_from_it(desk: Desk) -> None:
    seen = desk.save(ONE, writer="first", sequence=8)
    taken_over = desk.save(TWO, writer="second", sequence=1, base_revision=seen.revision)
    assert (taken_over.answer, taken_over.revision) == (TWO, 2)
    with pytest.raises(StaleDraftError):
        desk.save(ONE, writer="first", sequence=9, base_revision=seen.revision)


def test_a_window_from_the_future_is_stale_too(desk: Desk) -> None:
    desk.save(ONE, writer="first")
    with pytest.raises(StaleDraftError):
        desk.save(TWO, writer="second", base_revision=2)


def test_a_tick_on_a_prefix_that_the_key_lacks_is_refused_and_the_draft_kept(desk: Desk) -> None:
    desk.save(ONE)
    with pytest.raises(AnnotationError, match="no prefix of rank 6"):
        desk.save(answer(pattern(1, 2, 6, 10**30)), sequence=2)
    assert stored(desk).answer == ONE


@pytest.mark.parametrize(
    "how", [{"writer": ""}, {"writer": "a\0"}, {"sequence": -1}, {"sequence": 2**63}]
)
def test_a_change_without_a_proper_sender_is_refused(desk: Desk, how: dict[str, object]) -> None:
    with pytest.raises(AnnotationError, match="reload the page"):
        desk.save(ONE, **how)


@pytest.mark.parametrize("who", [{"annotator_id": 99}, {"key_id": 99}])
def test_somebody_or_some_key_that_does_not_exist_is_refused(
    desk: Desk, who: dict[str, int]
) -> None:
    with pytest.raises(AnnotationError, match="number 99"):
        desk.save(ONE, **who)


# Submissions


def test_a_submitted_answer_is_kept_as_it_was(desk: Desk) -> None:
    desk.save(TWO, now=NOON)
    done = do(submit, desk, now=after(30))
    assert (done.status, done.answer, done.submitted_at) == ("submitted", TWO, after(30))
    with session(desk.engine, read_only=True) as s:
        kept = s.exec(select(Revision)).one()
    assert (kept.number, kept.submitted_at, kept.seconds) == (1, after(30), 30)
    assert Answer.from_json(kept.answer) == TWO
    assert kept.guideline_version == GUIDELINE_VERSION


def test_submitting_twice_is_one_submission(desk: Desk) -> None:
    desk.save(ONE, now=NOON)
    once = do(submit, desk, now=after(10))
    assert do(submit, desk, now=after(20)) == once
    with session(desk.engine, read_only=True) as s:
        assert len(s.exec(select(Revision)).all()) == 1


def test_an_unfinished_answer_is_not_submitted_and_says_every_reason(desk: Desk) -> None:
    desk.save(answer(pattern(1, 2), pattern(1, 2, 3, description="")))
    with pytest.raises(AnnotationError, match=r"Pattern 1 is ticked in 2.*Pattern 2 has no desc"):
        do(submit, desk)
    assert stored(desk).status == "draft"


def test_a_key_that_was_only_looked_at_cannot_be_submitted(desk: Desk) -> None:
    with pytest.raises(AnnotationError, match="Add a pattern"):
        do(submit, desk)


def test_no_pattern_found_is_an_answer(desk: Desk) -> None:
    desk.save(answer())
    assert do(submit, desk).status == "submitted"


def test_a_submitted_answer_takes_no_change_until_it_is_reopened(desk: Desk) -> None:
    desk.save(ONE)
    do(submit, desk)
    with pytest.raises(AnnotationError, match="reopen it"):
        desk.save(TWO, sequence=2)
    do(reopen, desk)
    assert desk.save(TWO, sequence=2).answer == TWO


def test_a_change_that_arrives_a_second_time_after_submitting_does_no_harm(desk: Desk) -> None:
    desk.save(ONE)
    done = do(submit, desk)
    assert desk.save(ONE) == done


def test_a_reopened_answer_is_a_draft_with_all_it_had(desk: Desk) -> None:
    desk.save(TWO)
    do(submit, desk)
    opened = do(reopen, desk)
    assert (opened.status, opened.answer, opened.submitted_at) == ("draft", TWO, None)


def test_every_submission_of_a_reopened_answer_is_kept(desk: Desk) -> None:
    for step, given in enumerate((ONE, TWO, answer()), start=1):
        desk.save(given, sequence=step, now=after(step))
        do(submit, desk, now=after(step))
        do(reopen, desk, now=after(step))
    with session(desk.engine, read_only=True) as s:
        kept = s.exec(select(Revision).order_by(Revision.number)).all()
    assert [entry.number for entry in kept] == [1, 2, 3]
    assert [Answer.from_json(entry.answer) for entry in kept] == [ONE, TWO, answer()]


def test_reopening_a_draft_changes_nothing(desk: Desk) -> None:
    saved = desk.save(ONE)
    assert do(reopen, desk) == saved


# Time


def test_work_is_counted_from_opening_and_a_long_pause_as_two_minutes(desk: Desk) -> None:
    do(open_key, desk, now=NOON)
    assert desk.save(ONE, sequence=1, now=after(30)).seconds == 30
    assert desk.save(TWO, sequence=2, now=after(40)).seconds == 40
    assert desk.save(ONE, sequence=3, now=after(4000)).seconds == 160  # 40 + 120
    assert do(submit, desk, now=after(4005)).seconds == 165


def test_a_repeated_change_adds_no_time(desk: Desk) -> None:
    do(open_key, desk, now=NOON)
    desk.save(ONE, now=after(10))
    desk.save(ONE, now=after(50))
    assert desk.save(TWO, sequence=2, now=after(60)).seconds == 60


def test_the_time_between_submitting_and_reopening_is_no_work(desk: Desk) -> None:
    do(open_key, desk, now=NOON)
    desk.save(ONE, now=after(10))
    do(submit, desk, now=after(20))
    do(reopen, desk, now=after(90))
    assert desk.save(TWO, sequence=2, now=after(95)).seconds == 25


def test_a_clock_that_is_set_back_takes_no_time_away(desk: Desk) -> None:
    do(open_key, desk, now=NOON)
    desk.save(ONE, now=after(50))
    assert desk.save(TWO, sequence=2, now=after(-3600)).seconds == 50


def test_times_are_kept_in_utc_wherever_the_clock_stands(desk: Desk) -> None:
    desk.save(ONE)
    in_india = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    do(submit, desk, now=in_india)
    read = stored(desk).submitted_at
    assert (read, read.tzinfo) == (NOON, UTC)


def test_what_a_failed_transaction_wrote_is_gone(desk: Desk) -> None:
    desk.save(ONE)
    with pytest.raises(ZeroDivisionError), session(desk.engine) as s:
        save_draft(session=s, **own(desk), answer=TWO, writer="window", sequence=2, base_revision=1)
        _ = 1 / 0
    assert stored(desk).answer == ONE
