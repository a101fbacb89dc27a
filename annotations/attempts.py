"""How often somebody may try a password: by name and by address, within a quarter of an hour.

An attempt counts from the moment it is begun, so that many at once are no way around the limit, and
is forgotten when it turns out right. Names that nobody has count like all others: a refusal tells
nothing about who is known here. Rows that count no more are deleted by whoever comes next.
"""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from sqlmodel import Session, col, delete, select

from annotations.database import shut_out_others
from annotations.people import LONGEST_NAME, alike
from annotations.tables import Attempt
from mining.errors import AnnotationError

MOST_A_NAME, MOST_AN_ADDRESS = 5, 20
WINDOW = timedelta(minutes=15)
_LINE = -1  # where attempts wait for each other, beside the lines of runs, whose ids are positive
_ONE_SUBSCRIBER = 64  # bits of an IPv6 address; the rest is theirs to choose


def begin_attempt(*, session: Session, name: str, address: str | None, now: datetime) -> list[int]:
    """Count an attempt to sign in; the ids of its rows, for `forget_attempt`.

    No address: somebody inside gives their password again, which counts for the name alone.
    Raises AnnotationError, saying for how long, where there were too many; then nothing is counted.
    """
    shut_out_others(session=session, run_id=_LINE)  # or many at once would all be the last one
    session.exec(delete(Attempt).where(col(Attempt.at) <= now - WINDOW))
    limits = {_about_name(name): MOST_A_NAME}
    if address is not None:
        limits[_about_address(address)] = MOST_AN_ADDRESS
    until = [_blocked_until(session, about, most) for about, most in limits.items()]
    if blocked := [moment for moment in until if moment is not None]:
        minutes = ceil((max(blocked) - now) / timedelta(minutes=1))
        unit = "minute" if minutes == 1 else "minutes"
        raise AnnotationError(
            f"Too many failed attempts to sign in; try again in {minutes} {unit}."
        )
    rows = [Attempt(about_sha256=about, at=now) for about in limits]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows if row.id is not None]


def forget_attempt(*, session: Session, ids: list[int]) -> None:
    """It was the right password: it does not count."""
    session.exec(delete(Attempt).where(col(Attempt.id).in_(ids)))


def _blocked_until(session: Session, about: str, most: int) -> datetime | None:
    """When there will be fewer attempts than `most` within the window; None: there are."""
    latest = select(Attempt.at).where(Attempt.about_sha256 == about)
    at = session.exec(latest.order_by(col(Attempt.at).desc()).limit(most)).all()
    return at[-1] + WINDOW if len(at) == most else None


def _about_name(name: str) -> str:
    return _hashed(f"name {alike(name[: LONGEST_NAME + 1].strip())}")


def _about_address(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return _hashed(f"address {address[:100]}")
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv6Address):
        return _hashed(f"address {ip_network((int(found), _ONE_SUBSCRIBER), strict=False)}")
    return _hashed(f"address {found}")


def _hashed(about: str) -> str:
    return hashlib.sha256(about.encode("utf-8", "backslashreplace")).hexdigest()
