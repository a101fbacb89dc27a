"""What axe has to object to, by WCAG 2, levels A and AA."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}

_STILL = """() => document.getAnimations().every(
    one => one.playState !== "running" || one.effect.getTiming().iterations === Infinity
)"""


def settle(page: Page) -> None:
    """Wait until nothing moves: a panel that still opens has buttons of no height, elsewhere."""
    page.wait_for_timeout(100)  # for an animation to begin
    page.wait_for_function(_STILL)


def objections(page: Page, context: str = "body") -> list[tuple[str, list[str]]]:
    """The rules that are broken within `context`, a CSS selector, each with the elements."""
    settle(page)
    found: dict[str, Any] = Axe().run(page, context=context, options=OPTIONS).response
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
