"""Tokens shaded by the key's coefficient: what is painted, what it tells, whose switch it is."""

from collections.abc import Callable

import pytest
from grid_driver import OpenGrid, patterns
from grid_keys import DISHWASHER, LARGEST, PLAIN, GridDatabase, by_distance
from playwright.sync_api import Browser, Page, expect
from screen_colours import Colour, background, box_of, colour, contrast

from annotations.answers import Answer, PatternAnswer

# What is shaded in one row: the names of the highlights, each with the stretches of text it paints.
PAINTED = """row => {
  const stretch = ({ startContainer, startOffset, endContainer, endOffset }) => {
    const range = new Range();
    range.setStart(startContainer, startOffset);
    range.setEnd(endContainer, endOffset);
    return range.toString();
  };
  const painted = [...CSS.highlights].filter(([name]) => /-(more|less)-/.test(name))
    .map(([name, ranges]) => [name.replace("keyhole-", ""),
      [...ranges].filter(range => row.contains(range.startContainer)).map(stretch)]);
  return Object.fromEntries(painted.filter(([, texts]) => texts.length));
}"""
EVERYWHERE = "[...CSS.highlights].reduce((sum, [name, all]) => sum + all.size, 0)"
STEPS = range(-8, 9)
STAIRS = " ".join(f"step{step}" for step in range(len(STEPS)))


@pytest.fixture(autouse=True)
def off(grid_keys: GridDatabase) -> None:
    """As it is for everybody at first."""
    grid_keys.switch(False)


@pytest.fixture
def grid(open_grid: Callable[..., OpenGrid]) -> OpenGrid:
    """A grid on a new key whose tokens have coefficients; not shaded yet."""
    opened = open_grid(PLAIN, by_distance)
    opened.enter()
    return opened


def shade(grid: OpenGrid, on: bool = True) -> None:
    """Press the key, and wait for the server, so that it answers no later test."""
    grid.press("s")
    expect(grid.root.get_by_role("button", name="Shade")).to_have_attribute(
        "aria-pressed", "true" if on else "false"
    )
    until(grid.page, lambda: grid.database.switch() is on)


def painted(grid: OpenGrid, rank: int) -> dict[str, list[str]]:
    found = grid.row(rank).evaluate(PAINTED)
    assert isinstance(found, dict)
    return found


def stairs(coefficient: float, tokens: int) -> list[float]:
    """Each strength of both signs on a token of its own."""
    assert tokens == len(STEPS)
    return [LARGEST * step / 8 for step in STEPS]


def test_nothing_is_shaded_before_it_is_asked_for(grid: OpenGrid) -> None:
    assert grid.page.evaluate(EVERYWHERE) == 0
    expect(grid.root.locator(".legend")).to_be_hidden()
    expect(grid.root.get_by_role("button", name="Shade")).to_have_attribute("aria-pressed", "false")


def test_each_token_is_shaded_by_its_share_of_the_largest_coefficient(grid: OpenGrid) -> None:
    text = grid.row(1).locator(".text")
    before = text.inner_html()
    shade(grid)
    # "The number of rows that the caller can pass", read from the trigger: 1, .62, .3, −.2, .02 …
    assert painted(grid, 1) == {
        "more-8": [" of", " pass"],
        "more-5": [" number", " can"],
        "more-4": [" rows"],
        "more-2": ["The", " caller"],
        "less-2": [" the"],
    }
    assert painted(grid, 25) == {"more-2": [" dishwasher"], "more-1": [" unloads the"]}
    assert text.inner_html() == before
    expect(grid.root.locator(".legend")).to_have_text("−0.8404.2")
    shade(grid, on=False)
    assert grid.page.evaluate(EVERYWHERE) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_strength_is_another_colour_on_which_text_stays_readable(
    browser: Browser, grid_keys: GridDatabase, grid_url: str, scheme: str
) -> None:
    grid_keys.switch(True)
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1366, "height": 768})
    grid = OpenGrid(page, grid_keys, grid_keys.add_key([STAIRS], stairs))
    page.goto(f"{grid_url}/?key={grid.key_id}")
    expect(grid.root.locator(".legend")).to_be_visible()
    grid.page.get_by_label("Open key").hover()  # a row under the mouse or the cursor is tinted
    ink = colour(grid.row(1).locator(".text").evaluate("text => getComputedStyle(text).color"))
    shades: list[Colour] = []

    def all_differ() -> bool:
        shades[:] = [background(grid, 1, f"step{step}") for step in range(len(STEPS))]
        return len(set(shades)) == len(STEPS)

    until(page, all_differ)
    assert [round(contrast(ink, shade), 1) for shade in shades if contrast(ink, shade) < 4.5] == []
    page.close()


