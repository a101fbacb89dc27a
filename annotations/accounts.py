"""Accounts: who may come in, in what way, and who may no longer. For leads and the command line.

Nobody is ever deleted, because labels are somebody's. Whoever has left is deactivated: they are
signed out everywhere, cannot come back, and can write nothing in a window that is still open.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, col, func, select

from annotations import audit
from annotations.blind import check_active, check_lead
from annotations.claims import aware
from annotations.database import shut_out_others
from annotations.invitations import end_invitations, open_invitations
from annotations.people import check_lead_remains, somebody
from annotations.sign_ins import check_may_sign_in, end_sign_ins
from annotations.tables import GOLD, NOT_PEOPLE, Annotator, Identity, Password, SignIn, Submission
from mining.errors import AnnotationError


@dataclass(frozen=True)
class Account:
    """How somebody may come in, and when they were here last."""

    id: int
    name: str
    role: str
    active: bool
    email: str | None
    has_password: bool
    invited_until: datetime | None  # an invitation that is not used yet holds until then
    last_seen: datetime | None  # a page or a change; None: never


def listing(
    *, session: Session, lead_id: int | None = None, now: datetime | None = None
) -> list[Account]:
    """Everybody by name, machines too; for leads, and without one for the command line."""
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    seen = dict(
        session.execute(
            wide(col(SignIn.annotator_id), func.max(col(SignIn.seen_at))).group_by(
                col(SignIn.annotator_id)
            )
        ).all()
    )
    changed = dict(
        session.execute(
            wide(col(Submission.annotator_id), func.max(col(Submission.changed_at))).group_by(
                col(Submission.annotator_id)
            )
        ).all()
    )
    open_until = dict(session.exec(open_invitations(aware(now))).all())
    rows = session.execute(
        wide(Annotator, col(Identity.email), col(Password.annotator_id))
        .outerjoin(Identity, col(Identity.annotator_id) == col(Annotator.id))
        .outerjoin(Password, col(Password.annotator_id) == col(Annotator.id))
        .where(col(Annotator.role) != GOLD)
    )
    found = [
        Account(
            id=person.id,
            name=person.name,
            role=person.role,
            active=person.active,
            email=email,
            has_password=password is not None,
            invited_until=open_until.get(person.id),
            last_seen=max(
                filter(None, (seen.get(person.id), changed.get(person.id))), default=None
            ),
        )
        for person, email, password in rows
    ]
    return sorted(found, key=lambda account: account.name.casefold())


def set_active(
    *,
    session: Session,
    name: str,
    active: bool,
    lead_id: int | None = None,
    now: datetime | None = None,
) -> Annotator:
    """Deactivate somebody who has left, or take that back; again, it changes nothing.

    AnnotationError for the last lead, unless it is the command line that asks.
    """
    shut_out_others(session=session)  # two leads could deactivate each other
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    person = somebody(session=session, name=name)
    check_may_sign_in(person)
    if person.active == active:
        return person
    if lead_id is not None and not active:
        check_lead_remains(session=session, without=person)
    person.active = active
    if not active:
        _end_everything(session, person, aware(now))
    session.add(person)
    audit.record(
        session=session, who=audit.name_of(lead_id, session=session),
        what=audit.ACTIVATED if active else audit.DEACTIVATED, about=person.name,
        before=None, after=None,
    )  # fmt: skip
    return person


def sign_out_everywhere(
    *, session: Session, annotator_id: int, by: int | None, now: datetime | None = None
) -> None:
    """End whatever somebody is signed in to, by password or provider, and invitations to them.

    `by` is who asks: themself or a lead, or None at the command line.
    """
    person = session.get(Annotator, annotator_id, with_for_update=True)
    if person is None:
        raise AnnotationError(f"There is no annotator number {annotator_id}; choose one of them.")
    if by == annotator_id:
        check_active(session=session, annotator_id=by)
    elif by is not None:
        check_lead(session=session, annotator_id=by)
    check_may_sign_in(person)
    _end_everything(session, person, aware(now))
    session.add(person)
    audit.record(
        session=session, who=audit.name_of(by, session=session), what=audit.SIGNED_OUT,
        about=person.name, before=None, after=None,
    )  # fmt: skip


def sign_everybody_out(*, session: Session, now: datetime | None = None) -> None:
    """End whatever anybody is signed in to, and all invitations."""
    for person in session.exec(select(Annotator).where(col(Annotator.role).not_in(NOT_PEOPLE))):
        _end_everything(session, person, aware(now))
        session.add(person)


def _end_everything(session: Session, person: Annotator, now: datetime) -> None:
    assert person.id is not None
    person.signed_out_at = now
    end_sign_ins(session=session, annotator_id=person.id)
    end_invitations(session=session, annotator_id=person.id)
