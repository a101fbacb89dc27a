"""The way back from an identity provider leads to pages of this site alone."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.way_back import WayBack

HOME = "http://keyhole.test"


async def login(_request: Request) -> Response:
    return RedirectResponse("https://provider.test/authorize", 302)


async def callback(request: Request) -> Response:
    answer = RedirectResponse("/", 302)
    if "code" in request.query_params:
        answer.set_cookie("_streamlit_user", "somebody")
    return answer


async def other(_request: Request) -> Response:
    return PlainTextResponse("a page")


STREAMLIT = Starlette(
    routes=[
        Route("/auth/login", login), Route("/oauth2callback", callback), Route("/{page}", other),
    ],
    middleware=[Middleware(WayBack)],
)  # fmt: skip


def browser(**cookies: str) -> TestClient:
    return TestClient(STREAMLIT, base_url=HOME, follow_redirects=False, cookies=cookies)


def way(came_from: str | None) -> str:
    """Where somebody ends who went to the provider from this address and came back."""
    window = browser()
    headers = {} if came_from is None else {"referer": came_from}
    there = window.get("/auth/login", headers=headers)
    assert there.headers["location"] == "https://provider.test/authorize"
    back = window.get("/oauth2callback", params={"code": "1"})
    assert window.cookies.get("_streamlit_user") == "somebody"
    assert window.cookies.get("keyhole_way_back") is None
    return back.headers["location"]


@pytest.mark.parametrize(
    "page", ["/figures", "/label?key=17&run=2", "/keys?text=caf%C3%A9%20%26+a%3Bb,c"]
)
def test_it_leads_to_the_page_that_was_left(page: str) -> None:
    assert way(HOME + page) == page


@pytest.mark.parametrize(
    "came_from",
    [
        None,
        "",
        f"{HOME}/",
        "https://elsewhere.test/figures",
        "http://keyhole.test.elsewhere.test/figures",
        f"{HOME}//elsewhere.test/figures",
        f"{HOME}/\\elsewhere.test",
        f"{HOME}/figures\u0000",
    ],
)
def test_it_leads_to_the_first_page_from_wherever_else(came_from: str | None) -> None:
    assert way(came_from) == "/"


@pytest.mark.parametrize("planted", ["//elsewhere.test", "https://elsewhere.test/", "%2F%2Fx.test"])
def test_a_planted_cookie_leads_nowhere_else(planted: str) -> None:
    assert browser(keyhole_way_back=planted).get("/oauth2callback").headers["location"] == "/"


def test_other_addresses_are_left_alone() -> None:
    answer = browser().get("/keys", headers={"referer": f"{HOME}/figures"})
    assert (answer.text, answer.headers.get("set-cookie")) == ("a page", None)