def test_a_very_long_prefix_is_shaded_where_it_is_seen(open_grid: Callable[..., OpenGrid]) -> None:
    words = [f"word{number}" for number in range(600)]
    grid = open_grid([" ".join(words)], lambda coefficient, tokens: [1.0, 4.2] * (tokens // 2))
    grid.enter()
    shade(grid)
    assert painted(grid, 1)["more-8"] == [f" {word}" for word in words[401::2]]
    grid.press("Enter")
    assert painted(grid, 1)["more-8"] == [f" {word}" for word in words[1::2]]
    grid.press("Enter")
    assert len(painted(grid, 1)["more-8"]) == 100


def test_a_negative_coefficient_has_another_sign_than_its_colour(grid: OpenGrid) -> None:
    shade(grid)
    style = "text => getComputedStyle(text, '::highlight(keyhole-{})').textDecorationStyle"
    text = grid.row(1).locator(".text")
    assert text.evaluate(style.format("less-2")) == "dotted"
    assert text.evaluate(style.format("more-2")) == "solid"


def test_pointing_at_a_token_tells_its_number(grid: OpenGrid) -> None:
    shade(grid)
    tip = grid.root.get_by_role("tooltip")
    box = box_of(grid, 1, "umber")
    grid.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tip).to_have_text("number 2.604")
    grid.row(3).locator("mark").hover()
    expect(tip).to_have_text("Dishwasher 3.7905")
    grid.row(3).locator(".next").hover()
    expect(tip).to_be_hidden()
    shade(grid, on=False)
    grid.row(3).locator("mark").hover()
    expect(tip).to_be_hidden()


def test_the_keyboard_tells_the_numbers_too(grid: OpenGrid) -> None:
    shade(grid)
    tip, live = grid.root.get_by_role("tooltip"), grid.root.locator("[data-live]")
    grid.press(",")
    expect(tip).to_have_text("pass 4.2")
    grid.press(",", ",", ",")
    expect(tip).to_have_text("the −0.84")
    expect(live).to_have_text("the −0.84")
    grid.press(".")
    expect(tip).to_have_text("caller 1.26")
    grid.press("j")
    expect(tip).to_be_hidden()
    grid.press(",")
    expect(tip).to_have_text("pass 3.99")
    grid.press("Escape")
    expect(tip).to_be_hidden()


def test_words_are_selected_found_and_ticked_in_shaded_text(grid: OpenGrid) -> None:
    grid.row(13).locator("mark").dblclick()
    shade(grid)
    expect(grid.found).to_have_text("6 of 25 contain “dishwasher”")
    yellow = (0xF0, 0xE4, 0x42)  # what was found is over the shades
    until(grid.page, lambda: background(grid, 5, "dishwasher") == yellow)
    grid.click("New shallow pattern")
    assert patterns(grid.saved()) == [("shallow", "dishwasher", DISHWASHER)]
    assert painted(grid, 25) == {"more-2": [" dishwasher"], "more-1": [" unloads the"]}


def test_the_switch_is_answered_at_once_and_kept_for_the_annotator(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    grid = window(grid_keys.add_key(PLAIN, by_distance), options="&delay=1")
    grid.press("n", "Enter", "1", "s")
    assert painted(grid, 25) == {"more-2": [" dishwasher"], "more-1": [" unloads the"]}
    expect(grid.status).to_have_text("Saving…")  # the server is still busy with the tick
    until(grid.page, lambda: grid_keys.switch() is True)
    again = window(grid.key_id)
    expect(again.root.get_by_role("button", name="Shade")).to_have_attribute("aria-pressed", "true")
    again.click("Shade")
    assert again.page.evaluate(EVERYWHERE) == 0
    until(again.page, lambda: grid_keys.switch() is False)


def test_switching_while_a_description_is_typed_disturbs_no_saving(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    grid = window(grid_keys.add_key(PLAIN, by_distance), options="&delay=0.5")
    grid.press("n")
    grid.type("typed and not yet sent")
    grid.click("Shade")
    grid.press("1", "j", "s", "1", "j", "s", "1")
    expect(grid.status).to_have_text("Saving…")
    assert patterns(grid.saved()) == [("shallow", "typed and not yet sent", (1, 2, 3))]
    until(grid.page, lambda: grid_keys.switch() is True)
    expect(grid.notice).to_be_hidden()
    assert grid.page.evaluate(EVERYWHERE) > 0


def test_switching_in_a_window_that_is_behind_overwrites_nothing(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    grid = window(grid_keys.add_key(PLAIN, by_distance))
    grid.press("n")
    grid.type("mine")
    grid.press("Enter", "1")
    grid.saved()
    others = Answer((PatternAnswer("semantic", "written elsewhere", (2, 3, 4)),))
    grid_keys.save(grid.key_id, others)
    grid.press("s")
    expect(grid.root.get_by_text("written elsewhere")).to_have_count(1)
    assert grid.stored().answer == others
    assert grid.shown() == patterns(others)


def test_the_next_key_is_shaded_as_well_and_the_last_one_leaves_nothing_behind(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    following = grid_keys.add_key(["One short prefix"], by_distance)
    grid = window(grid_keys.add_key(PLAIN, by_distance), options=f"&next={following}")
    grid.press("s", "0", "Control+Enter")
    next_grid = OpenGrid(grid.page, grid_keys, following)
    expect(next_grid.root.locator(".legend")).to_be_visible()
    expect(grid.root).to_have_count(0)
    assert painted(next_grid, 1) == {
        "more-8": [" prefix"],
        "more-5": [" short"],
        "more-2": ["One"],
    }
    assert grid.page.evaluate(EVERYWHERE) == 3


def test_a_key_without_coefficients_says_how_to_get_them(
    open_grid: Callable[..., OpenGrid],
) -> None:
    grid = open_grid(PLAIN)
    grid.enter()
    button = grid.root.get_by_role("button", name="Shade")
    expect(button).to_be_disabled()
    assert "python -m mining shade RUN" in (button.get_attribute("title") or "")
    grid.press("s")
    expect(grid.root.locator(".toast")).to_contain_text("python -m mining shade RUN")
    assert painted(grid, 1) == {}
    assert grid.database.switch() is False


def until(page: Page, true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("waited in vain")
