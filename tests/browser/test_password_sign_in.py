"""Signing in by password: invitations, the form, and what ends a window that is open."""

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from accounts import PASSWORD, enter, give_passwords, invitation, new_browser
from app_driver import AppWindow, Site
from playwright.sync_api import Browser, ConsoleMessage, WebSocketRoute, expect

LEADS_PAGES = ("adjudicate", "team", "users")
PAGES = ("", "keys", "figures", "model", *LEADS_PAGES)


@pytest.fixture(scope="module")
def app_options() -> tuple[str, ...]:
    return ("--sign-in", "passwords")


@pytest.fixture(scope="module")
def closed(site: Site) -> Site:
    """A site with passwords; Bob has none yet."""
    site.work.add("Ann", "Bob", "Cyd", "Dan")
    site.work.add("Lea", role="lead")
    give_passwords(site.work, "Ann", "Cyd", "Dan", "Lea")
    return site


@pytest.fixture
def window(closed: Site, browser: Browser) -> Iterator[AppWindow]:
    """A window of a browser that nobody has signed in with."""
    with new_browser(browser, closed) as opened:
        yield opened


def is_here(window: AppWindow, name: str) -> None:
    """Wait until the sidebar says who is signed in."""
    account = window.page.get_by_test_id("stSidebar").get_by_test_id("stExpander").first
    expect(account).to_contain_text(name)


def account(window: AppWindow, name: str) -> None:
    """Open the account in the sidebar."""
    window.page.get_by_test_id("stSidebar").locator("summary", has_text=name).click()
    window.shows("You are signed in as")


def test_an_invitation_is_accepted_once_and_never_twice(
    closed: Site, window: AppWindow, browser: Browser
) -> None:
    link = f"{closed.server.url}/invitation?token={invitation(closed.work, 'Bob')}"
    window.page.goto(link)
    window.shows("Welcome to Keyhole, Bob")
    window.page.get_by_label("Password", exact=True).fill("one two three four")
    window.page.get_by_label("The same again").fill("one two three four")
    window.click("Start labelling")
    is_here(window, "Bob")
    assert "token" not in window.page.url
    with new_browser(browser, closed) as another:
        another.page.goto(link)
        another.shows("This invitation was used, has expired or never was one")
        another.page.get_by_role("link", name="Sign in").click()
        enter(another, "bob", "one two three four")
        is_here(another, "Bob")


