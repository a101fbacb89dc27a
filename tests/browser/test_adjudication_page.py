"""Adjudication in the browser: from two answers that differ to the gold answer in the dataset."""

import csv
import re
from pathlib import Path

import pytest
from app_driver import Site
from desk import pattern
from playwright.sync_api import Locator, expect

ANNS = (
    pattern(1, 2, 3, description="*both* -> end"),
    pattern(4, 5, 6, description="Ann's alone"),
)
BOBS = (
    pattern(1, 2, 3, 4, kind="semantic", description="also of both"),
    pattern(2, 3, 6, description="Bob's alone"),
)
MERGED = ("shallow", "*both* -> end / also of both", (1, 2, 3, 4))


@pytest.fixture(scope="module")
def court(site: Site) -> Site:
    """Ann and Bob, who differ over the first key and agree about the second; Lea, who decides."""
    work = site.work
    work.add("Ann", "Bob")
    work.add("Lea", "Max", role="lead")
    for name, patterns in (("Ann", ANNS), ("Bob", BOBS)):
        work.hand_in(name, work.keys[0], *patterns)
        work.hand_in(name, work.keys[1], pattern(1, 2, 3))
    work.hand_in("Ann", work.keys[2])
    return site


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def cases(site: Site) -> Locator:
    return site.window.page.get_by_role("button", name="Layer")


def row_of(site: Site, words: str) -> Locator:
    """The patterns beside the one with this description, in a row."""
    blocks = site.window.page.get_by_test_id("stHorizontalBlock")
    return blocks.filter(has_text=words).first  # the row, then the lines in it


def test_from_two_answers_that_differ_to_gold_in_the_dataset(court: Site, tmp_path: Path) -> None:
    window, work = court.window, court.work
    first, second = (work.title(key) for key in work.keys[:2])
    window.visit("Lea", "adjudicate")
    window.shows("No key has two submitted answers that you may see.")
    window.click("Show me everybody's answers")
    expect(cases(court)).to_have_text([re.compile(first), re.compile(second)])
    window.click(first)
    window.shows(f"{first}: what they said")
    expect(row_of(court, "2 of 2, 75% alike, types differ")).to_be_visible()
    assert "*both* -> end" in window.text().replace("\u2060", "")  # not taken for Markdown

    row_of(court, "Ann's alone").get_by_role("button", name="Take").click()
    expect(row_of(court, "Ann's alone").get_by_role("button", name="In gold")).to_be_disabled()
    expect(window.page.locator("th.pattern")).to_have_count(1)
    window.enter()
    window.press("e", "Control+a")
    window.type("edited by Lea")
    row_of(court, "also of both").get_by_role("button", name="Merge").click()  # in the same moment
    expect(window.page.locator("th.pattern")).to_have_count(2)
    assert window.saved() == [("shallow", "edited by Lea", (4, 5, 6)), MERGED]
    window.enter()
    window.press("Control+Enter")
    window.shows("The gold answer is decided.")
    expect(cases(court)).to_have_text([re.compile(second), re.compile(first)])
    window.shows("2 answers · 75% apart · decided")

    work.command("exports", "dataset", "--out", str(tmp_path / "dataset"))
    check_dataset(tmp_path / "dataset", first)


def check_dataset(dataset: Path, title: str) -> None:
    layer, key = (word.strip(",") for word in title.split()[1::2])
    here = {"layer": layer, "key": key}
    gold = {**here, "annotator": "gold", "type": "shallow"}
    assert [row for row in rows(dataset / "patterns.csv") if row["annotator"] == "gold"] == [
        {**gold, "pattern": "1", "description": "edited by Lea"},
        {**gold, "pattern": "2", "description": MERGED[1]},
    ]
    labels = [row for row in rows(dataset / "labels.csv") if row["annotator"] == "gold"]
    assert [(row["pattern"], row["rank"]) for row in labels] == [
        *(("1", rank) for rank in "456"), *(("2", rank) for rank in "1234"),
    ]  # fmt: skip
    assert {row["annotator"] for row in rows(dataset / "submissions.csv")} == {
        "annotator-1", "annotator-2", "gold",
    }  # fmt: skip
    # All 6 prefixes of the first key are covered by gold; the semantic pattern of Bob's counts not.
    counted = {
        (row["layer"], row["category"]): float(row["prefixes"])
        for row in rows(dataset / "layer_statistics.csv")
    }
    assert counted[layer, "shallow"] == 6
    assert counted[layer, "semantic"] == counted[layer, "shallow+semantic"] == 0


def test_a_lead_who_has_seen_everybodys_answers_can_submit_none(court: Site) -> None:
    window, work = court.window, court.work
    window.visit("Max", key=work.keys[2])
    window.make_pattern("too late", 3)
    window.saved()
    window.go("Adjudicate")
    window.click("Show me everybody's answers")
    expect(window.page.get_by_role("button", name="Show me")).to_have_count(0)
    window.go("Label")
    window.enter()
    window.press("Control+Enter")
    expect(window.notice).to_contain_text("You have seen everybody's answers of this run")
    window.click("Next key")
    window.shows("Nothing is left for you")
    window.shows("You have asked to see everybody's answers")
    stored = work.stored("Max", work.keys[2])
    assert stored is not None and stored.status == "draft"
