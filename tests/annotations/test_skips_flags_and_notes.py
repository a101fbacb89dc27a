"""What people say beside their answers: why a key is skipped, what leads should look at, notes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from desk import NOON, Desk, answer, pattern
from sqlmodel import select

from annotations.answers import Answer, StoredAnswer
from annotations.claims import open_key
from annotations.database import session
from annotations.frames import dataset_frames
from annotations.queries import LayerProgress, answers_of, key_page, progress, stored_answer
from annotations.queue import next_key
from annotations.remarks import set_flag, set_note
from annotations.store import reopen, skip, submit
from annotations.tables import Submission
from mining.errors import AnnotationError, StaleDraftError

ONE = answer(pattern(1, 2, 3))
UNFINISHED = Answer((pattern(1, 2), pattern(kind="semantic", description="ships?")))
# Joined letters of Persian and an emoji of several are no control characters, and neither is a
# space that does not break.
IN_MANY_SCRIPTS = "می\u200cخواهم 👩\u200d💻 元 10\u00a0%"


def do(desk: Desk, what: Callable, **how: object):
    """Something by Ada about the first key."""
    own = {"annotator_id": desk.ada, "key_id": desk.keys[0]}
    with session(desk.engine) as s:
        return what(session=s, **(own | how))


def stored(desk: Desk) -> StoredAnswer | None:
    return do(desk, stored_answer)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# Skips


def test_a_skipped_key_leaves_the_queue_and_keeps_its_draft_and_the_reason(desk: Desk) -> None:
    desk.save(UNFINISHED)
    skipped = do(desk, skip, reason="not a language I read")
    assert (skipped.status, skipped.skip_reason) == ("skipped", "not a language I read")
    assert (skipped.answer, skipped.submitted_at) == (UNFINISHED, None)
    with session(desk.engine, read_only=True) as s:
        following = next_key(session=s, run_id=desk.run_id, annotator_id=desk.ada)
    assert following == desk.keys[1]


def test_a_key_can_be_skipped_at_first_sight(desk: Desk) -> None:
    assert do(desk, skip, reason="empty").answer == Answer()
    assert do(desk, open_key).status == "skipped"


def test_reopening_a_skipped_key_brings_the_draft_back_without_the_reason(desk: Desk) -> None:
    desk.save(UNFINISHED)
    do(desk, skip, reason="no idea")
    opened = do(desk, reopen)
    assert (opened.status, opened.skip_reason, opened.answer) == ("draft", "", UNFINISHED)
    desk.save(ONE, sequence=2)
    assert do(desk, submit).status == "submitted"


def test_a_skipped_key_takes_no_change_and_no_submission_until_it_is_reopened(desk: Desk) -> None:
    desk.save(ONE)
    skipped = do(desk, skip, reason="no idea")
    with pytest.raises(AnnotationError, match="is skipped; reopen it"):
        desk.save(UNFINISHED, sequence=2)
    with pytest.raises(AnnotationError, match="is skipped; reopen it"):
        do(desk, submit)
    assert desk.save(ONE) == skipped  # what arrives a second time does no harm
    assert stored(desk) == skipped


def test_a_submitted_answer_is_not_skipped_by_mistake(desk: Desk) -> None:
    desk.hand_in(ONE, desk.ada, desk.keys[0])
    submitted = stored(desk)
    with pytest.raises(AnnotationError, match="reopen it before you skip"):
        do(desk, skip, reason="no idea")
    assert stored(desk) == submitted


def test_a_second_skip_replaces_the_reason(desk: Desk) -> None:
    do(desk, skip, reason="no idea")
    assert do(desk, skip, reason="garbled").skip_reason == "garbled"


def test_the_time_up_to_a_skip_is_work_and_the_time_in_which_it_was_skipped_is_not(
    desk: Desk,
) -> None:
    do(desk, open_key, now=NOON)
    desk.save(UNFINISHED, now=after(30))
    assert do(desk, skip, reason="no idea", now=after(50)).seconds == 50
    assert do(desk, skip, reason="garbled", now=after(90)).seconds == 50
    assert do(desk, reopen, now=after(1000)).seconds == 50
    desk.save(ONE, sequence=2, now=after(1010))
    assert do(desk, submit, now=after(1011)).seconds == 61


def test_skips_are_counted_and_listed_and_in_no_dataset(desk: Desk) -> None:
    desk.save(ONE, now=NOON)
    do(desk, skip, reason="no idea", now=after(10))
    whose = {"run_id": desk.run_id, "annotator_id": desk.ada}
    with session(desk.engine, read_only=True) as s:
        layer = key_page(session=s, key_id=desk.keys[0]).layer
        counts = progress(session=s, **whose)
        (row,) = answers_of(session=s, **whose)
        frames = dataset_frames(session=s, run_id=desk.run_id, status="all")
    assert counts[layer] == LayerProgress(layer, keys=3, submitted=0, drafts=0, skipped=1)
    assert (row.status, row.skip_reason, row.patterns) == ("skipped", "no idea", 1)
    assert [len(frames[name]) for name in ("submissions", "patterns", "labels")] == [0, 0, 0]


# Reasons, of skips and flags


def reason_of(desk: Desk, what: Callable, reason: str) -> str:
    """The reason that is stored."""
    do(desk, what, reason=reason)
    found = stored(desk)
    return found.skip_reason if what is skip else found.flag


@pytest.mark.parametrize("what", [skip, set_flag])
def test_a_reason_is_one_line_in_any_script(desk: Desk, what: Callable) -> None:
    assert reason_of(desk, what, "  two\n lines\tand\r\nmore ") == "two lines and more"
    assert reason_of(desk, what, "<b>&amp;</b>") == "<b>&amp;</b>"
    assert reason_of(desk, what, "x" * 300) == "x" * 300
    written = IN_MANY_SCRIPTS.replace("\u00a0", " ")
    assert reason_of(desk, what, IN_MANY_SCRIPTS) == written


@pytest.mark.parametrize("what", [skip, set_flag])
def test_a_reason_that_cannot_be_shown_is_refused_and_nothing_is_stored(
    desk: Desk, what: Callable
) -> None:
    saved = desk.save(ONE)
    for reason in ("x" * 301, "a\0b", "a\x1b[2Jb", "\ud83e", "a\x7f"):
        with pytest.raises(AnnotationError, match="1 to 300 printable characters"):
            do(desk, what, reason=reason)
    assert stored(desk) == saved


def test_a_skip_needs_a_reason_and_a_flag_without_one_is_none(desk: Desk) -> None:
    for reason in ("", "  \n "):
        with pytest.raises(AnnotationError, match="A reason to skip has 1 to 300"):
            do(desk, skip, reason=reason)
    assert stored(desk) is None
    for reason in ("", "  \n "):
        do(desk, set_flag, reason="look here")
        assert stored(desk).flag == "look here"
        do(desk, set_flag, reason=reason)
        assert stored(desk).flag == ""


# Notes


def test_a_note_keeps_its_lines(desk: Desk) -> None:
    note = f"First line\r\n\n  indented\tand tabbed\n{IN_MANY_SCRIPTS}\n\n"
    do(desk, set_note, note=note)
    assert stored(desk).note == f"First line\n\n  indented\tand tabbed\n{IN_MANY_SCRIPTS}"
    do(desk, set_note, note=" \n ")
    assert stored(desk).note == ""


def test_a_note_that_is_too_long_or_cannot_be_shown_is_refused(desk: Desk) -> None:
    do(desk, set_note, note="x" * 5_000)
    for note in ("x" * 5_001, "a\0b", "a\x1b[2Jb", "\ud83e"):
        with pytest.raises(AnnotationError, match="up to 5,000 printable characters"):
            do(desk, set_note, note=note)
    assert stored(desk).note == "x" * 5_000


@pytest.mark.parametrize("state", ["only looked at", "draft", "submitted", "skipped"])
def test_remarks_stay_beside_an_answer_in_any_state_and_change_nothing_of_it(
    desk: Desk, state: str
) -> None:
    do(desk, open_key, now=NOON)
    if state != "only looked at":
        desk.save(ONE, now=after(30))
    if state in ("submitted", "skipped"):
        reason = {"reason": "no idea"} if state == "skipped" else {}
        do(desk, skip if reason else submit, **reason, now=after(40))
    before = stored(desk)
    do(desk, set_note, note="later")
    do(desk, set_flag, reason="garbled")
    found = stored(desk)
    assert (found.note, found.flag) == ("later", "garbled")
    assert (found.status, found.answer, found.revision, found.seconds) == (
        before.status, before.answer, before.revision, before.seconds,
    )  # fmt: skip
    do(desk, reopen)
    assert (stored(desk).note, stored(desk).flag) == ("later", "garbled")


def test_a_remark_does_not_make_a_window_stale_and_a_change_does_not_undo_it(desk: Desk) -> None:
    seen = desk.save(ONE, writer="first")
    do(desk, set_note, note="from the second window")
    do(desk, set_flag, reason="garbled")
    saved = desk.save(UNFINISHED, writer="second", base_revision=seen.revision)
    assert (saved.note, saved.flag) == ("from the second window", "garbled")
    with pytest.raises(StaleDraftError):
        desk.save(ONE, writer="first", sequence=2, base_revision=seen.revision)


def test_remarks_are_ones_own_and_make_a_key_worth_listing(desk: Desk) -> None:
    do(desk, set_note, note="mine")
    do(desk, set_flag, key_id=desk.keys[1], reason="mine")
    do(desk, open_key, annotator_id=desk.bob)
    bobs = do(desk, stored_answer, annotator_id=desk.bob)
    assert (bobs.note, bobs.flag) == ("", "")
    with session(desk.engine, read_only=True) as s:
        listed = answers_of(session=s, run_id=desk.run_id, annotator_id=desk.ada)
        assert answers_of(session=s, run_id=desk.run_id, annotator_id=desk.bob) == []
        assert len(s.exec(select(Submission)).all()) == 3
    assert {(row.key_id, row.status, row.flag) for row in listed} == {
        (desk.keys[0], "draft", ""),
        (desk.keys[1], "draft", "mine"),
    }


def test_nobody_remarks_on_nothing(desk: Desk) -> None:
    for what, said in {skip: "reason", set_flag: "reason", set_note: "note"}.items():
        for nobody in ("annotator_id", "key_id"):
            with pytest.raises(AnnotationError, match="number 99"):
                do(desk, what, **{nobody: 99, said: "x"})
