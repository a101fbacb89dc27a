"""Invitations: links with which somebody may set a password, once.

A lead or the command line makes one for somebody who is known here already, also when they forgot
their password. A new one ends those before it. Only a hash of a token is stored, so that it can be
shown to nobody a second time.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, delete, func, select, update
from sqlmodel.sql.expression import Select

from annotations import audit
from annotations.blind import check_active, check_lead
from annotations.claims import aware
from annotations.database import shut_out_others
from annotations.people import somebody
from annotations.sign_ins import check_may_sign_in, new_token, token_sha256
from annotations.tables import Annotator, Invitation
from mining.errors import AnnotationError

INVITATION_DAYS = 7  # it holds


def invite(
    *, session: Session, name: str, lead_id: int | None = None, now: datetime | None = None
) -> str:
    """A new token for somebody; older invitations of theirs end. No lead: the command line asks."""
    shut_out_others(session=session)  # of two at once, the second ends the first
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    person = somebody(session=session, name=name)
    assert person.id is not None
    check_active(session=session, annotator_id=person.id)
    check_may_sign_in(person)
    moment = aware(now)
    end_invitations(session=session, annotator_id=person.id)
    token, digest = new_token()
    expiry = moment + timedelta(days=INVITATION_DAYS)
    session.add(
        Invitation(annotator_id=person.id, token_sha256=digest, made_at=moment, expires_at=expiry)
    )
    audit.record(
        session=session, who=audit.name_of(lead_id, session=session), what=audit.INVITED,
        about=person.name, before=None, after={"until": expiry.isoformat(timespec="seconds")},
    )  # fmt: skip
    return token


def invited(*, session: Session, token: str, now: datetime | None = None) -> Annotator:
    """Whom a token invites, without using it; AnnotationError if it invites nobody any more."""
    wanted = (
        select(Annotator)
        .join(Invitation, col(Invitation.annotator_id) == col(Annotator.id))
        .where(Invitation.token_sha256 == token_sha256(token), _open_at(aware(now)))
    )
    person = session.exec(wanted).first()
    if person is None or not person.active:
        raise AnnotationError(
            "This invitation was used, has expired or never was one; ask a lead for a new one."
        )
    return person


def use_invitation(*, session: Session, token: str, now: datetime) -> Annotator:
    """The same, and the invitation is used: of two at once, one is refused."""
    person = invited(session=session, token=token, now=now)
    # Whoever comes second waits here for the first one's transaction, and then finds it used.
    used = session.exec(
        update(Invitation)
        .where(col(Invitation.token_sha256) == token_sha256(token), _open_at(now))
        .values(used_at=now)
    )
    if used.rowcount != 1:
        return invited(session=session, token=token, now=now)  # which refuses it
    return person


def end_invitations(*, session: Session, annotator_id: int) -> None:
    """Take back what invitations of somebody are not used yet."""
    unused = and_(col(Invitation.annotator_id) == annotator_id, col(Invitation.used_at).is_(None))
    session.exec(delete(Invitation).where(unused))


def open_invitations(now: datetime) -> Select[int, datetime]:
    """A statement: whose invitation holds at this moment, and until when."""
    return (
        select(Invitation.annotator_id, func.max(Invitation.expires_at))
        .where(_open_at(now))
        .group_by(col(Invitation.annotator_id))
    )


def _open_at(now: datetime) -> ColumnElement[bool]:
    return and_(col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now)
