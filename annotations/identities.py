"""Who somebody is to an identity provider (OpenID Connect), and who that is here.

A person's e-mail address is written down first, by a lead or the command line. With it they are
found when they come for the first time, and what their provider calls them, issuer and subject, is
kept. From then on these two must match: a mailbox that was given to somebody else lets nobody in.

An address is only as good as the provider's word for it. A provider that leaves `email_verified`
out is believed, because several do; let Keyhole know no provider at which people choose any address
they like.
"""

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, select

from annotations import audit
from annotations.answers import is_blank, reads_as_written
from annotations.blind import check_active, check_lead
from annotations.database import session as open_session
from annotations.database import shut_out_others
from annotations.people import somebody
from annotations.sign_ins import check_may_sign_in
from annotations.tables import Annotator, Identity
from mining.errors import AnnotationError

LONGEST_EMAIL = 254  # characters; mail servers take no longer one
_LONGEST_CLAIM = 500  # of an issuer or a subject; OpenID Connect has 255 for the latter


def set_identity(
    *, session: Session, name: str, email: str | None, lead_id: int | None = None
) -> None:
    """Say under which address somebody comes; another one, or None, also ends what was recognised.

    AnnotationError for what is no address, or somebody else's. No lead: the command line asks.
    """
    shut_out_others(session=session)  # or an address could be two people's for a moment
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    person = somebody(session=session, name=name)
    assert person.id is not None
    check_may_sign_in(person)
    there = session.exec(select(Identity).where(Identity.annotator_id == person.id)).first()
    before = None if there is None else there.email
    after = None if email is None else _address(email)
    if before == after:
        return
    if there is not None:
        session.delete(there)
        session.flush()
    if after is not None:
        _check_free(session, after)
        session.add(Identity(annotator_id=person.id, email=after))
        session.flush()
    audit.record(
        session=session, who=audit.name_of(lead_id, session=session),
        what=audit.IDENTITY_CHANGED, about=person.name,
        before=None if before is None else {"email": before},
        after=None if after is None else {"email": after},
    )  # fmt: skip


def person_of(
    *,
    engine: Engine,
    issuer: str,
    subject: str,
    email: str | None,
    email_verified: bool | None,
    issued_at: datetime | None,
) -> Annotator:
    """Who is here what a provider has signed; recognised by issuer and subject from then on.

    AnnotationError for somebody unknown, for an address that the provider has not verified or knows
    under another subject now, for whoever was deactivated, and where it was issued (in whole
    seconds) no later than they were signed out everywhere. Takes the engine: it writes, in a
    transaction of its own, the first time only.
    """
    if not all(
        1 <= len(claim) <= _LONGEST_CLAIM and claim.isprintable() for claim in (issuer, subject)
    ):
        raise AnnotationError("The identity provider does not say who you are; ask a lead.")
    with open_session(engine, read_only=True) as reading:
        found = _bound(reading, issuer, subject)
        if found is not None:
            return _admitted(reading, found, issued_at)
    with open_session(engine) as writing:
        found = _by_email(writing, email, email_verified)
        person = _admitted(writing, found, issued_at)
        if found.subject:
            if (found.issuer, found.subject) == (issuer, subject):  # bound in this moment
                return person
            raise AnnotationError(
                f"{found.email} was somebody else's when it was first used here; ask a lead to"
                " take it away and write it down again."
            )
        found.issuer, found.subject = issuer, subject
        writing.add(found)
        audit.record(
            session=writing, who=person.name, what=audit.IDENTITY_BOUND, about=person.name,
            before=None, after={"email": found.email, "issuer": issuer, "subject": subject},
        )  # fmt: skip
        return person


def folded(email: str) -> str:
    """An address as it is compared: upper and lower case of English letters are the same.

    Of those alone, and nothing is normalised: the Kelvin sign would become a k, and ß in any case
    is ss, but a mailbox with such letters is another one, which somebody else may own.
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in email)


def _address(email: str) -> str:
    email = email.strip()
    before, _, after = email.rpartition("@")
    shown = reads_as_written(email) and not any(map(is_blank, email))
    if not before or not after or len(email) > LONGEST_EMAIL or not shown:
        raise AnnotationError(
            f"{email[:20]!a} is no e-mail address of up to {LONGEST_EMAIL} characters; write one"
            " like ada@example.org."
        )
    return folded(email)


def _check_free(session: Session, email: str) -> None:
    owner = select(Annotator.name).join(Identity).where(Identity.email == email)
    if name := session.exec(owner).first():
        raise AnnotationError(f"{email} is the address of {name} already; each has their own.")


def _bound(session: Session, issuer: str, subject: str) -> Identity | None:
    wanted = select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    return session.exec(wanted).first()


def _by_email(session: Session, email: str | None, verified: bool | None) -> Identity:
    """The row of a provider's address, nobody else's until the transaction ends."""
    if not email:
        raise AnnotationError("Your identity provider tells no e-mail address; ask a lead.")
    address = _address(email)
    if verified is False:
        raise AnnotationError(f"Your identity provider has not verified {address}; do that first.")
    wanted = select(Identity).where(Identity.email == address).with_for_update()
    found = session.exec(wanted).first()
    if found is None:
        raise AnnotationError(f"Nobody here has the address {address}; ask a lead to add you.")
    return found


def _admitted(session: Session, found: Identity, issued_at: datetime | None) -> Annotator:
    person = check_active(session=session, annotator_id=found.annotator_id)
    check_may_sign_in(person)
    over = person.signed_out_at
    if over is not None and (issued_at is None or issued_at <= over):
        raise AnnotationError(f"{person.name} was signed out everywhere since; sign in again.")
    return person
