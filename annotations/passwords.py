"""Passwords: set by an invitation, changed by their owner, and asked for at the door.

Argon2id, by the parameters that the library recommends; a hash made with others is replaced when
its password is next given. Hashing takes a good part of a second and 64 MiB, on purpose. It happens
while no transaction is open, or everybody's changes would wait for it on SQLite: hence these
functions take the engine and open short transactions of their own.

Passwords are normalised to NFC before anything is done with them: one keyboard sends an é as one
character, another as two, and both are the same password to whoever types it. There are no rules
about which characters a password has; they make passwords that people write down.
"""

import base64
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine
from sqlmodel import Session, select

from annotations import audit
from annotations.attempts import begin_attempt, forget_attempt
from annotations.blind import check_active
from annotations.claims import aware
from annotations.database import session as open_session
from annotations.invitations import end_invitations, invited, use_invitation
from annotations.people import LONGEST_NAME, alike
from annotations.sign_ins import begin_sign_in, end_sign_ins
from annotations.tables import NOT_PEOPLE, Annotator, Password
from mining.errors import AnnotationError

SHORTEST, LONGEST = 12, 200  # characters
_LONGEST_TYPED = 10 * LONGEST  # before normalising, which joins characters
_REFUSED = "The name or the password is not right."


@dataclass(frozen=True)
class _Candidate:
    """Who wants to sign in, as far as it is known, and the rows of the attempt."""

    annotator_id: int | None
    hash: str | None
    attempt: list[int]


def sign_in(
    *,
    engine: Engine,
    name: str,
    password: str,
    address: str,
    now: datetime | None = None,
    hasher: PasswordHasher | None = None,
) -> str:
    """The token of a new sign-in, to be kept by the browser at `address`.

    AnnotationError for a wrong password and in the same words, after the same work, for a name that
    nobody has or that has no password; after too many attempts (`attempts.py`), also for the right
    one; and for somebody who gives the right password and was deactivated. A failed attempt is
    kept.
    """
    hasher = hasher or PasswordHasher()
    moment = aware(now)
    with open_session(engine) as counting:
        attempt = begin_attempt(session=counting, name=name, address=address, now=moment)
        candidate = _candidate(counting, name, attempt)
    right = _fits(hasher, candidate.hash, password)
    if not right or candidate.annotator_id is None or candidate.hash is None:
        raise AnnotationError(_REFUSED)
    newer = _renewed(hasher, candidate.hash, password)
    with open_session(engine) as writing:
        forget_attempt(session=writing, ids=candidate.attempt)
        stored = _stored(writing, candidate.annotator_id)
        if stored is None or stored.hash != candidate.hash:  # it was changed in this moment
            raise AnnotationError(_REFUSED)
        check_active(session=writing, annotator_id=candidate.annotator_id)
        if newer is not None:
            stored.hash = newer
            writing.add(stored)
        return begin_sign_in(session=writing, annotator_id=candidate.annotator_id, now=moment)


def accept(
    *,
    engine: Engine,
    token: str,
    password: str,
    now: datetime | None = None,
    hasher: PasswordHasher | None = None,
) -> str:
    """Use an invitation to set a password; the token of a new sign-in, all others of theirs end.

    AnnotationError for a token that invites nobody any more, and for a password that is too short,
    too long or the name; then the invitation can still be used.
    """
    moment = aware(now)
    with open_session(engine, read_only=True) as reading:
        name = invited(session=reading, token=token, now=moment).name
    hashed = (hasher or PasswordHasher()).hash(_checked(password, name))
    with open_session(engine) as writing:
        person = use_invitation(session=writing, token=token, now=moment)
        assert person.id is not None
        _set(writing, person, hashed, moment, audit.PASSWORD_SET)
        end_sign_ins(session=writing, annotator_id=person.id)
        return begin_sign_in(session=writing, annotator_id=person.id, now=moment)


