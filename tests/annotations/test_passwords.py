"""Passwords: what may be one, how they are asked for, and that nothing is told at the door."""

import unicodedata
from datetime import timedelta

import pytest
from door import AWAY, HOME, HORSE, NOON, QuickHasher, add, do, enter, refusal, who, with_password
from sqlalchemy import Engine, text
from sqlmodel import select

from annotations import accounts, audit
from annotations.database import session
from annotations.invitations import invite, invited
from annotations.passwords import accept, change_password, sign_in
from annotations.tables import Password
from mining.errors import AnnotationError

WRONG = "The name or the password is not right."


@pytest.fixture
def ada(engine: Engine) -> int:
    """Ada, who has a password."""
    number = add(engine, "Ada")
    with_password(engine, "Ada")
    return number


def knock(engine: Engine, name: str, password: str, **how: object) -> str:
    """Try to sign in, from an address of its own, and be refused."""
    usual = {"address": AWAY, "now": NOON, "hasher": QuickHasher()} | how
    return refusal(sign_in, engine=engine, name=name, password=password, **usual)


def test_the_right_password_opens_whatever_the_case_of_the_name(engine: Engine, ada: int) -> None:
    for name in ("Ada", "ada", " ADA "):
        assert who(engine, enter(engine, name)) == "Ada"


def test_any_other_password_is_wrong(engine: Engine, ada: int) -> None:
    near = ["", HORSE[:-1], HORSE + " ", HORSE.upper(), HORSE + "\0"]
    for number, typed in enumerate([*near, "x" * 100_000, "a\ud800b"]):
        assert knock(engine, "Ada", typed, now=NOON + timedelta(hours=number)) == WRONG


def test_an_accent_may_be_typed_as_one_character_or_as_two(engine: Engine) -> None:
    add(engine, "Zoë")
    with_password(engine, "Zoë", "déjà vu à Orléans")
    for form in ("NFC", "NFD"):
        assert enter(engine, "Zoë", unicodedata.normalize(form, "déjà vu à Orléans"))
    assert knock(engine, "Zoë", "deja vu a Orleans") == WRONG


def test_any_twelve_to_two_hundred_characters_are_a_password(engine: Engine) -> None:
    add(engine, "Ada")
    for password in ("x" * 12, "y" * 200, "👩‍🔬" * 4, "密碼" * 6, " " * 12, "a\0\n" * 4):
        with_password(engine, "Ada", password)
        assert enter(engine, "Ada", password)


def test_what_can_be_no_password_leaves_the_invitation_as_it_was(engine: Engine) -> None:
    add(engine, "Ada Lovelace")
    token = do(engine, invite, name="Ada Lovelace", now=NOON)
    how = {"engine": engine, "token": token, "now": NOON, "hasher": QuickHasher()}
    lengths = ["x" * 11, "y" * 201, "z" * 100_000, "e\u0301" * 11, ""]
    for password in [*lengths, "Ada Lovelace", "ＡＤＡ lovelace", "\ud800" * 12]:
        line = refusal(accept, **how, password=password)
        assert "choose another" in line
        assert not password or password not in line
    assert who(engine, accept(**how, password=HORSE)) == "Ada Lovelace"


# Nothing is told at the door


def test_nobody_learns_at_the_door_who_is_known_here(engine: Engine, ada: int) -> None:
    add(engine, "No password yet")
    add(engine, "bot", role="machine")
    tried = ("Ada", "Nobody", "No password yet", "bot", "gold", "", "a\0\ud800", "x" * 100_000)
    hasher = QuickHasher()
    for number, name in enumerate(tried):
        here = {"hasher": hasher, "address": f"192.0.2.{number}"}
        assert knock(engine, name, "some other password", **here) == WRONG
    assert hasher.verified == ["m=8,t=1,p=1"] * len(tried)  # the same work for each


def test_who_left_is_told_so_only_with_the_right_password(engine: Engine, ada: int) -> None:
    do(engine, accounts.set_active, name="Ada", active=False, now=NOON)
    assert knock(engine, "Ada", "some other password") == WRONG
    assert "was deactivated" in knock(engine, "Ada", HORSE)
    do(engine, accounts.set_active, name="Ada", active=True, now=NOON)
    assert enter(engine, "Ada")


def test_nobody_comes_as_a_machine_or_as_gold(engine: Engine, ada: int) -> None:
    for role in ("machine", "gold"):
        with session(engine) as s:
            s.execute(text(f"UPDATE annotator SET role = '{role}'"))
        assert knock(engine, "Ada", HORSE) == WRONG


