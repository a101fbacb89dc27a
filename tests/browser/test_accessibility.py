"""The labelling grid for people who see little, see no colours or use no mouse: axe, and the focus.

axe judges contrast, names and roles by WCAG 2, levels A and AA; what CSS highlights paint it does
not see, and test_grid_shading.py measures that on the screen.
"""

from collections.abc import Callable, Iterator

import pytest
from app_driver import LAPTOP
from axe_rules import objections
from grid_driver import OpenGrid
from grid_keys import PLAIN, GridDatabase, by_distance
from playwright.sync_api import Browser, Page, expect
from screen_colours import colour, contrast

from annotations.answers import Answer, PatternAnswer

OTHERS = Answer((PatternAnswer("semantic", "written elsewhere", (2, 3, 4)),))
WORDS = ["can pass", "dishwasher", "on monday", "the", "of", "that", "back", "every", "a cheaper"]

# What has the focus, however deep it is: its name and its outline.
FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
  const home = element.closest(".grid-root");
  return home && {
    name: element.getAttribute("aria-label") ?? element.textContent,
    outline: outlineStyle === "none" ? 0 : parseFloat(outlineWidth),
    colour: outlineColor,
    page: getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor,
  };
}"""
# What the Tab key must reach: every control that is shown and can be used.
CONTROLS = """root => [...root.querySelectorAll("button, input, [tabindex='0']")]
  .filter(one => !one.disabled && one.tabIndex >= 0 && one.checkVisibility())
  .map(one => one.getAttribute("aria-label") ?? one.textContent)"""


@pytest.fixture(scope="module", params=["light", "dark"])
def themed_page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in the system's light scheme, then one in its dark scheme."""
    context = browser.new_context(viewport=LAPTOP, color_scheme=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def grid(themed_page: Page, grid_keys: GridDatabase, grid_url: str) -> OpenGrid:
    """A grid on a new key of ordinary English with coefficients, the keyboard in it."""
    grid_keys.switch(False)
    opened = OpenGrid(themed_page, grid_keys, grid_keys.add_key(PLAIN, by_distance))
    themed_page.goto(f"{grid_url}/?key={opened.key_id}")
    expect(opened.row(1).locator("td.context")).to_be_focused()
    return opened


def first_key(grid: OpenGrid) -> None:
    expect(grid.root.locator(".hint")).to_be_visible()


def nine_patterns_ticked_and_shaded(grid: OpenGrid) -> None:
    for number, words in enumerate(WORDS):
        grid.press("/")
        grid.type(words)
        grid.press("Enter", *(["t"] if number % 2 else []))
    grid.press("s", ",")
    expect(grid.root.get_by_role("tooltip")).to_be_visible()
    grid.saved()


def text_that_was_found(grid: OpenGrid) -> None:
    nine_patterns_ticked_and_shaded(grid)
    grid.press("/")
    grid.type("pass")
    expect(grid.found).to_have_text("9 of 25 contain “pass”")


def list_of_keys(grid: OpenGrid) -> None:
    grid.press("?")
    expect(grid.page.get_by_role("dialog", name="Keys")).to_be_visible()


def notice_of_another_window(grid: OpenGrid) -> None:
    grid.press("n")
    grid.type("mine")
    grid.press("Enter")
    grid.saved()
    grid.database.save(grid.key_id, OTHERS)
    grid.press("1")
    expect(grid.notice).to_be_visible()


def deleted_pattern(grid: OpenGrid) -> None:
    grid.press("n", "Enter", "Control+Enter", "n", "Enter", "Delete")
    expect(grid.root.locator(".foot").get_by_role("button", name="Undo")).to_be_visible()


def submitted_key(grid: OpenGrid) -> None:
    grid.press("/")
    grid.type("dishwasher")
    grid.press("Enter", "Control+Enter")
    expect(grid.status).to_have_text("Submitted")


STATES = [
    first_key, nine_patterns_ticked_and_shaded, text_that_was_found, list_of_keys,
    notice_of_another_window, deleted_pattern, submitted_key,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_to_object_to(grid: OpenGrid, state: Callable[[OpenGrid], None]) -> None:
    state(grid)
    assert violations(grid) == []


def test_axe_looks_into_the_grid(grid: OpenGrid) -> None:
    undo = grid.root.get_by_role("button", name="Undo")
    undo.evaluate("one => one.replaceWith(document.createElement('button'))")
    faint = "color-mix(in srgb, var(--panel) 70%, var(--text))"
    grid.root.get_by_text("Next", exact=True).evaluate(f"one => (one.style.color = '{faint}')")
    grid.row(1).evaluate("row => row.setAttribute('role', 'list')")
    found = {rule for rule, _ in violations(grid)}
    assert {"button-name", "color-contrast", "aria-required-children"} <= found


def test_the_tab_key_reaches_every_control_and_shows_where_it_is(grid: OpenGrid) -> None:
    text_that_was_found(grid)
    tabbed = walk(grid)
    expected = grid.root.locator(".grid-root").evaluate(CONTROLS)
    assert sorted(tabbed) == sorted(expected)
    assert {"Match case", "Shade", "New shallow pattern", "Tick in pattern 9"} <= set(tabbed)


def test_the_tab_key_reaches_the_pattern_at_hand_and_the_help(grid: OpenGrid) -> None:
    notice_of_another_window(grid)
    assert {"Description of pattern 1", "Dismiss", "Delete", "Submit"} <= set(walk(grid))
    grid.enter()
    list_of_keys(grid)
    assert shown_focus(grid) == "Close"


@pytest.mark.parametrize("key", ["j", "ArrowRight"])
def test_the_cursor_in_the_table_is_outlined(grid: OpenGrid, key: str) -> None:
    grid.press("n", "Enter", key)
    assert shown_focus(grid)


def violations(grid: OpenGrid) -> list[tuple[str, list[str]]]:
    """The rules that axe sees broken in the grid, each with the elements."""
    return objections(grid.page, f".st-key-grid-{grid.key_id}")


def walk(grid: OpenGrid) -> list[str]:
    """The names of what has the focus from the find box on, until the Tab key leaves the grid."""
    grid.root.locator(".find").focus()
    names = [shown_focus(grid)]
    for _ in range(60):
        grid.press("Tab")
        if not grid.page.evaluate(FOCUSED):
            return names
        names.append(shown_focus(grid))
    raise AssertionError(f"the Tab key never leaves the grid: {names}")


def shown_focus(grid: OpenGrid) -> str:
    """The name of what has the focus, which must be outlined for the eye: 2 pixels, 3:1."""
    focused = grid.page.evaluate(FOCUSED)
    assert focused["outline"] >= 2, focused
    assert contrast(colour(focused["colour"]), colour(focused["page"])) >= 3, focused
    name = focused["name"]
    assert isinstance(name, str)
    return name
