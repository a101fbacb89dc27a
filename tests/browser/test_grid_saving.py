"""The labelling grid and the server: what the screen calls saved is stored, and nothing is lost."""

from collections.abc import Callable

from grid_driver import OpenGrid, patterns
from grid_keys import DISHWASHER, PLAIN, GridDatabase
from playwright.sync_api import Page, expect
from servers import Server

from annotations.answers import Answer, PatternAnswer

OTHERS = Answer((PatternAnswer("semantic", "written elsewhere", (2, 3, 4)),))


def test_a_reload_shows_what_was_stored(window: Callable[..., OpenGrid]) -> None:
    grid = window()
    grid.press("n")
    grid.type("kept")
    grid.press("Enter", "t", "1", "j", "1")
    grid.saved()
    again = window(grid.key_id)
    assert again.shown() == [("semantic", "kept", (1, 2))]
    expect(again.status).to_have_text("Saved")
    again.press("1")  # a new window goes on where the old one stopped, the keyboard in the grid
    assert patterns(again.saved()) == [("semantic", "kept", (2,))]


def test_a_slow_server_loses_neither_letters_nor_ticks_nor_the_place(
    window: Callable[..., OpenGrid],
) -> None:
    grid = window(options="&delay=1")
    grid.page.set_viewport_size({"width": 1366, "height": 420})
    try:
        scroller = grid.root.locator(".scroller")
        grid.press("n")
        sentence = "a long description, typed while the server is still busy with its beginning"
        for word in sentence.split(" "):
            grid.type(f"{word} " if word != "beginning" else word)
            grid.page.wait_for_timeout(150)
        expect(grid.description).to_be_focused()
        grid.press("Enter", "End", "1", "k", "1")
        scroller.evaluate("one => (one.scrollTop = 7)")
        expect(grid.status).to_have_text("Saving…")
        assert patterns(grid.saved()) == [("shallow", sentence, (24, 25))]
        assert scroller.evaluate("one => one.scrollTop") == 7
        expect(grid.box(24, 1)).to_be_focused()
    finally:
        grid.page.set_viewport_size({"width": 1366, "height": 768})


def test_a_window_that_is_behind_says_so_and_overwrites_nothing(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    grid = window()
    grid.press("n")
    grid.type("mine")
    grid.press("Enter")
    grid.saved()
    grid_keys.save(grid.key_id, OTHERS)
    grid.press("1")
    expect(grid.notice).to_contain_text("Another window has changed this answer")
    assert grid.shown() == patterns(OTHERS) == patterns(grid.stored().answer)
    expect(grid.status).to_have_text("Saved")
    grid.press("Control+z")  # what the window had is one step back, and then replaces the other
    assert patterns(grid.saved()) == [("shallow", "mine", (1,))]


def test_two_windows_take_turns(window: Callable[..., OpenGrid], second_page: Page) -> None:
    first = window()
    first.press("n")
    first.type("from the first")
    first.press("Enter")
    first.saved()
    second = window(first.key_id, second_page)
    second.press("1")
    second.saved()
    first.switch()
    assert first.stored().answer == Answer((PatternAnswer("shallow", "from the first", (1,)),))
    expect(first.box(1, 1)).to_be_checked()
    expect(first.notice).to_be_hidden()


def test_after_submitting_the_keyboard_is_in_the_next_key(
    window: Callable[..., OpenGrid], grid_keys: GridDatabase
) -> None:
    following = grid_keys.add_key(PLAIN)
    grid = window(options=f"&next={following}")
    grid.press("/")
    grid.type("dishwasher")
    grid.press("Enter", "Control+Enter")
    next_grid = OpenGrid(grid.page, grid_keys, following)
    expect(next_grid.row(1).locator("td.context")).to_be_focused()
    next_grid.press("n")
    next_grid.type("the next one")
    next_grid.press("Enter")
    assert patterns(next_grid.saved()) == [("shallow", "the next one", ())]
    assert grid.stored().status == "submitted"
    assert patterns(grid.stored().answer) == [("shallow", "dishwasher", DISHWASHER)]


def test_work_that_a_dead_server_missed_is_saved_when_it_is_back(
    window: Callable[..., OpenGrid],
    grid_server: Server,
    start_grid_page: Callable[..., Server],
) -> None:
    grid = window()
    expect(grid.row(1).locator("td.context")).to_be_focused()
    grid.press("n")
    grid.type("survives")
    grid.press("Enter")
    grid.saved()
    grid_server.process.kill()
    grid_server.process.wait()
    grid.press("1", "j", "1")
    expect(grid.status).to_have_text("Not saved yet – keep this window open")
    grid.press("j", "1")
    start_grid_page(int(grid_server.url.rpartition(":")[2]))
    assert patterns(grid.saved()) == [("shallow", "survives", (1, 2, 3))]
