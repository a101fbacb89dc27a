"""Somebody at the door, for the tests: a moment, quick hashing that counts, and the usual calls."""

import re
from datetime import UTC, datetime

from argon2 import PasswordHasher
from sqlalchemy import Engine

from annotations.database import session
from annotations.invitations import invite
from annotations.passwords import accept, sign_in
from annotations.people import add_annotator
from annotations.sign_ins import signed_in
from annotations.tables import Annotator
from mining.errors import AnnotationError

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HORSE = "correct horse battery staple"
HOME, AWAY = "192.0.2.1", "198.51.100.7"


class QuickHasher(PasswordHasher):
    """Argon2id with the least work there is; counts what it was asked to do."""

    def __init__(self, time_cost: int = 1) -> None:
        super().__init__(time_cost=time_cost, memory_cost=8, parallelism=1)
        self.verified: list[str] = []  # the parameters of each hash that was compared
        self.hashed = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.verified.append(re.search(r"m=\d+,t=\d+,p=\d+", str(hash))[0])
        return super().verify(hash, password)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashed += 1
        return super().hash(password, salt=salt)


def do(engine: Engine, what, **how: object):
    """A call in a transaction of its own."""
    with session(engine) as s:
        return what(session=s, **how)


def add(engine: Engine, name: str, role: str = "annotator") -> int:
    return do(engine, add_annotator, name=name, role=role).id


def with_password(engine: Engine, name: str, password: str = HORSE, **how: object) -> str:
    """Invite somebody and accept for them: the token of their first sign-in."""
    token = do(engine, invite, name=name, now=how.get("now", NOON))
    return accept(engine=engine, token=token, password=password, **usual(how))


def enter(engine: Engine, name: str, password: str = HORSE, **how: object) -> str:
    """Sign in."""
    known = {"address": HOME, **usual(how)}
    return sign_in(engine=engine, name=name, password=password, **known)


def usual(how: dict[str, object]) -> dict[str, object]:
    return {"now": NOON, "hasher": QuickHasher()} | how


def refusal(what, **how: object) -> str:
    """The one line with which something is refused."""
    try:
        what(**how)
    except AnnotationError as refused:
        line = str(refused)
        assert line.isprintable()
        assert len(line) < 300
        return line
    raise AssertionError("not refused")


def who(engine: Engine, token: str, now: datetime = NOON) -> str | None:
    """Whose window has this token."""
    person: Annotator | None = signed_in(engine=engine, token=token, now=now)
    return None if person is None else person.name