def test_passwords_are_hashed_with_argon2id_as_the_library_recommends(engine: Engine) -> None:
    add(engine, "Ada")
    token = do(engine, invite, name="Ada")
    accept(engine=engine, token=token, password=HORSE)
    with session(engine, read_only=True) as s:
        assert s.exec(select(Password.hash)).one().startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert sign_in(engine=engine, name="Ada", password=HORSE, address=HOME)


def test_a_hash_of_older_parameters_is_renewed_by_the_right_password(
    engine: Engine, ada: int
) -> None:
    stronger = QuickHasher(time_cost=2)

    def stored() -> str:
        with session(engine, read_only=True) as s:
            return s.exec(select(Password.hash)).one()

    before = stored()
    knock(engine, "Ada", "some other password", hasher=stronger)
    assert stored() == before
    enter(engine, "Ada", hasher=stronger)
    renewed = stored()
    assert "t=2" in renewed
    enter(engine, "Ada", hasher=stronger)
    assert (stored(), stronger.hashed) == (renewed, 1)


def test_no_password_token_or_hash_of_one_is_in_the_audit_trail(engine: Engine, ada: int) -> None:
    lea = add(engine, "Lea", role="lead")
    invitation = do(engine, invite, name="Ada", lead_id=lea, now=NOON)
    token = accept(
        engine=engine, token=invitation, password=HORSE, now=NOON, hasher=QuickHasher()
    )  # fmt: skip
    another = "another horse altogether"
    change_password(
        engine=engine, annotator_id=ada, old=HORSE, new=another, now=NOON, hasher=QuickHasher()
    )
    with session(engine, read_only=True) as s:
        said = audit.as_csv(audit.entries(session=s))
        tables = [
            str(s.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("password", "invitation", "signin", "attempt")
        ]
        hashed = s.exec(select(Password.hash)).one()
    for secret in (invitation, token, HORSE, another):
        assert secret not in said + "".join(tables)
    assert hashed not in said
    told = [line.split(",")[1:4] for line in said.splitlines()[-3:]]
    assert told == [
        ["Lea", "invited", "Ada"],
        ["Ada", "password set", "Ada"],
        ["Ada", "password changed", "Ada"],
    ]


# Changing it


def test_a_changed_password_leaves_one_window_open_and_no_invitation(
    engine: Engine, ada: int
) -> None:
    invitation = do(engine, invite, name="Ada", now=NOON)
    here, there = enter(engine, "Ada"), enter(engine, "Ada")
    change = {"engine": engine, "annotator_id": ada, "now": NOON, "hasher": QuickHasher()}
    change_password(**change, old=HORSE, new="another horse altogether", token=here)
    assert (who(engine, here), who(engine, there)) == ("Ada", None)
    with pytest.raises(AnnotationError, match="was used"):
        do(engine, invited, token=invitation, now=NOON)
    assert knock(engine, "Ada", HORSE) == WRONG
    assert enter(engine, "Ada", "another horse altogether")
    change_password(**change, old="another horse altogether", new=HORSE)
    assert who(engine, here) is None


def test_changing_needs_the_old_password_and_a_new_one_that_can_be_one(
    engine: Engine, ada: int
) -> None:
    change = {"engine": engine, "annotator_id": ada, "now": NOON, "hasher": QuickHasher()}
    assert "choose another" in refusal(change_password, **change, old=HORSE, new="short")
    for _ in range(5):
        line = refusal(change_password, **change, old="x" * 20, new="another horse altogether")
        assert "now is another one" in line
    line = refusal(change_password, **change, old=HORSE, new="another horse altogether")
    assert "Too many failed attempts" in line
    assert "Too many failed attempts" in knock(engine, "Ada", HORSE)


def test_a_password_that_was_changed_meanwhile_opens_no_more(engine: Engine, ada: int) -> None:
    class Slow(QuickHasher):
        """While it compares, the password is set anew."""

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            with_password(engine, "Ada", "another horse altogether")
            return super().verify(hash, password)

    assert knock(engine, "Ada", HORSE, hasher=Slow()) == WRONG


def test_hashing_holds_up_nobody_else_who_writes(engine: Engine, ada: int) -> None:
    class Writing(QuickHasher):
        """While it works, somebody else writes; on SQLite that would wait for 30 seconds."""

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            add(engine, f"while comparing {len(self.verified)}")
            return super().verify(hash, password)

        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            add(engine, f"while hashing {self.hashed}")
            return super().hash(password, salt=salt)

    hasher = Writing()
    enter(engine, "Ada", hasher=hasher)
    with_password(engine, "Ada", hasher=hasher)
    change_password(engine=engine, annotator_id=ada, old=HORSE, new=HORSE, now=NOON, hasher=hasher)
    assert (len(hasher.verified), hasher.hashed) == (2, 2)
