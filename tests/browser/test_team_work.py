"""Work of several people: keys skipped, flagged and noted, and keys that a lead has assigned."""

import re

import pytest
from app_driver import AppWindow, Site
from playwright.sync_api import Locator, expect

NOTE = "First line,\n  then *another* one"


@pytest.fixture(scope="module")
def team(site: Site) -> Site:
    site.work.add("Ann", "Bob", "Cyd", "Dan", "Eve")
    site.work.add("Lea", role="lead")
    return site


def open_form(window: AppWindow, form: str, has: str = "") -> None:
    """In the sidebar, under a name that tells what the key has; the server draws it only then."""
    name = f"Flag, note, skip{': ' * bool(has)}{has}"
    window.page.get_by_test_id("stSidebar").get_by_text(name, exact=True).click()
    turn_to(window, form)


def turn_to(window: AppWindow, form: str) -> None:
    window.page.get_by_role("tab", name=form, exact=True).click()


def flag_of(window: AppWindow) -> Locator:
    return window.page.get_by_role("textbox", name="What should a lead look at?")


def test_a_skipped_key_leaves_the_queue_and_comes_back_when_reopened(team: Site) -> None:
    window, work = team.window, team.work
    window.visit("Ann")
    first, second = (work.title(key) for key in work.keys[:2])
    window.on(first)
    window.make_pattern("kept while skipped", 2)
    window.saved()
    open_form(window, "Skip")
    window.page.get_by_label("Why can this key not be labelled?").fill("tables *only*")
    window.click("Skip this key")
    window.on(second)
    window.shows(f"Skipped {first.lower()}.")
    stored = work.stored("Ann", work.keys[0])
    assert stored is not None
    assert (stored.status, stored.skip_reason) == ("skipped", "tables *only*")

    window.go("Keys")
    window.page.get_by_label("Your status").click()
    window.page.get_by_role("option", name="skipped").click()
    expect(window.page.get_by_role("button", name=re.compile("Layer"))).to_have_count(1)
    window.page.get_by_role("button", name=re.compile(first)).click()
    window.on(first)
    window.shows("Skipped: tables *only*")
    window.click("Reopen")
    expect(window.box(3, 1)).to_be_enabled()
    assert window.shown() == [("shallow", "kept while skipped", (1, 2))]
    window.enter()
    window.press("j", "j", "1")
    assert window.saved() == [("shallow", "kept while skipped", (1, 2, 3))]


def test_a_key_cannot_be_skipped_without_a_reason(team: Site) -> None:
    window = team.window
    window.visit("Bob")
    title = team.work.title(team.work.keys[0])
    window.on(title)
    open_form(window, "Skip")
    window.click("Skip this key")
    expect(window.notice).to_contain_text("A reason to skip has 1 to 300 printable characters.")
    window.on(title)


def test_an_open_form_keeps_nobody_from_going_to_another_page(team: Site) -> None:
    window = team.window
    window.visit("Bob")
    open_form(window, "Note")
    window.go("Keys")


def test_a_lead_sees_a_flag_and_a_skip_but_no_note(team: Site) -> None:
    window, work = team.window, team.work
    window.visit("Cyd")
    window.on(work.title(work.keys[0]))
    open_form(window, "Flag")
    flag_of(window).fill("rank 2 is cut")
    window.click("Save the flag")
    open_form(window, "Note", has="flagged")
    window.page.get_by_label("For yourself, about this key").fill(NOTE)
    window.click("Save the note")
    expect(window.status).to_be_visible()
    window.visit("Cyd", key=work.keys[0])
    open_form(window, "Flag", has="flagged, noted")
    expect(flag_of(window)).to_have_value("rank 2 is cut")
    turn_to(window, "Note")
    expect(window.page.get_by_label("For yourself, about this key")).to_have_value(NOTE)

    window.forget()
    window.visit("Lea", "team")
    window.shows("Flagged and skipped")
    expect(window.page.get_by_test_id("stDataFrame")).to_have_count(3)
    assert window.knows("rank 2 is cut")
    assert not window.knows("First line")


def test_two_annotators_get_different_keys_and_the_lead_sees_how_far_they_are(team: Site) -> None:
    window, work = team.window, team.work
    window.visit("Lea", "team")
    window.page.get_by_label("Annotators a key").fill("1")
    window.click("Assign")
    window.shows("6 keys wait for 1 each.")
    window.visit("Dan")
    dans = current(window)
    other = team.another_window()
    other.visit("Eve")
    eves = current(other)
    assert dans != eves
    for key_id in dans, eves:
        assert {*work.holders(key_id)} in ({"Dan"}, {"Eve"})

    other.visit("Eve", key=dans)
    other.shows("This key has as many annotators as it needs")
    expect(other.status).to_have_count(0)
    other.click("Next key")
    other.on(work.title(eves))
    other.page.close()

    window.make_pattern("Dan's pattern", 3)
    window.saved()
    window.press("Control+Enter")
    window.shows("1 of 6 keys submitted")
    window.visit("Lea", "team")
    dans_layer = work.title(dans)[len("Layer ")]
    layers = [[layer, "3", "3", "1" if layer == dans_layer else "0"] for layer in "01"]
    assert table(window, "Progress") == layers


def test_where_nobody_signs_in_a_lead_still_adds_people_and_changes_roles(team: Site) -> None:
    window = team.window
    window.visit("Lea", "users")
    window.shows("This server asks for no sign-in")
    window.page.get_by_label("Name").fill("Fay")
    window.click("Add")
    window.shows("Fay is added.")
    window.page.locator("summary", has_text="Fay").click()
    window.click("Make Fay a lead")
    window.shows("Fay is lead now.")
    window.visit("Fay", "users")
    window.page.locator("summary", has=window.page.get_by_text("Lea", exact=True)).click()
    window.click("Deactivate")
    window.shows("Lea is deactivated; what they labelled stays.")
    window.visit("Lea")
    window.shows("Who is labelling?")
    expect(window.page.get_by_role("button", name="Fay")).to_be_visible()
    expect(window.page.get_by_role("button", name="Lea")).to_have_count(0)


def current(window: AppWindow) -> int:
    """The id of the key that a window shows."""
    expect(window.status).to_be_visible()
    return int(window.page.url.partition("key=")[2])


def table(window: AppWindow, title: str) -> list[list[str]]:
    """The cells of the table below a heading, as a screen reader finds them in its canvas."""
    window.shows(title)
    frame = window.page.get_by_test_id("stDataFrame").first
    expect(frame.locator("canvas tbody tr").first).to_be_attached()
    return frame.locator("canvas tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    )
