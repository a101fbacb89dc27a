"""The queue: who gets which key next, how long they hold it, and what a lead has assigned.

A key may want a number of annotators (`assign`). Looking at it claims it: while as many others
hold it as it wants, it is offered to nobody else. A submission holds a key for good, a draft until
it has been left alone for the run's `claim_hours`; then its place goes back to the queue, and the
draft stays. All draw from one queue in one order, so nobody runs dry while another has work left.
A window that was left open past that can still save and submit: one answer too many harms nobody,
a lost one does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, literal
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, delete, func, or_, select, tuple_, update
from sqlmodel.sql.expression import SelectOfScalar

from annotations import audit, queries
from annotations.blind import check_active, check_lead
from annotations.database import shut_out_others
from annotations.tables import (
    DRAFT,
    NOT_PEOPLE,
    SUBMITTED,
    Annotator,
    Disclosure,
    Key,
    Run,
    Submission,
    utc_now,
)
from mining.errors import AnnotationError

CLOSED = 0  # wanted by nobody: left out of an assignment
MOST_ANNOTATORS = 1_000  # of one key
LONGEST_CLAIM = 10_000  # hours


@dataclass(frozen=True)
class Assignment:
    """What a lead has assigned: so many keys, so many annotators for each."""

    keys: int
    overlap: int


def assign(
    *,
    session: Session,
    run_id: int,
    overlap: int,
    layers: Collection[int] | None = None,
    claim_hours: float | None = None,
    lead_id: int | None = None,
) -> Assignment:
    """Ask for `overlap` answers to each key of a run, or of some layers of it.

    Layers never assigned are not offered to anybody from then on. What is submitted counts towards
    the overlap. `lead_id` is checked where a person asks and not the command line.
    """
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    if not 1 <= overlap <= MOST_ANNOTATORS:
        raise AnnotationError(
            f"An overlap of {overlap} cannot be assigned; give 1 to {MOST_ANNOTATORS:,}."
        )
    if claim_hours is not None and not 0 < claim_hours <= LONGEST_CLAIM:
        raise AnnotationError(
            f"{claim_hours} hours are no time to hold a key; give more than 0, up to"
            f" {LONGEST_CLAIM:,}."
        )
    if layers is not None and not layers:
        raise AnnotationError("No layer is chosen; name one or more, or leave them out for all.")
    known = queries.layers(session=session, run_id=run_id)
    unknown = set(layers or ()) - set(known)
    if unknown:
        raise AnnotationError(
            f"No key of layer {min(unknown)} was imported; there are layers"
            f" {', '.join(map(str, known))}."
        )
    before = _begin_assigning(session, run_id)
    chosen = and_(Key.run_id == run_id, col(Key.layer).in_(known if layers is None else layers))
    never = and_(Key.run_id == run_id, col(Key.wanted).is_(None))
    session.exec(update(Key).where(never).values(wanted=CLOSED))
    session.exec(update(Key).where(chosen).values(wanted=overlap))
    if claim_hours is not None:
        session.exec(update(Run).where(col(Run.id) == run_id).values(claim_hours=claim_hours))
    _audit(session, run_id, audit.ASSIGNED, lead_id, before)
    keys = session.exec(select(func.count()).select_from(Key).where(chosen)).one()
    return Assignment(keys, overlap)


def open_to_everybody(*, session: Session, run_id: int, lead_id: int | None = None) -> None:
    """Take an assignment back: everybody may answer every key."""
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    before = _begin_assigning(session, run_id)
    session.exec(update(Key).where(col(Key.run_id) == run_id).values(wanted=None))
    _audit(session, run_id, audit.OPENED, lead_id, before)


def _begin_assigning(session: Session, run_id: int) -> dict[str, Any]:
    """What is assigned up to now. Nobody else assigns until the transaction ends."""
    shut_out_others(session=session)  # two that lock all keys in turn could wait for each other
    return _assigned(session, run_id)


def _assigned(session: Session, run_id: int) -> dict[str, Any]:
    """A run's claim hours, and how many annotators the keys of each layer want."""
    hours = session.exec(select(Run.claim_hours).where(Run.id == run_id)).one()
    wanted: dict[str, list[int | None]] = {}
    kinds = select(Key.layer, Key.wanted).where(Key.run_id == run_id).distinct()
    for layer, number in sorted(session.exec(kinds), key=lambda kind: (kind[0], kind[1] or CLOSED)):
        wanted.setdefault(str(layer), []).append(number)
    return {"claim_hours": hours, "annotators": wanted}


