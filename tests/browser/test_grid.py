"""The labelling grid in Chromium: what a person does with mouse and keyboard, and what is shown."""

from collections.abc import Callable

import pytest
from grid_driver import OpenGrid, patterns
from grid_keys import CAN_PASS, DISHWASHER, ODD, ON_MONDAY, PLAIN
from playwright.sync_api import Page, expect

from annotations.answers import Answer, PatternAnswer, problems


@pytest.fixture
def grid(open_grid: Callable[..., OpenGrid]) -> OpenGrid:
    """A grid on a new key of ordinary English."""
    opened = open_grid(PLAIN)
    opened.enter()
    return opened


def test_a_key_is_labelled_with_the_mouse(grid: OpenGrid) -> None:
    grid.row(13).locator("mark").dblclick()
    expect(grid.found).to_have_text("6 of 25 contain “dishwasher”")
    grid.click("New shallow pattern")
    grid.click("+ Pattern")
    grid.description.fill("days of the week")
    grid.root.get_by_role("button", name="topic").click()
    grid.box(6, 2).click()
    grid.box(9, 2).click()
    grid.drag(grid.box(14, 2), grid.box(17, 2))
    grid.drag(grid.box(17, 2), grid.box(16, 2))
    assert patterns(grid.saved()) == [
        ("shallow", "dishwasher", DISHWASHER),
        ("semantic", "days of the week", (6, 9, 14, 15)),
    ]
    grid.click("Submit")
    expect(grid.status).to_have_text("Submitted")
    assert grid.stored().status == "submitted"


def test_a_key_is_labelled_with_the_keyboard_alone(grid: OpenGrid) -> None:
    grid.press("n")
    grid.type("can pass")
    grid.press("Enter", "1", "j", "1", "ArrowDown", "ArrowDown", "Space", "n")
    grid.type("things in a kitchen")
    grid.press("Enter", "t", "End", "Shift+ArrowUp", "Shift+K", "2", "Home", "2", "e")
    grid.press("ControlOrMeta+a")
    grid.type("kitchens")
    grid.press("Control+Enter")
    expect(grid.status).to_have_text("Submitted")
    assert patterns(grid.stored().answer) == [
        ("shallow", "can pass", (1, 2, 4)),
        ("semantic", "kitchens", (1, 23, 24, 25)),
    ]
    assert grid.stored().status == "submitted"


def test_three_patterns_with_eighteen_ticks_take_at_most_twelve_actions(grid: OpenGrid) -> None:
    actions: list[Callable[[], None]] = []
    for words in ("can pass", "dishwasher", "on monday"):
        actions.append(lambda: grid.press("/"))
        actions.append(lambda words=words: grid.type(words))
        actions.append(lambda: grid.press("Enter"))
    for action in actions:
        action()
    answer = grid.saved()
    assert [entry.ranks for entry in answer.patterns] == [CAN_PASS, DISHWASHER, ON_MONDAY]
    assert sum(len(entry.ranks) for entry in answer.patterns) == 18
    assert problems(answer) == []
    assert len(actions) <= 12


def test_words_selected_with_the_mouse_are_counted_and_ticked_in_a_pattern(grid: OpenGrid) -> None:
    grid.press("n")
    grid.type("passing on")
    grid.press("Enter")
    trigger = grid.row(4).locator("mark").bounding_box()
    assert trigger is not None
    middle = trigger["y"] + trigger["height"] / 2
    grid.page.mouse.move(trigger["x"] + trigger["width"] - 3, middle)
    grid.page.mouse.down()
    grid.page.mouse.move(trigger["x"] - 12, middle, steps=4)  # into the middle of "can"
    grid.page.mouse.up()
    expect(grid.found).to_have_text("8 of 25 contain “can pass”")  # "cannot pass" is not one
    grid.click("Tick in pattern 1")
    assert patterns(grid.saved()) == [("shallow", "passing on", CAN_PASS)]


