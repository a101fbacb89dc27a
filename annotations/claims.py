"""Whose key it is: opening a key claims it, and one claim is one row, whoever comes first.

Each call is part of the caller's transaction, and safe when two processes act on the same key.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from annotations.answers import StoredAnswer
from annotations.blind import check_active, left
from annotations.database import shut_out_others
from annotations.guidelines import GUIDELINE_VERSION
from annotations.queries import stored_answer
from annotations.queue import claims_since, has_room, next_key
from annotations.tables import DRAFT, NOT_PEOPLE, Annotator, Key, Submission, utc_now
from mining.errors import AnnotationError, ClaimedError


def open_key(
    *, session: Session, annotator_id: int, key_id: int, now: datetime | None = None
) -> StoredAnswer:
    """Somebody looks at a key: their stored answer, or a new, empty draft. Starts the clock.

    Raises ClaimedError if as many others hold the key as it wants, and this person does not.
    """
    _claimed(session, annotator_id, key_id, aware(now))
    return stored(session, annotator_id, key_id)


def claim_next(
    *,
    session: Session,
    run_id: int,
    annotator_id: int,
    after: int | None = None,
    now: datetime | None = None,
) -> int | None:
    """Open the next key of somebody's queue, see `next_key`; its id, or None if none is left."""
    check_active(session=session, annotator_id=annotator_id)
    # All draw the same next key: without a line to wait in, each would wait for it, find it taken,
    # and wait with the rest for the one after it.
    shut_out_others(session=session, run_id=run_id)
    while True:
        key_id = next_key(
            session=session, run_id=run_id, annotator_id=annotator_id, after=after, now=now
        )
        if key_id is None:
            return None
        try:
            # A refused key is unlocked at once: two that went through full keys in different orders
            # and kept their locks would wait for each other.
            with session.begin_nested():
                open_key(session=session, annotator_id=annotator_id, key_id=key_id, now=now)
        except ClaimedError:
            continue  # somebody else was faster by a moment, and the next search knows it
        return key_id


def locked_answer(session: Session, annotator_id: int, key_id: int, moment: datetime) -> Submission:
    """The answer's row, made if it is missing, and nobody else's until the transaction ends.

    Everything that changes an answer comes through here, so that whoever was deactivated is refused
    here, whatever windows they have open.
    """
    wanted = (
        select(Submission, Annotator)
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(Submission.annotator_id == annotator_id, Submission.key_id == key_id)
        .with_for_update(of=Submission)  # SQLite knows none; its BEGIN IMMEDIATE does the same
        .execution_options(populate_existing=True)
    )
    if found := session.exec(wanted).first():
        row, person = found
        if not person.active:
            raise AnnotationError(left(person.name))
        return row
    check_active(session=session, annotator_id=annotator_id)
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
    return session.exec(wanted).one()[0]


def stored(session: Session, annotator_id: int, key_id: int) -> StoredAnswer:
    """The stored answer of somebody who has one."""
    found = stored_answer(session=session, annotator_id=annotator_id, key_id=key_id)
    assert found is not None
    return found


def _claimed(session: Session, annotator_id: int, key_id: int, moment: datetime) -> Submission:
    """The answer's row of somebody who may work on the key now."""
    wanted = select(Submission).where(
        Submission.annotator_id == annotator_id, Submission.key_id == key_id
    )
    row = session.exec(wanted).first()
    check_active(session=session, annotator_id=annotator_id)
    if row is None:
        check_room(session, annotator_id, key_id, moment)
        return locked_answer(session, annotator_id, key_id, moment)
    key = session.get(Key, key_id)
    assert key is not None
    if row.status == DRAFT and key.wanted is not None:
        since = claims_since(session=session, run_id=key.run_id, now=moment)
        if row.changed_at <= since:  # left alone for long: it must be claimed anew
            check_room(session, annotator_id, key_id, moment)
            row = locked_answer(session, annotator_id, key_id, moment)
            row.changed_at = moment
            session.add(row)
            session.flush()
    return row


def check_room(session: Session, annotator_id: int, key_id: int, moment: datetime) -> None:
    """ClaimedError if as many others hold a key as it wants."""
    key = session.get(Key, key_id)
    person = session.get(Annotator, annotator_id)
    if key is None or person is None or person.role in NOT_PEOPLE:
        return  # who or what is missing is said elsewhere; gold and machines wait in no queue
    if not has_room(session=session, key=key, annotator_id=annotator_id, now=moment):
        raise ClaimedError(
            "This key has as many annotators as it needs; go on with the next one. What you may"
            " have begun here is kept."
        )


def aware(now: datetime | None) -> datetime:
    """The moment meant by a `now` that may be left out."""
    assert now is None or now.tzinfo is not None, "times are aware"
    return now or utc_now()