def _audit(
    session: Session, run_id: int, what: str, lead_id: int | None, before: dict[str, Any]
) -> None:
    run = session.get(Run, run_id)
    assert run is not None, f"no run {run_id}"
    who = audit.name_of(lead_id, session=session)
    after = _assigned(session, run_id)
    audit.record(session=session, who=who, what=what, about=run.name, before=before, after=after)


def next_key(
    *,
    session: Session,
    run_id: int,
    annotator_id: int,
    after: int | None = None,
    now: datetime | None = None,
) -> int | None:
    """The id of the next key for somebody: an unfinished one of theirs, or one that has room.

    Keys come in order of turn. With `after` (a key's id) the search starts behind that key and
    comes round to it last. None when nothing is left for them, and for a lead who is not blind.
    """
    own = and_(col(Submission.key_id) == col(Key.id), col(Submission.annotator_id) == annotator_id)
    unfinished = or_(col(Submission.status).is_(None), col(Submission.status) == DRAFT)
    since = claims_since(session=session, run_id=run_id, now=now)
    room = or_(
        col(Key.wanted).is_(None),
        col(Submission.changed_at) > since,
        col(Key.wanted) > held_by_others(annotator_id, since, run_id),
    )
    blind = literal(annotator_id).not_in(_not_blind(run_id))
    wanted = (
        select(Key.id)
        .outerjoin(Submission, own)
        .where(Key.run_id == run_id, unfinished, room, blind)
        .order_by(col(Key.turn), col(Key.id))
        .limit(1)
    )
    start = session.get(Key, after) if after is not None else None
    if start is None:
        return session.exec(wanted).first()
    # Two searches along the index find a key at once where one sort would look at all of them.
    behind = tuple_(col(Key.turn), col(Key.id)) > (start.turn, start.id)
    found = session.exec(wanted.where(behind)).first()
    return found if found is not None else session.exec(wanted.where(~behind)).first()


def claims_since(*, session: Session, run_id: int, now: datetime | None = None) -> datetime:
    """Drafts changed after this moment hold their key."""
    run = session.get(Run, run_id)
    assert run is not None, f"no run {run_id}"
    return (now or utc_now()) - timedelta(hours=run.claim_hours)


def held_by_others(annotator_id: int, since: datetime, run_id: int) -> ScalarSelect[int]:
    """How many others hold a key, for use in a statement on Key; gold holds none.

    Neither do drafts of whoever was deactivated, or of leads who are not blind: they cannot be
    submitted.
    """
    other = aliased(Submission)
    held = or_(
        col(other.status) == SUBMITTED,
        and_(
            col(other.status) == DRAFT,
            col(other.changed_at) > since,
            col(Annotator.active),
            col(other.annotator_id).not_in(_not_blind(run_id)),
        ),
    )
    return (
        select(func.count())
        .select_from(other)
        .join(Annotator, col(Annotator.id) == col(other.annotator_id))
        .where(
            col(other.key_id) == col(Key.id),
            col(other.annotator_id) != annotator_id,
            col(Annotator.role).not_in(NOT_PEOPLE),
            held,
        )
        .correlate(Key)
        .scalar_subquery()
    )


def _not_blind(run_id: int) -> SelectOfScalar[int]:
    """Whoever has been shown everybody's answers of a run, and can answer it no more."""
    return select(Disclosure.annotator_id).where(Disclosure.run_id == run_id)


def has_room(*, session: Session, key: Key, annotator_id: int, now: datetime | None = None) -> bool:
    """Whether somebody may begin a key now. Locks the key, so that two cannot take one place."""
    if key.wanted is None:
        return True
    session.exec(select(Key.id).where(Key.id == key.id).with_for_update()).one()
    since = claims_since(session=session, run_id=key.run_id, now=now)
    others = held_by_others(annotator_id, since, key.run_id)
    return session.exec(select(others).where(Key.id == key.id)).one() < key.wanted


def let_go(*, session: Session, annotator_id: int, key_id: int) -> None:
    """Somebody passes over a key that they only looked at: their place in it is free again."""
    check_active(session=session, annotator_id=annotator_id)
    session.exec(
        delete(Submission).where(
            col(Submission.annotator_id) == annotator_id,
            col(Submission.key_id) == key_id,
            col(Submission.status) == DRAFT,
            col(Submission.revision) == 0,
            col(Submission.note) == "",
            col(Submission.flag) == "",
        )
    )
