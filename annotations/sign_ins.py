"""Who is signed in, where passwords are used: a token a browser, of which only a hash is stored.

A token is looked up by its SHA-256 as primary key: comparing it takes as long whatever is wrong
with it, and whoever reads the database or a backup of it can sign in with nothing they find.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, delete

from annotations.claims import aware
from annotations.database import session as open_session
from annotations.tables import NOT_PEOPLE, Annotator, SignIn
from mining.errors import AnnotationError

IDLE_DAYS, LONGEST_DAYS = 14, 60  # a sign-in ends so long after its last use, and its beginning
_NOTED_EVERY = timedelta(hours=1)  # when a use is written down; pages would write all the time


def new_token() -> tuple[str, str]:
    """A token that nobody can guess, and what is stored of it."""
    token = secrets.token_urlsafe(32)
    return token, token_sha256(token)


def token_sha256(token: str) -> str:
    """What is stored of a token; of what a browser sends, whatever it is."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()


def begin_sign_in(*, session: Session, annotator_id: int, now: datetime) -> str:
    """Somebody has shown who they are: the token of a new sign-in. Sweeps out expired ones."""
    session.exec(delete(SignIn).where(col(SignIn.expires_at) <= now))
    token, digest = new_token()
    session.add(
        SignIn(
            token_sha256=digest,
            annotator_id=annotator_id,
            begun_at=now,
            seen_at=now,
            expires_at=_expiry(now, now),
        )
    )
    session.flush()
    return token


def signed_in(*, engine: Engine, token: str, now: datetime | None = None) -> Annotator | None:
    """Whose token this is; None if it is over or nobody's, and for whoever was deactivated.

    Takes the engine: it mostly reads, and writes, in a transaction of its own, that the sign-in is
    still used.
    """
    moment, digest = aware(now), token_sha256(token)
    with open_session(engine, read_only=True) as reading:
        found = reading.get(SignIn, digest)
        person = None if found is None else reading.get(Annotator, found.annotator_id)
    if found is None or person is None or not _holds(found, person, moment):
        return None
    if moment - found.seen_at >= _NOTED_EVERY:
        with open_session(engine) as writing:
            row = writing.get(SignIn, digest, with_for_update=True)
            if row is None:  # signed out in this moment
                return None
            row.seen_at = max(row.seen_at, moment)
            row.expires_at = _expiry(row.begun_at, row.seen_at)
            writing.add(row)
    return person


def sign_out(*, session: Session, token: str) -> None:
    """End this sign-in; of a token that is nobody's there is nothing to end."""
    session.exec(delete(SignIn).where(col(SignIn.token_sha256) == token_sha256(token)))


def end_sign_ins(*, session: Session, annotator_id: int, but: str | None = None) -> None:
    """End all of somebody's sign-ins, except that of the token `but`."""
    theirs = delete(SignIn).where(col(SignIn.annotator_id) == annotator_id)
    if but is not None:
        theirs = theirs.where(col(SignIn.token_sha256) != token_sha256(but))
    session.exec(theirs)


def check_may_sign_in(person: Annotator) -> None:
    """AnnotationError for gold and machines, in whose name nobody comes."""
    if person.role in NOT_PEOPLE:
        raise AnnotationError(f"{person.name} is {person.role} and cannot sign in.")


def _holds(found: SignIn, person: Annotator, now: datetime) -> bool:
    over = person.signed_out_at is not None and found.begun_at <= person.signed_out_at
    here = person.active and person.role not in NOT_PEOPLE
    return here and not over and now < found.expires_at


def _expiry(begun: datetime, seen: datetime) -> datetime:
    return min(seen + timedelta(days=IDLE_DAYS), begun + timedelta(days=LONGEST_DAYS))
