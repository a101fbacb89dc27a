"""What becomes of an answer: drafts, submitted, skipped, reopened. Each call is part of the
caller's transaction, and safe when two processes act on the same answer.

The clock is a parameter (`now`, aware) so that tests need not wait.
"""

from datetime import datetime

from sqlmodel import Session, col, delete, func, insert, select

from annotations import audit
from annotations.answers import (
    Answer,
    StoredAnswer,
    is_blank,
    problems,
    reads_as_written,
)
from annotations.blind import is_disclosed
from annotations.claims import aware, check_room, locked_answer, stored
from annotations.guidelines import GUIDELINE_VERSION
from annotations.tables import (
    DRAFT,
    SKIPPED,
    SUBMITTED,
    Key,
    Pattern,
    Prefix,
    Revision,
    Submission,
    Tick,
)
from mining.errors import AnnotationError, StaleDraftError

LONGEST_GAP = 120.0  # seconds between two changes that still count as work
LONGEST_REASON = 300  # characters
_LONGEST_WRITER = 100
_LARGEST_SEQUENCE = 2**63 - 1  # what the column holds


def save_draft(
    *,
    session: Session,
    annotator_id: int,
    key_id: int,
    answer: Answer,
    writer: str,
    sequence: int,
    base_revision: int,
    now: datetime | None = None,
) -> StoredAnswer:
    """Replace a draft by what a browser window shows, and return what is stored then.

    `writer` names the window, `sequence` numbers its changes and `base_revision` is the revision it
    started from. A sequence that has arrived already, or an older one, is a repetition and changes
    nothing. Raises StaleDraftError if another window has written since `base_revision`, and
    AnnotationError for a submitted answer or a rank that the key lacks.
    """
    if not (1 <= len(writer) <= _LONGEST_WRITER and writer.isprintable()):
        raise AnnotationError("A change does not say which window made it; reload the page.")
    if not 0 <= sequence <= _LARGEST_SEQUENCE:
        raise AnnotationError("A change has an impossible number; reload the page.")
    if not all(reads_as_written(entry.description) for entry in answer.patterns):
        raise AnnotationError(
            "A description turns the writing direction of what stands beside it; remove the mark."
        )
    moment = aware(now)
    row = locked_answer(session, annotator_id, key_id, moment)
    if row.writer == writer and sequence <= row.sequence:
        return stored(session, annotator_id, key_id)
    if row.status != DRAFT:
        raise AnnotationError(f"This answer is {row.status}; reopen it to change it.")
    if row.writer != writer and row.revision != base_revision:
        raise StaleDraftError(
            "Another window has changed this answer; reload the page to see it, then go on there."
        )
    _replace_patterns(session, row, answer)
    row.no_pattern = answer.no_pattern
    row.writer, row.sequence = writer, sequence
    row.revision += 1
    _count_work(row, moment)
    session.add(row)
    session.flush()
    return stored(session, annotator_id, key_id)


def submit(
    *,
    session: Session,
    annotator_id: int,
    key_id: int,
    now: datetime | None = None,
    decided_by: int | None = None,
) -> StoredAnswer:
    """Declare an answer finished and keep a copy of it; a second time changes nothing.

    Raises AnnotationError, with every reason, for an answer that breaks the protocol's rules, and
    for one that would not be blind. `decided_by` is the lead who composed a gold answer.
    """
    moment = aware(now)
    row = locked_answer(session, annotator_id, key_id, moment)
    held = stored(session, annotator_id, key_id)
    if row.status == SUBMITTED:
        return held
    if row.status == SKIPPED:
        raise AnnotationError("This key is skipped; reopen it to answer it.")
    _check_blind(session, annotator_id, key_id)
    if reasons := problems(held.answer):
        raise AnnotationError(" ".join(reasons))
    _count_work(row, moment)
    row.status, row.submitted_at = SUBMITTED, moment
    session.add(row)
    _keep_revision(session, row, held.answer, decided_by)
    return stored(session, annotator_id, key_id)


def reopen(
    *,
    session: Session,
    annotator_id: int,
    key_id: int,
    now: datetime | None = None,
    decided_by: int | None = None,
) -> StoredAnswer:
    """Make a submitted or skipped answer a draft again; what was submitted stays a revision.

    Raises AnnotationError where this person has been shown others' answers since, and ClaimedError
    for a skipped key that as many others hold as it wants.
    """
    moment = aware(now)
    row = locked_answer(session, annotator_id, key_id, moment)
    if row.status == DRAFT:
        return stored(session, annotator_id, key_id)
    _check_blind(session, annotator_id, key_id)
    if row.status == SKIPPED:
        check_room(session, annotator_id, key_id, moment)
    audit.record_answer(
        session=session,
        answer=row,
        what=audit.REOPENING if decided_by is None else audit.DECISION_REOPENED,
        before=_state(row),
        after={"status": DRAFT},
        decided_by=decided_by,
    )
    row.status, row.submitted_at, row.skip_reason = DRAFT, None, ""
    row.changed_at = moment  # the clock starts anew; the time in between was no work
    session.add(row)
    session.flush()
    return stored(session, annotator_id, key_id)


