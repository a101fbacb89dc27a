"""The app in a browser window, as its tests handle it: words for what a person does and sees."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Locator, Page, WebSocket, expect
from servers import Server
from workplace import Workplace

LAPTOP = {"width": 1366, "height": 768}
Shown = list[tuple[str, str, tuple[int, ...]]]  # type, description, ranks


@dataclass
class AppWindow:
    """One window on the app; `received` is every byte that the server has sent it."""

    page: Page
    url: str
    received: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: self.received.append(_bytes(data)))

    def visit(self, person: str, page: str = "", **address: object) -> None:
        """Load a page of the app afresh, as this person."""
        query = urlencode({"annotator": person} | address)
        self.page.goto(f"{self.url}/{page}?{query}")

    def go(self, link: str) -> None:
        """Choose a page from those at the top."""
        self.page.get_by_role("link", name=link, exact=True).click()
        heading = self.page.get_by_role("heading", name="Layer" if link == "Label" else link)
        expect(heading.first).to_be_visible()

    def rest(self) -> None:
        """Wait until the server has drawn all of the page."""
        app = self.page.get_by_test_id("stApp")
        expect(self.page.get_by_test_id("stMain")).not_to_be_empty()
        expect(app).to_have_attribute("data-test-script-state", "notRunning")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def click(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def shows(self, text: str) -> None:
        """Wait until this is to be read."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def on(self, title: str) -> None:
        """Wait until the grid of this key is there, and no other one."""
        expect(self.page.get_by_role("heading", name=re.compile("^Layer"))).to_have_text(title)

    # The grid.

    def enter(self) -> None:
        """Put the keyboard's cursor on the first prefix."""
        self.page.locator("tbody tr").first.locator("td.context").click(position={"x": 4, "y": 4})

    def make_pattern(self, description: str, rows: int) -> None:
        """A new shallow pattern, ticked in the first so many rows, by keyboard."""
        self.enter()
        self.press("n")
        self.page.keyboard.insert_text(description)
        self.press("Enter", "Home")
        number = str(self.page.locator("th.pattern").count())
        for _ in range(rows):
            self.press(number, "j")

    def box(self, rank: int, pattern: int) -> Locator:
        name = re.compile(f"^prefix {rank}, pattern {pattern}:")
        return self.page.get_by_role("checkbox", name=name)

    @property
    def status(self) -> Locator:
        """What the grid says about saving; Streamlit may still hold the grid of the page before."""
        return self.page.locator("[data-status]").last

    @property
    def notice(self) -> Locator:
        """Why the grid took no change."""
        return self.page.locator(".grid-root").get_by_role("alert")

    def saved(self) -> Shown:
        """Wait until the screen says that everything is saved; the patterns that it shows."""
        expect(self.status).to_have_text("Saved")
        return self.shown()

    def shown(self) -> Shown:
        """The patterns as the screen shows them."""
        heads = self.page.locator("th.pattern").evaluate_all(
            "all => all.map(head => [head.querySelector('.badge').dataset.type,"
            " head.querySelector('.words').textContent])"
        )
        boxes = self.page.locator(".tick[aria-checked=true]").evaluate_all(
            "all => all.map(box => [Number(box.dataset.column), Number(box.dataset.row) + 1])"
        )
        return [
            (type_, words, tuple(rank for column, rank in boxes if column == index))
            for index, (type_, words) in enumerate(heads)
        ]

    # What must never be seen.

    def text(self) -> str:
        """All text in the page, in the grid's own tree and in attributes too."""
        return str(self.page.evaluate(_ALL_TEXT))

    def knows(self, words: str) -> bool:
        """Whether the page shows the words, or has been sent them since the last `forget`."""
        return words in self.text() or any(words.encode() in data for data in self.received)

    def forget(self) -> None:
        """Count only what is sent from now on."""
        self.received.clear()

    def is_whole(self) -> None:
        """No page may show what Python says when a page breaks."""
        expect(self.page.get_by_test_id("stException")).to_have_count(0)
        assert "Traceback" not in self.text()


@dataclass
class Site:
    """A started app, the database under it, and a window on it."""

    work: Workplace
    server: Server
    window: AppWindow

    @property
    def context(self) -> BrowserContext:
        return self.window.page.context

    def another_window(self) -> AppWindow:
        """A second window of the same browser."""
        return AppWindow(self.context.new_page(), self.server.url)


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


_ALL_TEXT = """() => {
  const found = [];
  const walk = (node) => {
    for (const { value } of node.attributes ?? []) found.push(value);
    if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent);
    if ("value" in node) found.push(String(node.value));
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
  };
  walk(document.body);
  return found.join("\\n");
}"""