def test_letters_typed_into_a_description_are_no_commands(grid: OpenGrid) -> None:
    words = "n t e r c ? / 1 2 0 jk"
    grid.press("n")
    grid.type(words)
    grid.press("Backspace", "Delete", "ArrowLeft", "Home", "Space")
    grid.press("Enter")
    assert patterns(grid.saved()) == [("shallow", f" {words[:-1]}", ())]
    expect(grid.page.get_by_role("dialog")).to_have_count(0)


def test_keys_pressed_in_the_grid_do_not_reach_the_shortcuts_of_streamlit(grid: OpenGrid) -> None:
    grid.press("c", "r", "n", "Enter")  # c would ask whether to clear all caches
    grid.saved()
    expect(grid.page.get_by_role("dialog")).to_have_count(0)


def test_undo_and_redo_go_over_drags_texts_types_and_deletions(grid: OpenGrid) -> None:
    grid.press("/")
    grid.type("dishwasher")
    grid.press("Enter", "t", "e", "End")
    grid.type("s, all of them")
    grid.press("Escape")
    grid.drag(grid.box(20, 1), grid.box(23, 1))
    dragged = tuple(sorted({*DISHWASHER, 20, 21, 22, 23}))
    steps = [
        [],
        [("shallow", "dishwasher", DISHWASHER)],
        [("semantic", "dishwasher", DISHWASHER)],
        [("semantic", "dishwashers, all of them", DISHWASHER)],
        [("semantic", "dishwashers, all of them", dragged)],
        [],
    ]
    grid.press("Delete")
    expect(grid.root.get_by_text("Deleted pattern 1 “dishwashers, all of them”.")).to_have_count(2)
    for step in reversed(steps[:-1]):
        grid.press("Control+z")
        assert grid.shown() == step
    assert patterns(grid.saved()) == steps[0]
    for step in steps[1:-1]:
        grid.press("Control+Shift+Z")
        assert grid.shown() == step
    assert patterns(grid.saved()) == steps[-2]
    grid.press("Control+z")
    assert grid.shown() == steps[-3]


def test_a_deletion_can_be_taken_back_with_the_mouse(grid: OpenGrid) -> None:
    grid.press("n")
    grid.type("a pattern to miss")
    grid.press("Enter", "1")
    grid.click("Delete")
    grid.root.locator(".foot").get_by_role("button", name="Undo").click()
    assert patterns(grid.saved()) == [("shallow", "a pattern to miss", (1,))]


def test_a_key_without_patterns_is_submitted_as_such(grid: OpenGrid) -> None:
    grid.press("0")
    expect(grid.root.get_by_role("button", name="No pattern found")).to_have_attribute(
        "aria-pressed", "true"
    )
    grid.press("Control+Enter")
    expect(grid.status).to_have_text("Submitted")
    assert grid.stored().answer == Answer(no_pattern=True)


def test_submit_waits_for_what_the_protocol_asks_and_says_what_that_is(grid: OpenGrid) -> None:
    submit = grid.root.get_by_role("button", name="Submit")
    reason = grid.root.locator(".reason")

    def says(answer: Answer) -> None:
        reasons = problems(answer)
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        expect(reason).to_have_text(reasons[0] + more if reasons else "")
        expect(submit).to_be_disabled() if reasons else expect(submit).to_be_enabled()

    says(Answer())
    grid.press("n", "Enter", "1", "j", "1")
    says(Answer((PatternAnswer("shallow", "", (1, 2)),)))
    expect(grid.head(1)).to_contain_text("2/25")
    rule = grid.head(1).get_by_text("needs 3", exact=True)
    expect(rule).to_be_visible()
    grid.press("Control+Enter")
    expect(reason).to_have_attribute("data-asked", "")
    grid.press("j", "1", "e")
    says(Answer((PatternAnswer("shallow", "", (1, 2, 3)),)))
    expect(rule).to_be_hidden()
    grid.type("words")
    says(Answer((PatternAnswer("shallow", "words", (1, 2, 3)),)))
    grid.saved()
    assert grid.stored().status == "draft"