def skip(
    *, session: Session, annotator_id: int, key_id: int, reason: str, now: datetime | None = None
) -> StoredAnswer:
    """Somebody will not answer a key and says why: it leaves their queue, and a draft stays."""
    reason = one_line(reason, "A reason to skip")
    moment = aware(now)
    row = locked_answer(session, annotator_id, key_id, moment)
    if row.status == SUBMITTED:
        raise AnnotationError("This answer is submitted; reopen it before you skip the key.")
    if row.status == DRAFT:  # the time since an earlier skip was no work
        _count_work(row, moment)
    before = _state(row)
    row.status, row.skip_reason = SKIPPED, reason
    session.add(row)
    audit.record_answer(
        session=session, answer=row, what=audit.SKIP, before=before, after=_state(row)
    )
    return stored(session, annotator_id, key_id)


def one_line(text: str, what: str) -> str:
    """A reason as it is stored; AnnotationError for an empty, long or unprintable one."""
    text = " ".join(text.split())
    if len(text) > LONGEST_REASON or is_blank(text) or not reads_as_written(text):
        raise AnnotationError(f"{what} has 1 to {LONGEST_REASON} printable characters.")
    return text


def _state(row: Submission) -> dict[str, str]:
    reason = {"reason": row.skip_reason} if row.status == SKIPPED else {}
    return {"status": row.status} | reason


def _keep_revision(
    session: Session, row: Submission, answer: Answer, decided_by: int | None
) -> None:
    """Keep what is submitted at this moment, and that it was."""
    assert row.id is not None and row.submitted_at is not None
    earlier = select(func.count()).select_from(Revision).where(Revision.submission_id == row.id)
    revision = Revision(
        submission_id=row.id,
        number=session.exec(earlier).one() + 1,
        submitted_at=row.submitted_at,
        seconds=row.seconds,
        guideline_version=row.guideline_version,
        answer=answer.to_json(),
        decided_by=decided_by,
    )
    session.add(revision)
    audit.record_answer(
        session=session,
        answer=row,
        what=audit.SUBMISSION if decided_by is None else audit.DECISION,
        before={"status": DRAFT},
        after={"status": SUBMITTED, "revision": revision.number, "answer": revision.answer},
        decided_by=decided_by,
    )


def _check_blind(session: Session, annotator_id: int, key_id: int) -> None:
    key = session.get(Key, key_id)
    assert key is not None
    if is_disclosed(session=session, annotator_id=annotator_id, run_id=key.run_id):
        raise AnnotationError(
            "You have seen everybody's answers of this run, so yours would not be blind; leave the"
            " key to somebody else."
        )


def _count_work(row: Submission, moment: datetime) -> None:
    gap = (moment - row.changed_at).total_seconds()
    row.seconds += min(max(gap, 0.0), LONGEST_GAP)  # a clock may be set back
    row.changed_at = max(moment, row.changed_at)
    row.guideline_version = GUIDELINE_VERSION


def _replace_patterns(session: Session, row: Submission, answer: Answer) -> None:
    prefixes = select(Prefix.rank, Prefix.id).where(Prefix.key_id == row.key_id)
    prefix_ids = dict(session.exec(prefixes).all())
    missing = {rank for entry in answer.patterns for rank in entry.ranks} - prefix_ids.keys()
    if missing:
        raise AnnotationError(f"This key has no prefix of rank {min(missing)}; reload the page.")
    session.exec(delete(Pattern).where(col(Pattern.submission_id) == row.id))  # and their ticks
    if not answer.patterns:
        return
    patterns = [
        {
            "submission_id": row.id,
            "number": number,
            "type": entry.type,
            "description": entry.description,
        }
        for number, entry in enumerate(answer.patterns, start=1)
    ]
    made = session.execute(
        insert(Pattern).returning(col(Pattern.number), col(Pattern.id)), patterns
    )
    ticks = [
        {"pattern_id": pattern_id, "prefix_id": prefix_ids[rank]}
        for number, pattern_id in made
        for rank in answer.patterns[number - 1].ranks
    ]
    if ticks:
        session.execute(insert(Tick), ticks)
