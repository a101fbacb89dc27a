"""Blind labelling: who may see others' answers, and to which keys; who leads, who has left.

Nobody sees another's labels, counts or agreement on a key before submitting their own answer to it.
A lead who must look sooner, to adjudicate or to see how a study goes, says so (`disclose`), and can
answer that run's keys no more. Every query that returns others' answers takes its condition here,
so that whoever was deactivated, gold and machines see nothing anywhere.
"""

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, or_, select

from annotations.database import shut_out_others
from annotations.tables import (
    LEAD,
    NOT_PEOPLE,
    SUBMITTED,
    Annotator,
    Disclosure,
    Key,
    Submission,
)
from mining.errors import AnnotationError


def may_see_others(viewer_id: int) -> ColumnElement[bool]:
    """A condition on Key: this person has submitted their answer to it, or is a disclosed lead."""
    viewer = aliased(Annotator)  # the statement around this may ask whose answers they are
    here = (col(viewer.id) == viewer_id, col(viewer.active))
    person = exists().where(*here, col(viewer.role).not_in(NOT_PEOPLE))
    lead = exists().where(*here, col(viewer.role) == LEAD)
    own = (
        exists()
        .where(
            col(Submission.key_id) == col(Key.id),
            col(Submission.annotator_id) == viewer_id,
            col(Submission.status) == SUBMITTED,
        )
        .correlate(Key)
    )
    disclosed = (
        exists()
        .where(
            col(Disclosure.annotator_id) == viewer_id,
            col(Disclosure.run_id) == col(Key.run_id),
        )
        .correlate(Key)
    )
    return and_(person, or_(own, and_(lead, disclosed)))


def sees_all(*, session: Session, viewer_id: int, run_id: int) -> bool:
    """Whether this person sees everybody's answers of a run: a disclosed lead, as long as they
    lead."""
    person = session.get(Annotator, viewer_id)
    leads = person is not None and person.active and person.role == LEAD
    return leads and is_disclosed(session=session, annotator_id=viewer_id, run_id=run_id)


def disclose(*, session: Session, lead_id: int, run_id: int) -> None:
    """Show a lead everybody's answers of a run; a second time changes nothing."""
    check_lead(session=session, annotator_id=lead_id)
    shut_out_others(session=session)  # another window of theirs may ask at the same moment
    if not is_disclosed(session=session, annotator_id=lead_id, run_id=run_id):
        session.add(Disclosure(annotator_id=lead_id, run_id=run_id))
        session.flush()


def is_disclosed(*, session: Session, annotator_id: int, run_id: int) -> bool:
    """Whether this person was ever shown everybody's answers of a run, and so is not blind."""
    return session.get(Disclosure, (annotator_id, run_id)) is not None


def check_may_see(*, session: Session, viewer_id: int, key_id: int) -> None:
    """AnnotationError for somebody who may not see others' answers to a key."""
    allowed = select(Key.id).where(Key.id == key_id, may_see_others(viewer_id))
    if session.exec(allowed).first() is None:
        raise AnnotationError(
            "Others' answers to a key are shown once you have submitted yours; label it first."
        )


def check_lead(*, session: Session, annotator_id: int) -> Annotator:
    """The lead of that id; AnnotationError for anybody else, and for a lead who was deactivated."""
    person = session.get(Annotator, annotator_id)
    if person is None or person.role != LEAD:
        name = "Nobody" if person is None else person.name
        raise AnnotationError(
            f"{name} is no lead; `python -m annotations users add NAME --role lead` makes one."
        )
    return check_active(session=session, annotator_id=annotator_id)


def check_active(*, session: Session, annotator_id: int) -> Annotator:
    """The annotator of that id; AnnotationError if there is none, or one who was deactivated."""
    person = session.get(Annotator, annotator_id)
    if person is None:
        raise AnnotationError(f"There is no annotator number {annotator_id}; choose who you are.")
    if not person.active:
        raise AnnotationError(left(person.name))
    return person


def left(name: str) -> str:
    """What is said to somebody who was deactivated."""
    return f"{name} was deactivated and can do nothing here; a lead can change that."
