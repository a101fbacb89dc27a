"""A labelling grid in a browser, as its tests handle it: words for what a person does and sees."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from grid_keys import GridDatabase
from playwright.sync_api import Locator, Page, expect

from annotations.answers import Answer, StoredAnswer


@dataclass
class OpenGrid:
    """The grid of one key on a page, and the database behind it."""

    page: Page
    database: GridDatabase
    key_id: int

    def switch(self) -> None:
        """Show this key in a page that shows another one."""
        field = self.page.get_by_label("Open key")
        field.fill(str(self.key_id))
        field.press("Enter")

    @property
    def title(self) -> str:
        return f"Layer 3, key {self.database.number(self.key_id)}"

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def click(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def enter(self) -> None:
        """Put the keyboard's cursor on the first prefix."""
        self.row(1).locator("td.context").click(position={"x": 4, "y": 4})

    def row(self, rank: int) -> Locator:
        return self.page.locator("tbody tr").nth(rank - 1)

    def box(self, rank: int, pattern: int) -> Locator:
        name = re.compile(f"^prefix {rank}, pattern {pattern}:")
        return self.page.get_by_role("checkbox", name=name)

    def head(self, pattern: int) -> Locator:
        return self.page.locator("th.pattern").nth(pattern - 1)

    @property
    def description(self) -> Locator:
        return self.page.get_by_label("Description of pattern")

    @property
    def found(self) -> Locator:
        return self.page.locator(".found .count")

    @property
    def status(self) -> Locator:
        return self.page.locator("[data-status]")

    @property
    def notice(self) -> Locator:
        return self.page.get_by_role("alert")

    def drag(self, start: Locator, end: Locator) -> None:
        """Press the mouse's button on one element and release it on another."""
        start.hover()
        self.page.mouse.down()
        end.hover()
        self.page.mouse.up()

    def ticks(self, pattern: int) -> list[int]:
        """The ranks that the screen shows as ticked."""
        boxes = self.page.locator(f".tick[data-column='{pattern - 1}']")
        states = boxes.evaluate_all("all => all.map(box => box.getAttribute('aria-checked'))")
        return [rank for rank, state in enumerate(states, start=1) if state == "true"]

    def saved(self) -> Answer:
        """Wait until the screen says that everything is saved; what is stored then."""
        expect(self.status).to_have_text("Saved")
        return self.stored().answer

    def stored(self) -> StoredAnswer:
        return self.database.stored(self.key_id)


def patterns(answer: Answer) -> list[tuple[str, str, tuple[int, ...]]]:
    """An answer's patterns as plain tuples."""
    return [(entry.type, entry.description, entry.ranks) for entry in answer.patterns]


def ranks(numbers: Iterable[int]) -> list[int]:
    """Ranks in ascending order."""
    return sorted(numbers)
