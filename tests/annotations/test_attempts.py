"""Trying passwords: so many a name and an address in a quarter of an hour, then no more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from door import AWAY, HOME, HORSE, NOON, QuickHasher, add, enter, refusal, who, with_password
from sqlalchemy import Engine
from sqlmodel import select

from annotations.database import session
from annotations.passwords import sign_in
from annotations.tables import Attempt

BLOCKED = "Too many failed attempts to sign in; try again in {}."
WRONG = "The name or the password is not right."
OTHER = "some other password"


@pytest.fixture(autouse=True)
def _people(engine: Engine) -> None:
    for name in ("Ada", "Bob"):
        add(engine, name)
        with_password(engine, name)


def knock(engine: Engine, name: str, password: str = OTHER, **how: object) -> str:
    usual = {"address": HOME, "now": NOON, "hasher": QuickHasher()} | how
    return refusal(sign_in, engine=engine, name=name, password=password, **usual)


def counted(engine: Engine) -> int:
    with session(engine, read_only=True) as s:
        return len(s.exec(select(Attempt)).all())


@pytest.mark.parametrize("name", ["Ada", "nobody at all"])
def test_after_five_failures_a_name_is_refused_even_with_the_right_password(
    engine: Engine, name: str
) -> None:
    for second in range(5):
        assert knock(engine, name, now=NOON + timedelta(seconds=second)) == WRONG
    hasher = QuickHasher()
    for address in (HOME, AWAY):
        tried = {"now": NOON + timedelta(seconds=5), "address": address, "hasher": hasher}
        assert knock(engine, name, HORSE, **tried) == BLOCKED.format("15 minutes")
        assert knock(engine, f" {name.upper()}\u200d", HORSE, **tried).startswith("Too many")
    assert hasher.verified == []
    assert who(engine, enter(engine, "Bob")) == "Bob"


def test_it_says_how_long_and_then_it_is_over(engine: Engine) -> None:
    for minute in range(5):
        knock(engine, "Ada", now=NOON + timedelta(minutes=minute))
    for minute, left in {
        4: "11 minutes",
        13: "2 minutes",
        14: "1 minute",
        14.9: "1 minute",
    }.items():
        moment = NOON + timedelta(minutes=minute)
        assert knock(engine, "Ada", HORSE, now=moment) == BLOCKED.format(left)
    assert enter(engine, "Ada", now=NOON + timedelta(minutes=15))


def test_after_twenty_failures_an_address_is_refused_whatever_the_name(engine: Engine) -> None:
    for number in range(20):
        assert knock(engine, f"name {number}") == WRONG
    assert knock(engine, "Ada", HORSE) == BLOCKED.format("15 minutes")
    assert enter(engine, "Ada", address=AWAY)


def test_addresses_are_one_where_one_subscriber_chooses_them(engine: Engine) -> None:
    pairs = {
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"): True,
        ("2001:db8:1:2::1", "2001:db8:1:3::1"): False,
        ("192.0.2.1", "::ffff:192.0.2.1"): True,
        ("192.0.2.1", "192.0.2.2"): False,
        ("x" * 100_000, "\ud800"): False,
    }
    for hour, ((one, other), same) in enumerate(pairs.items()):
        moment = NOON + timedelta(hours=hour)
        for number in range(20):
            knock(engine, f"name {number}", address=one, now=moment)
        assert knock(engine, "Ada", address=other, now=moment).startswith("Too many") == same


def test_the_right_password_is_no_failure(engine: Engine) -> None:
    for _ in range(25):
        enter(engine, "Ada")
    assert counted(engine) == 0
    for _ in range(4):
        knock(engine, "Ada")
    enter(engine, "Ada")
    assert knock(engine, "Ada") == WRONG
    assert knock(engine, "Ada", HORSE).startswith("Too many")


def test_what_counts_no_more_is_deleted_by_whoever_comes_next(engine: Engine) -> None:
    for name in ("Ada", "Bob", "nobody"):
        knock(engine, name)
    assert counted(engine) == 6  # a name and an address each
    enter(engine, "Ada", now=NOON + timedelta(minutes=14, seconds=59))
    assert counted(engine) == 6
    enter(engine, "Ada", now=NOON + timedelta(minutes=15))
    assert counted(engine) == 0


def test_no_more_passwords_are_compared_however_many_come_at_once(engine: Engine) -> None:
    many, hasher = 12, QuickHasher()
    together = Barrier(many)

    def attempt(_: int) -> str:
        together.wait()
        return knock(engine, "Ada", hasher=hasher)

    with ThreadPoolExecutor(many) as pool:
        said = list(pool.map(attempt, range(many)))
    assert (said.count(WRONG), len(hasher.verified)) == (5, 5)