def test_the_right_password_leads_to_the_page_that_was_asked_for(
    closed: Site, window: AppWindow
) -> None:
    window.page.goto(f"{closed.server.url}/keys?run=study&annotator=Lea")
    enter(window, "Ann", "not the password")
    expect(window.page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    expect(window.page.get_by_label("Name")).to_have_value("Ann")
    window.page.get_by_label("Password").fill(PASSWORD)
    window.press("Enter")
    expect(window.page.get_by_role("heading", name="Keys")).to_be_visible()
    is_here(window, "Ann")
    expect(window.page).to_have_url(f"{closed.server.url}/keys?run=study")


def test_who_guesses_must_wait(closed: Site, window: AppWindow) -> None:
    window.page.goto(closed.server.url)
    for guess in range(5):
        enter(window, "Cyd", f"guess number {guess}")
        window.shows("not right")
    enter(window, "Cyd")
    window.shows("Too many failed attempts to sign in; try again in 15 minutes.")


def test_an_address_makes_nobody_somebody_else_or_a_lead(closed: Site, window: AppWindow) -> None:
    window.page.goto(closed.server.url)
    enter(window, "Ann")
    window.forget()
    for page in LEADS_PAGES:
        window.visit("Lea", page)
        is_here(window, "Ann")
        window.on(closed.work.title(closed.work.keys[0]))  # the first page, where there is no such
        assert not window.page.get_by_role("link", name=page.title(), exact=True).count()
    assert "annotator" not in window.page.url
    assert not window.knows("Dan") and not window.knows("Assign")


def test_a_window_that_comes_back_as_somebody_else_writes_nothing_for_the_first(
    closed: Site, window: AppWindow
) -> None:
    connections: list[tuple[WebSocketRoute, WebSocketRoute]] = []
    window.page.route_web_socket(
        "**/_stcore/stream",
        lambda browsers: connections.append((browsers, browsers.connect_to_server())),
    )
    window.page.goto(closed.server.url)
    enter(window, "Ann")
    expect(window.status).to_be_visible()
    key = int(window.page.url.partition("key=")[2])
    other = AppWindow(window.page.context.new_page(), closed.server.url)
    other.page.goto(closed.server.url)
    other.click("Sign out")
    enter(other, "Dan")
    is_here(other, "Dan")

    for end in reversed(connections[0]):
        end.close()  # and Streamlit takes the session up again, with the cookie that is there now
    while len(connections) < 2:
        window.page.wait_for_timeout(100)
    window.enter()
    window.press("n")
    is_here(window, "Dan")
    for name in "Ann", "Dan":
        stored = closed.work.stored(name, key)
        assert stored is None or not stored.answer.patterns, name


def test_a_changed_password_and_signing_out_everywhere_end_other_windows(
    closed: Site, window: AppWindow, browser: Browser
) -> None:
    first = closed.work.keys[0]
    with new_browser(browser, closed) as second:
        for each in window, second:
            each.page.goto(closed.server.url)
            enter(each, "Dan")
            expect(each.status).to_be_visible()
        account(window, "Dan")
        for label, typed in [
            ("Password now", PASSWORD), ("New password", "quite another one"),
            ("The same again", "quite another one"),
        ]:  # fmt: skip
            window.page.get_by_role("textbox", name=label).fill(typed)
        window.click("Change the password")
        window.shows("Your password is changed.")
        second.enter()
        second.press("n")
        second.shows("You are signed out")
        expect(second.page.locator("td.context")).to_have_count(0)
        second.page.get_by_role("link", name="Sign in").click()
        enter(second, "Dan", "quite another one")
        second.on(closed.work.title(first))

        account(window, "Dan")
        window.click("Sign out everywhere")
        window.shows("You are signed out")
        second.enter()
        second.press("n")
        second.shows("You are signed out")
    stored = closed.work.stored("Dan", first)
    assert stored is not None and not stored.answer.patterns


def test_the_button_in_the_sidebar_signs_out(closed: Site, window: AppWindow) -> None:
    window.page.goto(closed.server.url)
    enter(window, "Ann")
    is_here(window, "Ann")
    window.click("Sign out")
    expect(window.page).to_have_url(f"{closed.server.url}/sign-in")
    assert {cookie["name"] for cookie in window.page.context.cookies()} <= {
        "keyhole_form",
        "_streamlit_xsrf",
    }
    window.page.go_back()
    expect(window.page.get_by_text("You are signed out").or_(window.page.get_by_label("Name"))
    ).to_be_visible()  # fmt: skip


def test_no_page_breaks_the_policy_that_it_is_sent_with(closed: Site, window: AppWindow) -> None:
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    window.page.on("console", note)
    window.page.goto(closed.server.url)
    enter(window, "Lea")
    window.enter()
    window.make_pattern("a pattern", 3)
    window.saved()
    window.press("Control+Enter")
    for page in PAGES:
        answer = window.page.goto(f"{closed.server.url}/{page}")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "unsafe-eval" not in policy and "script-src 'self' blob: 'sha256-" in policy
        window.rest()
        window.is_whole()
    assert not [line for line in said if "Content Security Policy" in line]


def test_streamlits_own_protection_against_forged_requests_is_on(closed: Site) -> None:
    place = f"{closed.server.url}/_stcore/upload_file/any/any"
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(place, b"", method="PUT"), timeout=10)
    elsewhere = {"Origin": "http://elsewhere.example"}
    with urlopen(Request(f"{closed.server.url}/_stcore/health", headers=elsewhere)) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
