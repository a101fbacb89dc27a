"""The page Users and the pages at the door: what a lead does there, and who can read them."""

from collections.abc import Iterator

import pytest
from accounts import PASSWORD, enter, give_passwords, invitation, new_browser
from app_driver import AppWindow, Site
from axe_rules import objections, settle
from playwright.sync_api import Browser, Locator, expect

from annotations import accounts
from annotations.database import session

NARROW = {"width": 360, "height": 760}


@pytest.fixture(scope="module")
def app_options() -> tuple[str, ...]:
    return ("--sign-in", "passwords")


@pytest.fixture(scope="module")
def closed(site: Site) -> Site:
    site.work.add("Ann", "Bob")
    site.work.add("Lea", role="lead")
    site.work.add("Bot", role="machine")
    give_passwords(site.work, "Lea")
    return site


@pytest.fixture(scope="module", params=["light", "dark"])
def window(request: pytest.FixtureRequest, closed: Site, browser: Browser) -> Iterator[AppWindow]:
    """Lea's window on the page, in the system's light scheme and in its dark one."""
    with new_browser(browser, closed, request.param) as opened:
        opened.page.goto(f"{closed.server.url}/users")
        enter(opened, "Lea")
        expect(opened.page.get_by_role("heading", name="Users")).to_be_visible()
        yield opened


def change_of(closed: Site, window: AppWindow, name: str) -> Locator:
    """Somebody's name, which opens what can be changed about them."""
    return window.page.locator(f".st-key-change-{closed.work.people[name]} summary")


def change(closed: Site, window: AppWindow, name: str, button: str) -> None:
    """Open it, and press a button there; it closes when that is done."""
    expect(change_of(closed, window, name).locator("..")).not_to_have_attribute("open", "")
    change_of(closed, window, name).click()
    settle(window.page)
    window.click(button)


def role_and_state(closed: Site, name: str) -> tuple[str, bool]:
    with session(closed.work.engine, read_only=True) as s:
        found = {account.name: account for account in accounts.listing(session=s)}
    return found[name].role, found[name].active


def test_a_lead_adds_somebody_whose_invitation_lets_them_in(
    closed: Site, window: AppWindow, browser: Browser
) -> None:
    name = f"Grace {window.page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches')}"
    window.page.get_by_label("Name").fill(name)
    window.click("Add and invite")
    window.shows(f"{name} is added.")
    link = window.page.get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{closed.server.url}/invitation?token=")
    assert objections(window.page) == []
    with new_browser(browser, closed) as theirs:
        theirs.page.goto(link)
        theirs.shows(f"Welcome to Keyhole, {name}")
        theirs.page.get_by_label("Password", exact=True).fill(PASSWORD)
        theirs.page.get_by_label("The same again").fill(PASSWORD)
        theirs.click("Start labelling")
        expect(theirs.status).to_be_visible()
    window.click("Done")
    expect(window.page.get_by_test_id("stCode")).to_have_count(0)

    window.page.get_by_label("Name").fill(name.upper())
    window.click("Add and invite")
    window.shows(f"There is already somebody called {name}; choose another name.")


def test_what_a_lead_may_change_is_changed_and_what_not_is_refused(
    closed: Site, window: AppWindow
) -> None:
    change(closed, window, "Ann", "Make Ann a lead")
    window.shows("Ann is lead now.")
    assert role_and_state(closed, "Ann") == ("lead", True)
    change(closed, window, "Ann", "Make Ann an annotator")
    window.shows("Ann is annotator now.")
    change(closed, window, "Lea", "Make Lea an annotator")
    window.shows("Lea is the only lead; make somebody else one before.")
    assert role_and_state(closed, "Lea") == ("lead", True)
    change_of(closed, window, "Lea").click()
    change(closed, window, "Bob", "Deactivate")
    window.shows("Bob is deactivated; what they labelled stays.")
    assert role_and_state(closed, "Bob") == ("annotator", False)
    change(closed, window, "Bob", "Activate")
    window.shows("Bob is active again.")
    assert role_and_state(closed, "Bob") == ("annotator", True)
    assert objections(window.page) == []
    window.shows("Bot")
    expect(change_of(closed, window, "Bot")).to_have_count(0)


def test_the_account_can_be_read_by_everybody(window: AppWindow) -> None:
    account = window.page.get_by_test_id("stSidebar").locator("summary").first
    account.click()
    window.shows("You are signed in as Lea, a lead.")
    assert objections(window.page) == []
    account.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_can_be_read_by_everybody_at_any_width(
    closed: Site, browser: Browser, scheme: str
) -> None:
    with new_browser(browser, closed, scheme) as window:
        page = window.page
        page.set_viewport_size(NARROW)
        page.goto(f"{closed.server.url}/sign-in")
        enter(window, "nobody " * 10, "wrong")
        window.shows("not right")
        places = ["", f"/invitation?token={invitation(closed.work, 'Ann')}", "/invitation?token=x"]
        for place in places:
            if place:
                page.goto(closed.server.url + place)
            assert objections(page) == []
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= NARROW["width"], page.url
