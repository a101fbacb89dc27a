"""Colours as they are on the screen, and whether text can be read on them."""

from io import BytesIO

from grid_driver import OpenGrid
from PIL import Image
from playwright.sync_api import FloatRect

Colour = tuple[int, int, int]

# Where the text between two offsets of a row's text is on the screen.
BOX = """(text, [start, end]) => {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const range = new Range();
  for (let offset = 0, node = walker.nextNode(); node; node = walker.nextNode()) {
    if (start >= offset && start < offset + node.length) range.setStart(node, start - offset);
    if (end > offset && end <= offset + node.length) range.setEnd(node, end - offset);
    offset += node.length;
  }
  const { x, y, width, height } = range.getBoundingClientRect();
  return { x, y, width, height };
}"""


def box_of(grid: OpenGrid, rank: int, words: str) -> FloatRect:
    """Where the words are on the screen."""
    text = grid.row(rank).locator(".text")
    start = (text.text_content() or "").index(words)
    box: FloatRect = text.evaluate(BOX, [start, start + len(words)])
    return box


def background(grid: OpenGrid, rank: int, words: str) -> Colour:
    """The commonest colour behind the words."""
    shot = grid.page.screenshot(clip=box_of(grid, rank, words))
    picture = Image.open(BytesIO(shot)).convert("RGB")
    counted = picture.getcolors(picture.width * picture.height)
    assert counted is not None
    _, commonest = max(counted)
    assert isinstance(commonest, tuple)
    red, green, blue = commonest
    return red, green, blue


def colour(css: str) -> Colour:
    red, green, blue = (int(part) for part in css.removeprefix("rgb(").rstrip(")").split(",")[:3])
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """The ratio that WCAG 2 asks to be 4.5 or more for text."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