def test_a_submitted_answer_cannot_be_changed(grid: OpenGrid) -> None:
    grid.press("/")
    grid.type("dishwasher")
    grid.press("Enter", "Control+Enter")
    expect(grid.status).to_have_text("Submitted")
    grid.press("j", "1", "t", "n", "Delete", "Control+z")
    grid.box(1, 1).click(force=True)
    assert grid.shown() == [("shallow", "dishwasher", DISHWASHER)]
    expect(grid.root.get_by_role("button", name="Submit")).to_have_count(0)


def test_a_long_prefix_shows_its_end_and_its_start_on_demand(grid: OpenGrid) -> None:
    for _ in range(4):
        grid.press("n", "Enter")
    text, clip = grid.row(10).locator(".text"), grid.row(10).locator(".clip")
    start = PLAIN[9][:20]

    def edges() -> tuple[float, float]:
        inner, outer = text.bounding_box(), clip.bounding_box()
        assert inner is not None
        assert outer is not None
        right = outer["x"] + outer["width"] - inner["x"] - inner["width"]
        return inner["x"] - outer["x"], right

    left, right = edges()
    assert left < -50
    assert abs(right) < 1
    expect(grid.row(10).locator("td.context")).to_have_attribute("title", PLAIN[9])
    grid.root.get_by_role("button", name="Show the whole of prefix 10").click()
    left, _ = edges()
    assert left >= 0
    expect(text).to_contain_text(start)


def test_odd_text_is_shown_as_text_with_the_mark_on_its_last_token(
    open_grid: Callable[..., OpenGrid],
) -> None:
    grid = open_grid(ODD)
    for rank, (text, trigger) in enumerate(ODD.items(), start=1):
        shown = text.replace("\t", "␉").replace("\n", "␊")
        assert grid.row(rank).locator(".text").text_content() == shown
        assert grid.row(rank).locator("mark").text_content() == trigger
    assert grid.root.locator("tbody img, tbody script, tbody .text b").count() == 0
    assert grid.page.title() != "broken"
    arabic = grid.row(3).locator("mark").bounding_box()
    whole = grid.row(3).locator(".text").bounding_box()
    assert arabic is not None
    assert whole is not None
    assert abs(arabic["x"] - whole["x"]) < 1  # right to left: the last token is at the left


def test_a_narrow_window_scrolls_inside_the_grid_only(grid: OpenGrid) -> None:
    for _ in range(9):
        grid.press("n", "Enter")
    grid.page.set_viewport_size({"width": 420, "height": 800})
    try:
        scroller = grid.root.locator(".scroller")
        assert scroller.evaluate("one => one.scrollWidth > one.clientWidth")
        assert grid.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        grid.press("9")
        expect(grid.box(1, 9)).to_be_in_viewport()
        expect(grid.box(1, 9)).to_be_checked()
        assert scroller.evaluate("one => one.scrollLeft") > 0
        expect(grid.row(1).get_by_role("rowheader", name="1")).to_be_in_viewport()
        grid.saved()
    finally:
        grid.page.set_viewport_size({"width": 1366, "height": 768})


def test_all_25_prefixes_are_in_view_on_a_laptop(grid: OpenGrid) -> None:
    for _ in range(9):
        grid.press("n", "Enter")
    for rank in (1, 25):
        expect(grid.row(rank)).to_be_in_viewport(ratio=1)


def test_the_question_mark_lists_the_keys(grid: OpenGrid) -> None:
    page: Page = grid.page
    grid.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("New pattern")
    grid.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    grid.press("j", "n")
    grid.type("the keyboard is back in the grid")
    assert [entry.description for entry in grid.saved().patterns] == [
        "the keyboard is back in the grid"
    ]
