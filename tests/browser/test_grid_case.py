"""Finding text in the labelling grid with capitals and small letters told apart."""

from collections.abc import Callable

import pytest
from grid_driver import OpenGrid, patterns
from grid_keys import PLAIN
from playwright.sync_api import Locator, expect

TEXTS = ["A Dishwasher", "the dishwasher", "DISHWASHER", *PLAIN[13:18], "Decision"]


@pytest.fixture
def grid(open_grid: Callable[..., OpenGrid]) -> OpenGrid:
    """A grid in which a word has capitals once."""
    opened = open_grid(TEXTS)
    opened.enter()
    return opened


@pytest.fixture
def switch(grid: OpenGrid) -> Locator:
    return grid.root.get_by_role("button", name="Match case")


def test_case_does_not_matter_until_it_is_said_to(grid: OpenGrid, switch: Locator) -> None:
    expect(switch).to_have_attribute("aria-pressed", "false")
    grid.press("/")
    grid.type("Dishwasher")
    expect(grid.found).to_have_text("3 of 9 contain “Dishwasher”")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(grid.found).to_have_text("1 of 9 contain “Dishwasher”, in this case")
    grid.press("Enter")  # the field still has the keyboard
    assert patterns(grid.saved()) == [("shallow", "Dishwasher", (1,))]


def test_case_is_switched_by_the_keyboard_while_one_types_and_afterwards(
    grid: OpenGrid, switch: Locator
) -> None:
    grid.press("/")
    grid.type("dishwasher")
    grid.press("Alt+c")
    expect(grid.found).to_have_text("1 of 9 contain “dishwasher”, in this case")
    assert grid.root.get_by_label("Find text in the prefixes").input_value() == "dishwasher"
    grid.press("Alt+c")
    expect(grid.found).to_have_text("3 of 9 contain “dishwasher”")
    grid.press("Escape", "c")
    expect(switch).to_have_attribute("aria-pressed", "true")
    grid.press("/")
    grid.type("DISHWASHER")
    expect(grid.found).to_have_text("1 of 9 contain “DISHWASHER”, in this case")
    grid.press("Tab", "Space")
    expect(grid.found).to_have_text("3 of 9 contain “DISHWASHER”")


def test_case_matters_for_selected_words_and_the_selection_stays(
    grid: OpenGrid, switch: Locator
) -> None:
    grid.row(2).locator("mark").dblclick()
    expect(grid.found).to_have_text("3 of 9 contain “dishwasher”")
    switch.click()
    expect(grid.found).to_have_text("1 of 9 contain “dishwasher”, in this case")
    grid.press("c")
    expect(grid.found).to_have_text("3 of 9 contain “dishwasher”")
    grid.click("New shallow pattern")
    assert patterns(grid.saved()) == [("shallow", "dishwasher", (1, 2, 3))]
