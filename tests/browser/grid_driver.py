"""A labelling grid in a browser, as its tests handle it: words for what a person does and sees."""

import re
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

    @property
    def root(self) -> Locator:
        """This grid; Streamlit may still hold the one of the key before."""
        return self.page.locator(f".st-key-grid-{self.key_id}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def click(self, button: str) -> None:
        self.root.get_by_role("button", name=button, exact=True).click()

    def enter(self) -> None:
        """Put the keyboard's cursor on the first prefix."""
        self.row(1).locator("td.context").click(position={"x": 4, "y": 4})

    def row(self, rank: int) -> Locator:
        return self.root.locator("tbody tr").nth(rank - 1)

    def box(self, rank: int, pattern: int) -> Locator:
        name = re.compile(f"^prefix {rank}, pattern {pattern}:")
        return self.root.get_by_role("checkbox", name=name)

    def head(self, pattern: int) -> Locator:
        return self.root.locator("th.pattern").nth(pattern - 1)

    @property
    def description(self) -> Locator:
        return self.root.get_by_label("Description of pattern")

    @property
    def found(self) -> Locator:
        return self.root.locator(".found .count")

    @property
    def status(self) -> Locator:
        return self.root.locator("[data-status]")

    @property
    def notice(self) -> Locator:
        return self.root.get_by_role("alert")

    def drag(self, start: Locator, end: Locator) -> None:
        """Press the mouse's button on one element and release it on another."""
        start.hover()
        self.page.mouse.down()
        end.hover()
        self.page.mouse.up()

    def shown(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """The patterns as the screen shows them: type, description, ranks of the ticked boxes."""
        heads = self.root.locator("th.pattern").evaluate_all(
            "all => all.map(head => [head.querySelector('.badge').dataset.type,"
            " head.querySelector('.words').textContent])"
        )
        boxes = self.root.locator(".tick[aria-checked=true]").evaluate_all(
            "all => all.map(box => [Number(box.dataset.column), Number(box.dataset.row) + 1])"
        )
        return [
            (type_, words, tuple(rank for column, rank in boxes if column == index))
            for index, (type_, words) in enumerate(heads)
        ]

    def saved(self) -> Answer:
        """Wait until the screen says that everything is saved; what is stored then."""
        expect(self.status).to_have_text("Saved")
        return self.stored().answer

    def stored(self) -> StoredAnswer:
        return self.database.stored(self.key_id)


def patterns(answer: Answer) -> list[tuple[str, str, tuple[int, ...]]]:
    """An answer's patterns in the form of `shown`."""
    return [(entry.type, entry.description, entry.ranks) for entry in answer.patterns]
