"""Who is signed in: a token for so long, until it is ended; invitations, used once by one."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Barrier

import pytest
from door import HORSE, NOON, QuickHasher, add, do, enter, refusal, who, with_password
from sqlalchemy import Engine, text
from sqlmodel import select

from annotations import accounts
from annotations.database import session
from annotations.invitations import invite, invited, use_invitation
from annotations.passwords import accept
from annotations.sign_ins import sign_out
from annotations.tables import Annotator, SignIn
from mining.errors import AnnotationError

MOMENT = 0.3  # seconds in which an unhindered second window would be done
DAY = timedelta(days=1)
NONE = ("", "x", "x" * 100_000, "\0", "\ud800")
USED = "This invitation was used, has expired or never was one; ask a lead for a new one."


@pytest.fixture
def ada(engine: Engine) -> int:
    number = add(engine, "Ada")
    with_password(engine, "Ada")
    return number


def ask(engine: Engine, token: str, now=NOON) -> str:
    """Whom a token invites."""
    return do(engine, invited, token=token, now=now).name


def take(engine: Engine, token: str, password: str = HORSE) -> str:
    return accept(engine=engine, token=token, password=password, now=NOON, hasher=QuickHasher())


# Sign-ins


def test_a_sign_in_ends_two_weeks_after_its_last_use(engine: Engine, ada: int) -> None:
    token = enter(engine, "Ada")
    assert who(engine, token, NOON + 14 * DAY) is None
    assert who(engine, token, NOON + 13 * DAY) == "Ada"
    assert who(engine, token, NOON + 26 * DAY) == "Ada"
    assert who(engine, token, NOON + 41 * DAY) is None


def test_a_sign_in_ends_after_sixty_days_however_much_it_is_used(engine: Engine, ada: int) -> None:
    token = enter(engine, "Ada")
    used = [who(engine, token, NOON + days * DAY) for days in range(62)]
    assert used == ["Ada"] * 60 + [None] * 2


def test_a_page_that_asks_again_within_the_hour_writes_nothing(engine: Engine, ada: int) -> None:
    token = enter(engine, "Ada")

    def seen() -> timedelta:
        with session(engine, read_only=True) as s:
            return max(s.exec(select(SignIn.seen_at))) - NOON

    who(engine, token, NOON + timedelta(minutes=59))
    assert seen() == timedelta()
    who(engine, token, NOON + timedelta(minutes=61))
    assert seen() == timedelta(minutes=61)


def test_what_is_no_token_is_nobodys(engine: Engine, ada: int) -> None:
    enter(engine, "Ada")
    for token in NONE:
        assert who(engine, token) is None
        do(engine, sign_out, token=token)


def test_what_is_stored_of_a_token_opens_nothing(engine: Engine, ada: int) -> None:
    enter(engine, "Ada")
    with session(engine, read_only=True) as s:
        stored = [row.token_sha256 for row in s.exec(select(SignIn))]
    assert {who(engine, token) for token in stored} == {None}


def test_signing_out_ends_one_window_and_no_other(engine: Engine, ada: int) -> None:
    here, there = enter(engine, "Ada"), enter(engine, "Ada")
    do(engine, sign_out, token=here)
    assert (who(engine, here), who(engine, there)) == (None, "Ada")


def test_signing_out_everywhere_ends_all_of_one_persons(engine: Engine, ada: int) -> None:
    bob = add(engine, "Bob")
    theirs = with_password(engine, "Bob")
    windows = [enter(engine, "Ada") for _ in range(2)]
    do(engine, accounts.sign_out_everywhere, annotator_id=ada, by=ada, now=NOON)
    assert [who(engine, token) for token in windows] == [None, None]
    assert who(engine, theirs) == "Bob"
    with session(engine) as s:  # the moment counts, even where a row was overlooked
        s.get(Annotator, bob).signed_out_at = NOON
    assert who(engine, theirs) is None
    assert who(engine, enter(engine, "Ada", now=NOON + DAY), NOON + DAY) == "Ada"


def test_no_token_is_of_somebody_who_may_not_be_here(engine: Engine, ada: int) -> None:
    token = enter(engine, "Ada")
    for change in ("active = false", "active = true, role = 'machine'", "role = 'gold'"):
        with session(engine) as s:
            s.execute(text(f"UPDATE annotator SET {change}"))
        assert who(engine, token) is None
    with session(engine) as s:
        s.execute(text("UPDATE annotator SET role = 'annotator'"))
    assert who(engine, token) == "Ada"


def test_expired_sign_ins_are_swept_out_by_the_next(engine: Engine, ada: int) -> None:
    for _ in range(3):
        enter(engine, "Ada")
    enter(engine, "Ada", now=NOON + 15 * DAY)
    with session(engine, read_only=True) as s:
        assert len(s.exec(select(SignIn)).all()) == 1


def test_a_window_that_is_signed_out_while_it_asks_is_nobodys(engine: Engine, ada: int) -> None:
    token = enter(engine, "Ada")
    with ThreadPoolExecutor() as pool:
        with session(engine) as s:
            sign_out(session=s, token=token)
            late = pool.submit(who, engine, token, NOON + timedelta(hours=2))
            wait([late], timeout=MOMENT)
        assert late.result() is None


# Invitations


def test_an_invitation_says_whose_it_is_and_is_used_once(engine: Engine) -> None:
    add(engine, "Ada")
    token = do(engine, invite, name="Ada", now=NOON)
    assert [ask(engine, token) for _ in range(2)] == ["Ada", "Ada"]
    assert who(engine, take(engine, token)) == "Ada"
    for attempt in (ask, take):
        assert refusal(attempt, engine=engine, token=token) == USED


def test_what_is_no_invitation_invites_nobody(engine: Engine, ada: int) -> None:
    for token in NONE:
        for attempt in (ask, take):
            assert refusal(attempt, engine=engine, token=token) == USED


def test_an_invitation_holds_a_week(engine: Engine) -> None:
    add(engine, "Ada")
    token = do(engine, invite, name="Ada", now=NOON - 7 * DAY + timedelta(seconds=1))
    assert ask(engine, token) == "Ada"
    late = do(engine, invite, name="Ada", now=NOON - 7 * DAY)
    assert refusal(ask, engine=engine, token=late) == USED
    assert refusal(take, engine=engine, token=late) == USED


def test_a_new_invitation_ends_the_one_before_and_nobody_elses(engine: Engine) -> None:
    add(engine, "Ada"), add(engine, "Bob")
    bobs = do(engine, invite, name="Bob", now=NOON)
    first, second = (do(engine, invite, name="Ada", now=NOON) for _ in range(2))
    assert refusal(ask, engine=engine, token=first) == USED
    assert (ask(engine, second), ask(engine, bobs)) == ("Ada", "Bob")


def test_a_forgotten_password_is_set_anew_and_other_windows_end(engine: Engine, ada: int) -> None:
    before = enter(engine, "Ada")
    token = do(engine, invite, name="Ada", now=NOON)
    assert who(engine, before) == "Ada"
    after = take(engine, token, "another horse altogether")
    assert (who(engine, before), who(engine, after)) == (None, "Ada")
    with pytest.raises(AnnotationError, match="not right"):
        enter(engine, "Ada")


def test_whoever_is_no_person_or_has_left_is_not_invited(engine: Engine, ada: int) -> None:
    token = do(engine, invite, name="Ada", now=NOON)
    add(engine, "bot", role="machine")
    do(engine, accounts.set_active, name="Ada", active=False, now=NOON)
    assert refusal(ask, engine=engine, token=token) == USED
    with session(engine) as s:  # also where an invitation was overlooked
        s.execute(text("UPDATE annotator SET active = true"))
    token = do(engine, invite, name="Ada", now=NOON)
    with session(engine) as s:
        s.execute(text("UPDATE annotator SET active = false WHERE name = 'Ada'"))
    for attempt in (ask, take):
        assert refusal(attempt, engine=engine, token=token) == USED
    for name, why in {"Ada": "deactivated", "bot": "machine", "gold": "nobody called"}.items():
        with pytest.raises(AnnotationError, match=why):
            do(engine, invite, name=name)


def test_of_two_connections_with_one_invitation_the_second_waits_and_is_refused(
    engine: Engine,
) -> None:
    add(engine, "Ada")
    token = do(engine, invite, name="Ada", now=NOON)
    with ThreadPoolExecutor() as pool:
        with session(engine) as s:
            assert use_invitation(session=s, token=token, now=NOON).name == "Ada"
            late = pool.submit(take, engine, token)
            done, _ = wait([late], timeout=MOMENT)
            assert not done
        with pytest.raises(AnnotationError, match="was used"):
            late.result()


def test_of_many_who_use_one_invitation_at_once_one_comes_in(engine: Engine) -> None:
    add(engine, "Ada")
    token, many = do(engine, invite, name="Ada", now=NOON), 4
    together = Barrier(many)

    def attempt(number: int) -> str | None:
        together.wait()
        try:
            return take(engine, token, f"password number {number}")
        except AnnotationError as refused:
            assert str(refused) == USED
            return None

    with ThreadPoolExecutor(many) as pool:
        tokens = [token for token in pool.map(attempt, range(many)) if token is not None]
    assert [who(engine, token) for token in tokens] == ["Ada"]
