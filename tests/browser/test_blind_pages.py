"""Blind labelling and rubbish in the address: what no page shows, whatever somebody types."""

import zipfile
from pathlib import Path

import pytest
from app_driver import AppWindow, Site
from desk import pattern
from playwright.sync_api import expect
from runs import MinedKey, write_run

OTHER, WORDS, DRAFTED = "Bartholomew", "quokka sightings", "wombat burrows"
RUBBISH = [
    "annotator=nobody",
    "annotator=gold",
    "annotator=Ann%00%01%7f&key=%00",
    "annotator=%F0%9F%A6%89%ff%fe",
    "annotator=Ann&key=abc",
    "annotator=Ann&key=-1",
    "annotator=Ann&key=%D9%A3%20",
    "annotator=Ann&key=99999999999999999999",
    "annotator=Ann&run=none",
    "annotator=Ann&run=%1b%5b31m%0a%00",
    "annotator=Ann&annotator=Lea&key=1&key=2&%00=%00",
]


@pytest.fixture(scope="module")
def blind(site: Site) -> Site:
    """Ann, and Bartholomew, who has submitted the first key and begun the second."""
    work = site.work
    work.add("Ann", OTHER)
    work.add("Lea", role="lead")
    work.hand_in(OTHER, work.keys[0], pattern(1, 2, 3, description=WORDS))
    work.draft(OTHER, work.keys[1], pattern(1, 2, 3, description=DRAFTED))
    return site


def metrics(window: AppWindow) -> list[str]:
    expect(window.page.get_by_test_id("stMetric")).to_have_count(5)
    texts = window.page.get_by_test_id("stMetric").all_inner_texts()
    return [" ".join(text.split()) for text in texts]


def dataset(window: AppWindow, folder: Path) -> dict[str, str]:
    """The files that Figures lets one download."""
    with window.page.expect_download() as download:
        window.click("Dataset (CSV)")
    with zipfile.ZipFile(download.value.path()) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def search(window: AppWindow, words: str) -> None:
    field = window.page.get_by_role("textbox", name="In a pattern")
    field.fill(words)
    field.press("Enter")
    window.rest()


@pytest.mark.parametrize(
    ("page", "turn"),
    [("", 0), ("", 1), ("keys", 0), ("figures", 0), ("team", 0), ("adjudicate", 0), ("gold", 0)],
)
def test_no_page_tells_of_others_answers(blind: Site, page: str, turn: int) -> None:
    window = blind.window
    window.forget()
    window.visit("Ann", page, key=blind.work.keys[turn])
    window.rest()
    for words in OTHER, WORDS, DRAFTED:
        assert not window.knows(words)
    window.is_whole()


def test_before_submitting_the_figures_and_their_files_are_empty(
    blind: Site, tmp_path: Path
) -> None:
    window = blind.window
    window.visit("Ann", "figures")
    assert metrics(window) == [
        "Keys labelled 0", "Keys with a pattern –", "Patterns per key –", "Prefixes covered –",
        "Median seconds a key –",
    ]  # fmt: skip
    files = dataset(window, tmp_path)
    for name in "submissions.csv", "patterns.csv", "labels.csv", "layer_statistics.csv":
        assert files[name].count("\n") == 1, name
    for words in OTHER, WORDS, DRAFTED:
        assert not any(words in content for content in files.values())


def test_a_search_for_others_words_finds_nothing(blind: Site) -> None:
    window = blind.window
    window.visit("Ann", "keys")
    for words in WORDS, DRAFTED:
        search(window, words)
        window.shows("No key fits.")


def test_a_lead_who_has_asked_for_nothing_is_as_blind(blind: Site) -> None:
    window = blind.window
    window.forget()
    window.visit("Lea", "adjudicate")
    window.shows("No key has two submitted answers that you may see.")
    for page in "team", "keys", "figures", "label":
        window.visit("Lea", page)
        window.rest()
    for words in WORDS, DRAFTED:
        assert not window.knows(words)
    window.visit("Lea", "figures")
    assert metrics(window)[0] == "Keys labelled 0"
    window.shows("0 annotators")


def test_after_submitting_a_key_its_answers_are_to_be_seen(blind: Site, tmp_path: Path) -> None:
    window, work = blind.window, blind.work
    work.add("Bea")
    work.hand_in("Bea", work.keys[0], pattern(2, 3, 4))
    window.visit("Bea", "figures")
    assert metrics(window)[0] == "Keys labelled 1"
    window.shows("2 annotators")
    files = dataset(window, tmp_path)
    assert WORDS in files["patterns.csv"]
    assert not any(DRAFTED in content for content in files.values())
    window.go("Keys")
    search(window, WORDS)
    expect(window.page.get_by_role("button", name=work.title(work.keys[0]))).to_be_visible()
    search(window, DRAFTED)
    window.shows("No key fits.")


@pytest.mark.parametrize("address", RUBBISH)
def test_rubbish_in_the_address_breaks_no_page(blind: Site, address: str) -> None:
    window = blind.window
    window.page.goto(f"{blind.server.url}/?{address}")
    window.rest()
    window.is_whole()
    asked = window.page.get_by_role("heading", name="Who is labelling?")
    expect(asked.or_(window.status)).to_be_visible()


def test_a_key_that_is_not_in_the_run_leads_to_the_next_one(blind: Site, tmp_path: Path) -> None:
    window, work = blind.window, blind.work
    others = work.import_run(write_run(tmp_path / "run", [MinedKey(0, 9)], model="x"), "other")
    for key_id in 999999, others[0]:
        window.visit("Ann", run="study", key=key_id)
        window.shows("This run has no such key; here is the next one.")
        window.on(work.title(work.keys[0]))
    assert work.holders(others[0]) == []


def test_whoever_steps_back_is_nobody_after_a_reload(blind: Site) -> None:
    window = blind.window
    window.visit("Ann")
    expect(window.status).to_be_visible()
    window.click("Ann")
    window.shows("Who is labelling?")
    window.page.reload()
    window.shows("Who is labelling?")
