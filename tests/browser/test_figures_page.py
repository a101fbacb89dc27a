"""The page Figures: numbers beside the paper's, what counts, and only answers one may see."""

from collections.abc import Iterator

import pytest
from app_driver import LAPTOP, AppWindow, Site
from playwright.sync_api import expect

from annotations.answers import PatternAnswer
from annotations.database import session
from annotations.tables import GOLD, Annotator

TOPIC = PatternAnswer("semantic", "ships", (1, 2, 3))
WORD = PatternAnswer("shallow", "the", (4, 5, 6))


@pytest.fixture(scope="module")
def window(site: Site) -> Iterator[AppWindow]:
    """Ada and Bob have both answered one key, and gold; Bob another one, alone."""
    work = site.work
    work.add("Ada", "Bob", "Cyd")
    work.add("Bot", role="machine")
    with session(work.engine) as s:
        gold = Annotator(name=GOLD, role=GOLD)
        s.add(gold)
        s.flush()
        assert gold.id is not None
        work.people[GOLD] = gold.id
    first, second, *_ = work.keys
    work.hand_in("Ada", first, TOPIC)
    work.hand_in("Bob", first, TOPIC, WORD, WORD)
    work.hand_in(GOLD, first, TOPIC, WORD, WORD, WORD)
    work.hand_in("Bot", first, *[TOPIC] * 9)
    work.hand_in("Bob", second, *[WORD] * 9)
    return site.window


def shows(window: AppWindow, label: str, value: str) -> None:
    """Wait until this headline number is that."""
    metric = window.page.get_by_test_id("stMetric").filter(has_text=label)
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(value)


def choose(window: AppWindow, name: str) -> None:
    window.page.get_by_role("radio", name=name, exact=True).click()
    window.rest()


def test_the_policy_decides_what_counts_and_others_keys_and_machines_never_do(
    window: AppWindow,
) -> None:
    window.visit("Ada", "figures")
    window.shows("Geva et al. 2021: 3.6")
    shows(window, "Keys labelled", "1")
    shows(window, "Patterns per key", "4.0")
    choose(window, "Everybody, without gold")
    shows(window, "Patterns per key", "2.0")
    window.visit("Bob", "figures")
    window.shows("Geva et al. 2021: 3.6")
    shows(window, "Keys labelled", "2")
    window.is_whole()


def test_every_further_figure_is_drawn(window: AppWindow) -> None:
    window.visit("Bob", "figures")
    window.shows("tau-b")
    for name in ("Patterns per key", "Coverage", "Agreement", "Time", "Intervals", "The numbers"):
        choose(window, name)
        window.is_whole()
    choose(window, "Agreement")
    window.shows("gold is not one of them")
    expect(window.page.get_by_test_id("stVegaLiteChart")).to_have_count(4)
    expect(window.page.get_by_test_id("stDataFrame")).to_have_count(1)


def test_on_a_telephone_no_chart_is_wider_than_the_window(window: AppWindow) -> None:
    try:
        window.page.set_viewport_size({"width": 420, "height": 860})
        window.visit("Bob", "figures")
        window.shows("tau-b")
        for name, charts in (("Intervals", 5), ("Agreement", 4), ("Coverage", 2)):
            choose(window, name)
            drawn = window.page.get_by_test_id("stVegaLiteChart").locator("canvas, svg.marks")
            expect(drawn).to_have_count(charts)
            ends = [box["x"] + box["width"] for one in drawn.all() if (box := one.bounding_box())]
            assert len(ends) == charts
            assert max(ends) <= 420, name
    finally:
        window.page.set_viewport_size(LAPTOP)


def test_who_has_answered_nothing_sees_nothing_of_others(window: AppWindow) -> None:
    window.forget()
    window.visit("Cyd", "figures")
    window.shows("Keys labelled")
    window.rest()
    shows(window, "Keys labelled", "0")
    shows(window, "Patterns per key", "–")
    assert not window.knows("tau-b")
