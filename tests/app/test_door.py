"""The door's own pages: what they take, what they set, and what they lead to."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
import streamlit as st
from argon2 import PasswordHasher
from httpx import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from annotations import invitations, passwords, people, sign_ins
from annotations.database import make_engine, migrate, session
from app import door, storage
from app.door import Door, Gate
from app.headers import Headers

HERE = "http://testserver"
PASSWORD = "a pair of values"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
COOKIE = "keyhole_sign_in"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Ada, who has a password."""
    path = tmp_path_factory.mktemp("filled") / "keyhole.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    with session(engine) as s:
        people.add_annotator(session=s, name="Ada")
        token = invitations.invite(session=s, name="Ada")
    passwords.accept(engine=engine, token=token, password=PASSWORD, hasher=CHEAP)
    engine.dispose()
    return path


@pytest.fixture
def client(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser before a server that has a copy of it, and one page."""
    copyfile(filled, tmp_path / "keyhole.db")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'keyhole.db'}")
    monkeypatch.setenv("KEYHOLE_SIGN_IN", "passwords")
    st.cache_resource.clear()
    yield TestClient(server(), base_url=HERE, follow_redirects=False)
    storage.engine().dispose()
    st.cache_resource.clear()


def server() -> Starlette:
    def page(request: object) -> PlainTextResponse:
        return PlainTextResponse("the page")

    routes = [*Door().routes(), Route("/{path:path}", page)]
    return Starlette(routes=routes, middleware=[Middleware(Headers), Middleware(Gate)])


def invitation(name: str) -> str:
    with session(storage.engine()) as s:
        return invitations.invite(session=s, name=name)


def field(page: Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def sign_in(client: TestClient, password: str = PASSWORD, **also: str) -> Response:
    """Open the form and send it, as a browser on this site does."""
    form = {"form": field(client.get("/sign-in"), "form"), "name": "Ada", "password": password}
    return client.post("/sign-in", data=form | also, headers={"Origin": HERE})


def whose(client: TestClient, cookie: str = COOKIE) -> str | None:
    found = sign_ins.signed_in(engine=storage.engine(), token=client.cookies.get(cookie, ""))
    return None if found is None else found.name


def test_name_and_password_let_somebody_in(client: TestClient) -> None:
    answer = sign_in(client, to="/keys?run=study")
    assert (answer.status_code, answer.headers["location"]) == (303, "/keys?run=study")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=5184000"))
    assert "Secure" not in cookie and "Domain" not in cookie
    assert whose(client) == "Ada"
    assert client.get("/keys").text == "the page"
    assert client.get("/sign-in?to=/figures").headers["location"] == "/figures"


def test_a_wrong_password_lets_nobody_in_and_keeps_the_typed_name(client: TestClient) -> None:
    answer = sign_in(client, "a pair of shoes", name="Ada <b>")
    assert answer.status_code == 422
    assert "The name or the password is not right." in answer.text
    assert 'value="Ada &lt;b&gt;"' in answer.text
    assert COOKIE not in client.cookies


def test_after_five_wrong_passwords_the_right_one_has_to_wait(client: TestClient) -> None:
    for _ in range(5):
        assert "not right" in sign_in(client, "wrong").text
    answer = sign_in(client)
    assert answer.status_code == 422
    assert "Too many failed attempts to sign in; try again in 15 minutes." in answer.text
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {},
        {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": HERE, "Sec-Fetch-Site": "same-site"},
        {"Origin": HERE, "Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_that_another_site_sent_is_not_taken(
    client: TestClient, headers: dict[str, str]
) -> None:
    form = {"form": field(client.get("/sign-in"), "form"), "name": "Ada", "password": PASSWORD}
    answer = client.post("/sign-in", data=form, headers=headers)
    assert answer.status_code == 403
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_this_browsers_token_is_not_taken(client: TestClient, token: str) -> None:
    client.get("/sign-in")
    for path in ("/sign-in", "/invitation", "/sign-out"):
        sent = {"form": token, "name": "Ada", "password": PASSWORD}
        answer = client.post(path, data=sent, headers={"Origin": HERE})
        assert answer.status_code == 403, path


def test_a_browsers_word_is_enough_where_it_hides_the_origin(client: TestClient) -> None:
    form = {"form": field(client.get("/sign-in"), "form"), "name": "Ada", "password": PASSWORD}
    answer = client.post(
        "/sign-in", data=form, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 303


def test_a_form_as_long_as_a_book_is_not_read(client: TestClient) -> None:
    assert sign_in(client, "x" * 20_000).status_code == 413


@pytest.mark.parametrize(
    "elsewhere", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "/\ta", "x"]
)
def test_nobody_is_led_elsewhere(client: TestClient, elsewhere: str) -> None:
    assert sign_in(client, to=elsewhere).headers["location"] == "/"
    assert client.get("/sign-in", params={"to": elsewhere}).headers["location"] == "/"


def test_signing_out_ends_the_sign_in_and_not_only_the_cookie(client: TestClient) -> None:
    sign_in(client)
    token = client.cookies[COOKIE]
    form = {"form": door.form_token(token)}
    answer = client.post("/sign-out", data=form, headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, token)
    assert whose(client) is None
    assert client.get("/keys").status_code == 303


def test_signing_in_again_ends_the_sign_in_before_it(client: TestClient) -> None:
    sign_in(client)
    first = client.cookies[COOKIE]
    other = TestClient(server(), base_url=HERE, follow_redirects=False)
    form = {"form": field(other.get("/sign-in"), "form"), "name": "Ada", "password": PASSWORD}
    other.cookies.set(COOKIE, first)
    other.post("/sign-in", data=form, headers={"Origin": HERE})
    assert sign_ins.signed_in(engine=storage.engine(), token=first) is None


def accept(client: TestClient, token: str, password: str, again: str | None = None) -> Response:
    page = client.get("/invitation", params={"token": token})
    form = {"form": field(page, "form"), "token": field(page, "token"), "password": password}
    form["again"] = password if again is None else again
    return client.post("/invitation", data=form, headers={"Origin": HERE})


def test_an_invitation_sets_a_password_once(client: TestClient) -> None:
    token = invitation("Ada")
    assert "The two passwords differ" in accept(client, token, PASSWORD + "!", "other").text
    assert "A password has 12 to 200 characters" in accept(client, token, "short").text
    assert accept(client, token, "another pair of values").status_code == 303
    assert whose(client) == "Ada"
    client.cookies.clear()
    again = client.get("/invitation", params={"token": token})
    assert again.status_code == 410
    assert "This invitation was used, has expired or never was one" in again.text
    assert "not right" in sign_in(client, PASSWORD).text
    assert sign_in(client, "another pair of values").status_code == 303


def test_a_form_of_an_invitation_that_was_used_meanwhile_sets_nothing(client: TestClient) -> None:
    token = invitation("Ada")
    page = client.get("/invitation", params={"token": token})
    accept(client, token, "another pair of values")
    form = {name: field(page, name) for name in ("form", "token")}
    late = form | {"password": "a third pair of values", "again": "a third pair of values"}
    assert client.post("/invitation", data=late, headers={"Origin": HERE}).status_code == 410


def test_pages_lead_to_the_door_and_their_files_are_closed(client: TestClient) -> None:
    client.cookies.set(COOKIE, "made up")
    answer = client.get("/keys?run=a%26b&key=3")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=%2Fkeys%3Frun%3Da%2526b%26key%3D3"
    assert field(client.get(answer.headers["location"]), "to") == "/keys?run=a%26b&amp;key=3"
    assert client.get("/").headers["location"] == "/sign-in"
    assert client.get("/media/0123.zip").status_code == 403
    assert client.get("/static/js/index.js").text == "the page"
    assert client.get("/_stcore/health").text == "the page"


def test_under_https_cookies_are_bound_to_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYHOLE_URL", "https://keyhole.example.org")
    secure = TestClient(server(), base_url="https://testserver", follow_redirects=False)
    asked = secure.get("/sign-in")
    form = {"form": field(asked, "form"), "name": "Ada", "password": PASSWORD}
    refused = secure.post("/sign-in", data=form, headers={"Origin": "https://testserver"})
    assert refused.status_code == 403
    answer = secure.post("/sign-in", data=form, headers={"Origin": "https://keyhole.example.org"})
    assert whose(secure, f"__Host-{COOKIE}") == "Ada"
    for page in asked, answer:
        assert page.headers["set-cookie"].startswith("__Host-keyhole")
        assert "Secure" in page.headers["set-cookie"]


def test_no_page_may_be_framed_or_tell_where_it_was(client: TestClient) -> None:
    token = invitation("Ada")
    doors = [client.get("/sign-in"), client.get(f"/invitation?token={token}")]
    sign_in(client)
    for page in [*doors, client.get("/keys"), client.get("/media/none")]:
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] in ("strict-origin", "same-origin")
    for page in doors:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src" not in policy
        assert "unsafe" not in policy and "<script" not in page.text
        assert page.headers["referrer-policy"] == "strict-origin"
        assert page.headers["cache-control"] == "no-store"
