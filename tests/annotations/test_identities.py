"""Who somebody is to an identity provider: found by e-mail once, then by issuer and subject."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from door import NOON, add, do, refusal
from sqlalchemy import Engine, text
from sqlmodel import select

from annotations import accounts, audit
from annotations.database import session
from annotations.identities import LONGEST_EMAIL, person_of, set_identity
from annotations.tables import Identity
from mining.errors import AnnotationError

MOMENT = 0.3  # seconds in which an unhindered second window would be done
ISSUER = "https://id.example.org"
EMAIL = "ada@example.org"


@pytest.fixture
def ada(engine: Engine) -> int:
    """Ada, whose address was written down."""
    number = add(engine, "Ada")
    do(engine, set_identity, name="Ada", email=EMAIL)
    return number


def come(engine: Engine, subject: str = "ada-1", **how: object) -> str:
    usual = {"issuer": ISSUER, "email": EMAIL, "email_verified": True, "issued_at": NOON}
    return person_of(engine=engine, subject=subject, **(usual | how)).name


def refused(engine: Engine, subject: str = "ada-1", **how: object) -> str:
    return refusal(come, engine=engine, subject=subject, **how)


def bound(engine: Engine) -> list[tuple[str, str, str]]:
    with session(engine, read_only=True) as s:
        return [(row.email, row.issuer, row.subject) for row in s.exec(select(Identity))]


def trail(engine: Engine) -> list[tuple[object, ...]]:
    with session(engine, read_only=True) as s:
        rows = audit.entries(session=s)
    return [(row.who, row.what, row.about, row.before, row.after) for row in rows]


@pytest.mark.parametrize("email", [EMAIL, "ADA@Example.ORG", " ada@example.org "])
@pytest.mark.parametrize("verified", [True, None])
def test_somebody_is_found_by_their_address_the_first_time(
    engine: Engine, ada: int, email: str, verified: bool | None
) -> None:
    assert come(engine, email=email, email_verified=verified) == "Ada"
    assert bound(engine) == [(EMAIL, ISSUER, "ada-1")]
    assert trail(engine)[-1] == (
        "Ada", "identity recognised", "Ada", None,
        {"email": EMAIL, "issuer": ISSUER, "subject": "ada-1"},
    )  # fmt: skip


def test_a_mailbox_that_was_given_to_somebody_else_lets_nobody_in(engine: Engine, ada: int) -> None:
    come(engine)
    for other in ({"subject": "bob-2"}, {"issuer": "https://other.example.org"}):
        assert "somebody else's when it was first used" in refused(engine, **other)
    assert come(engine) == "Ada"
    assert bound(engine) == [(EMAIL, ISSUER, "ada-1")]


def test_whoever_came_once_comes_again_whatever_their_address_is_now(
    engine: Engine, ada: int
) -> None:
    come(engine)
    add(engine, "Bob")
    do(engine, set_identity, name="Bob", email="bob@example.org")
    changes = ({"email": "married@example.org"}, {"email": None}, {"email": "bob@example.org"})
    for change in (*changes, {"email_verified": False}):
        assert come(engine, **change) == "Ada"


def test_coming_again_only_reads(engine: Engine, ada: int) -> None:
    come(engine)
    before = trail(engine)
    with session(engine):  # on SQLite nobody else could write now
        assert come(engine) == "Ada"
    assert trail(engine) == before


def test_who_is_unknown_or_not_verified_is_told_the_address(engine: Engine, ada: int) -> None:
    assert "Nobody here has the address bob@example.org" in refused(engine, email="Bob@example.org")
    assert "has not verified ada@example.org" in refused(engine, email_verified=False)
    assert "tells no e-mail address" in refused(engine, email=None)
    assert bound(engine) == [(EMAIL, "", "")]


def test_a_letter_that_only_looks_like_another_is_another_mailbox(engine: Engine) -> None:
    names = {"Kay": "kay@example.org", "Strass": "strass@example.org", "Iris": "iris@example.org"}
    for name, email in names.items():
        add(engine, name)
        do(engine, set_identity, name=name, email=email)
    for email in (
        "\u212aay@example.org",
        "straß@example.org",
        "İris@example.org",
        "ｋay@example.org",
    ):
        assert "Nobody here has the address" in refused(engine, email=email)


def test_whoever_was_deactivated_is_not_let_in(engine: Engine, ada: int) -> None:
    do(engine, accounts.set_active, name="Ada", active=False, now=NOON - timedelta(days=1))
    assert "was deactivated" in refused(engine)
    assert bound(engine) == [(EMAIL, "", "")]
    do(engine, accounts.set_active, name="Ada", active=True)
    come(engine)
    do(engine, accounts.set_active, name="Ada", active=False, now=NOON - timedelta(days=1))
    assert "was deactivated" in refused(engine)


@pytest.mark.parametrize("role", ["machine", "gold"])
def test_nobody_comes_as_gold_or_as_a_machine(engine: Engine, ada: int, role: str) -> None:
    come(engine)
    with session(engine) as s:
        s.execute(text(f"UPDATE annotator SET role = '{role}'"))
    assert "cannot sign in" in refused(engine)


def test_what_was_issued_before_signing_out_everywhere_is_over(engine: Engine, ada: int) -> None:
    come(engine)
    do(engine, accounts.sign_out_everywhere, annotator_id=ada, by=ada, now=NOON)
    for issued in (NOON - timedelta(days=1), NOON, None):
        assert "signed out everywhere" in refused(engine, issued_at=issued)
    assert come(engine, issued_at=NOON + timedelta(seconds=1)) == "Ada"


def test_what_a_provider_says_has_bounds(engine: Engine, ada: int) -> None:
    for text_ in ("", "x" * 501, "a\0b", "a\nb", "\ud800", "x" * 100_000):
        for claim in ("subject", "issuer"):
            assert "does not say who you are" in refused(engine, **{claim: text_})
    for email in ("x" * 100_000, "a\0@b", "\ud800@b", "<script>", "a@\u202eb"):
        assert "is no e-mail address" in refused(engine, email=email)


def test_another_address_ends_what_was_recognised_and_the_same_does_not(
    engine: Engine, ada: int
) -> None:
    come(engine)
    do(engine, set_identity, name="Ada", email="ADA@example.org")
    assert bound(engine) == [(EMAIL, ISSUER, "ada-1")]
    do(engine, set_identity, name="Ada", email="lovelace@example.org")
    assert "Nobody here" in refused(engine)
    assert come(engine, "ada-2", email="lovelace@example.org") == "Ada"
    do(engine, set_identity, name="Ada", email=None)
    assert bound(engine) == []
    assert "Nobody here" in refused(engine, "ada-2", email="lovelace@example.org")


def test_an_address_is_one_persons(engine: Engine, ada: int) -> None:
    add(engine, "Bob")
    with pytest.raises(AnnotationError, match="address of Ada already"):
        do(engine, set_identity, name="Bob", email="Ada@EXAMPLE.org")
    do(engine, set_identity, name="Ada", email=None)
    do(engine, set_identity, name="Bob", email=EMAIL)
    assert come(engine) == "Bob"


def test_only_what_is_an_address_is_written_down(engine: Engine, ada: int) -> None:
    bad = ("", "ada", "@", "ada@", "@example.org", "a b@example.org", "x" * 250 + "@b.de")
    for email in bad:
        with pytest.raises(AnnotationError, match="no e-mail address"):
            do(engine, set_identity, name="Ada", email=email)
    longest = "x" * (LONGEST_EMAIL - 5) + "@b.de"
    do(engine, set_identity, name="Ada", email=longest)
    assert bound(engine) == [(longest, "", "")]


def test_an_address_is_changed_in_the_name_of_whoever_asked(engine: Engine, ada: int) -> None:
    lea = add(engine, "Lea", role="lead")
    do(engine, set_identity, name="Ada", email="lovelace@example.org", lead_id=lea)
    do(engine, set_identity, name="Ada", email=None, lead_id=lea)
    do(engine, set_identity, name="Ada", email=None, lead_id=lea)  # changes nothing
    one, other = {"email": EMAIL}, {"email": "lovelace@example.org"}
    assert trail(engine)[-2:] == [
        ("Lea", "e-mail changed", "Ada", one, other), ("Lea", "e-mail changed", "Ada", other, None),
    ]  # fmt: skip
    add(engine, "bot", role="machine")
    with pytest.raises(AnnotationError, match="cannot sign in"):
        do(engine, set_identity, name="bot", email=EMAIL)


def test_of_two_strangers_with_one_address_at_once_one_is_recognised(
    engine: Engine, ada: int
) -> None:
    with ThreadPoolExecutor() as pool:
        with session(engine) as s:
            row = s.exec(select(Identity).with_for_update()).one()
            row.issuer, row.subject = ISSUER, "one"
            s.add(row)
            s.flush()
            late = pool.submit(come, engine, "two")
            wait([late], timeout=MOMENT)
        with pytest.raises(AnnotationError, match="somebody else's"):
            late.result()
    assert bound(engine) == [(EMAIL, ISSUER, "one")]