def change_password(
    *,
    engine: Engine,
    annotator_id: int,
    old: str,
    new: str,
    token: str | None = None,
    now: datetime | None = None,
    hasher: PasswordHasher | None = None,
) -> None:
    """Somebody who is signed in gives another password; sign-ins end, except that of `token`.

    AnnotationError where the old one is wrong, which counts as an attempt to sign in, or the new
    one cannot be a password.
    """
    hasher = hasher or PasswordHasher()
    moment = aware(now)
    with open_session(engine) as counting:
        name = check_active(session=counting, annotator_id=annotator_id).name
        checked = _checked(new, name)
        attempt = begin_attempt(session=counting, name=name, address=None, now=moment)
        candidate = _candidate(counting, name, attempt)
    if not _fits(hasher, candidate.hash, old):
        raise AnnotationError("The password that you have now is another one; type it again.")
    hashed = hasher.hash(checked)
    with open_session(engine) as writing:
        forget_attempt(session=writing, ids=candidate.attempt)
        person = check_active(session=writing, annotator_id=annotator_id)
        stored = _stored(writing, annotator_id)
        if stored is None or stored.hash != candidate.hash:
            raise AnnotationError(
                "The password was changed elsewhere in this moment; sign in again."
            )
        _set(writing, person, hashed, moment, audit.PASSWORD_CHANGED)
        end_invitations(session=writing, annotator_id=annotator_id)
        end_sign_ins(session=writing, annotator_id=annotator_id, but=token)


def _candidate(session: Session, name: str, attempt: list[int]) -> _Candidate:
    """The person whom a typed name means, in any case; the same statement whoever it is."""
    wanted = select(Annotator.id, Annotator.name, Annotator.role, Password.hash).outerjoin(Password)
    typed = alike(name[: LONGEST_NAME + 1].strip())
    for annotator_id, known, role, hashed in session.exec(wanted):
        if alike(known) == typed and role not in NOT_PEOPLE:
            return _Candidate(annotator_id, hashed, attempt)
    return _Candidate(None, None, attempt)


def _stored(session: Session, annotator_id: int) -> Password | None:
    """The row of somebody's password, nobody else's until the transaction ends."""
    return session.get(Password, annotator_id, with_for_update=True)


def _set(session: Session, person: Annotator, hashed: str, now: datetime, what: str) -> None:
    assert person.id is not None
    stored = _stored(session, person.id) or Password(annotator_id=person.id, hash="")
    stored.hash, stored.changed_at = hashed, now
    session.add(stored)
    audit.record(
        session=session, who=person.name, what=what, about=person.name, before=None, after=None
    )


def _checked(password: str, name: str) -> bytes:
    """A new password as it is hashed; AnnotationError if it cannot be one."""
    typed = unicodedata.normalize("NFC", password[:_LONGEST_TYPED])
    if not SHORTEST <= len(typed) <= LONGEST or len(password) > _LONGEST_TYPED:
        raise AnnotationError(f"A password has {SHORTEST} to {LONGEST} characters; choose another.")
    if alike(typed).strip() == alike(name):
        raise AnnotationError("Your name is no password; choose another.")
    try:
        return typed.encode()
    except UnicodeEncodeError:
        raise AnnotationError("The password holds half a character; choose another.") from None


def _fits(hasher: PasswordHasher, hashed: str | None, password: str) -> bool:
    """Whether a password is the hashed one; without a hash, as much work for nothing."""
    typed = unicodedata.normalize("NFC", password[:_LONGEST_TYPED])[: LONGEST + 1]
    try:
        hasher.verify(hashed or _nobodys(hasher), typed.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def _nobodys(hasher: PasswordHasher) -> str:
    """A hash of the hasher's own parameters that no password is known to have."""
    salt, digest = (_unpadded(bytes(n)) for n in (hasher.salt_len, hasher.hash_len))
    return (
        f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        f"${salt}${digest}"
    )


def _unpadded(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def _renewed(hasher: PasswordHasher, hashed: str, password: str) -> str | None:
    """The password hashed anew, if it was hashed with parameters that are not today's."""
    if not hasher.check_needs_rehash(hashed):
        return None
    return hasher.hash(unicodedata.normalize("NFC", password).encode())
