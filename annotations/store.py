"""Everything that people write: who they are, drafts, submissions. Each call is part of the
caller's transaction, and safe when two processes act on the same answer.

The clock is a parameter (`now`, aware) so that tests need not wait.
"""

import unicodedata
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, func, insert, select

from annotations.answers import Answer, StoredAnswer, problems
from annotations.database import shut_out_others
from annotations.guidelines import GUIDELINE_VERSION
from annotations.queries import stored_answer
from annotations.tables import (
    ANNOTATOR,
    DRAFT,
    LEAD,
    SUBMITTED,
    Annotator,
    Key,
    Pattern,
    Prefix,
    Revision,
    Submission,
    Tick,
    utc_now,
)
from mining.errors import AnnotationError, StaleDraftError

ROLES = (ANNOTATOR, LEAD)
LONGEST_NAME = 80  # characters
LONGEST_GAP = 120.0  # seconds between two changes that still count as work
_LONGEST_WRITER = 100
_LARGEST_SEQUENCE = 2**63 - 1  # what the column holds


def add_annotator(*, session: Session, name: str, role: str = ANNOTATOR) -> Annotator:
    """Add a person; AnnotationError for a name that is empty, unprintable or taken in any case."""
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise AnnotationError(
            f"A name has 1 to {LONGEST_NAME} printable characters; {name[:20]!r} does not fit."
        )
    if role not in ROLES:
        raise AnnotationError(f"There is no role {role!r}; choose {' or '.join(ROLES)}.")
    shut_out_others(session=session)  # no column keeps names apart that differ in case only
    for taken in session.exec(select(Annotator.name)):
        if taken.casefold() == name.casefold():
            raise AnnotationError(f"There is already somebody called {taken}; choose another name.")
    annotator = Annotator(name=name, role=role)
    session.add(annotator)
    session.flush()
    return annotator


def open_key(
    *, session: Session, annotator_id: int, key_id: int, now: datetime | None = None
) -> StoredAnswer:
    """Somebody looks at a key: their stored answer, or a new, empty draft. Starts the clock."""
    _locked(session, annotator_id, key_id, _moment(now))
    return _stored(session, annotator_id, key_id)


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
    moment = _moment(now)
    row = _locked(session, annotator_id, key_id, moment)
    if row.writer == writer and sequence <= row.sequence:
        return _stored(session, annotator_id, key_id)
    if row.status == SUBMITTED:
        raise AnnotationError("This answer is submitted; reopen it to change it.")
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
    return _stored(session, annotator_id, key_id)


def submit(
    *, session: Session, annotator_id: int, key_id: int, now: datetime | None = None
) -> StoredAnswer:
    """Declare an answer finished and keep a copy of it; a second time changes nothing.

    Raises AnnotationError, with every reason, for an answer that breaks the protocol's rules.
    """
    moment = _moment(now)
    row = _locked(session, annotator_id, key_id, moment)
    stored = _stored(session, annotator_id, key_id)
    if row.status == SUBMITTED:
        return stored
    if reasons := problems(stored.answer):
        raise AnnotationError(" ".join(reasons))
    assert row.id is not None
    _count_work(row, moment)
    row.status, row.submitted_at = SUBMITTED, moment
    session.add(row)
    earlier = select(func.count()).select_from(Revision).where(Revision.submission_id == row.id)
    session.add(
        Revision(
            submission_id=row.id,
            number=session.exec(earlier).one() + 1,
            submitted_at=moment,
            seconds=row.seconds,
            guideline_version=row.guideline_version,
            answer=stored.answer.to_json(),
        )
    )
    session.flush()
    return _stored(session, annotator_id, key_id)


def reopen(
    *, session: Session, annotator_id: int, key_id: int, now: datetime | None = None
) -> StoredAnswer:
    """Make a submitted answer a draft again; what was submitted stays among its revisions."""
    moment = _moment(now)
    row = _locked(session, annotator_id, key_id, moment)
    if row.status == SUBMITTED:
        row.status, row.submitted_at = DRAFT, None
        row.changed_at = moment  # the clock starts anew; the time in between was no work
        session.add(row)
        session.flush()
    return _stored(session, annotator_id, key_id)


def _moment(now: datetime | None) -> datetime:
    assert now is None or now.tzinfo is not None, "times are aware"
    return now or utc_now()


def _locked(session: Session, annotator_id: int, key_id: int, moment: datetime) -> Submission:
    """The answer's row, made if it is missing, and nobody else's until the transaction ends."""
    wanted = (
        select(Submission)
        .where(Submission.annotator_id == annotator_id, Submission.key_id == key_id)
        .with_for_update()  # SQLite knows no row locks; its BEGIN IMMEDIATE does the same
        .execution_options(populate_existing=True)
    )
    if row := session.exec(wanted).first():
        return row
    if session.get(Annotator, annotator_id) is None:
        raise AnnotationError(f"There is no annotator number {annotator_id}; choose who you are.")
    if session.get(Key, key_id) is None:
        raise AnnotationError(f"There is no key number {key_id}; go back to the list of keys.")
    try:
        with session.begin_nested():
            session.add(
                Submission(
                    annotator_id=annotator_id,
                    key_id=key_id,
                    started_at=moment,
                    changed_at=moment,
                    guideline_version=GUIDELINE_VERSION,
                )
            )
    except IntegrityError:
        pass  # another process was faster: its row serves as well
    return session.exec(wanted).one()


def _stored(session: Session, annotator_id: int, key_id: int) -> StoredAnswer:
    stored = stored_answer(session=session, annotator_id=annotator_id, key_id=key_id)
    assert stored is not None
    return stored


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
