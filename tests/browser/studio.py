"""Where pictures are taken: a database with some answers in it, and a window on the app over it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app_driver import AppWindow
from playwright.sync_api import Page, expect
from workplace import Workplace

from annotations.answers import PatternAnswer
from annotations.queries import KeyPage

WIDE, NARROW, TALL = (1366, 768), (420, 860), (1366, 1500)
ANSWERED = 6  # keys that Ada and Bob have submitted
TOPICS = ("kinds of data", "what a function returns", "mathematics", "time", "colours", "names")


@dataclass
class Studio:
    """A database, a window on the app over it, and where pictures go."""

    work: Workplace
    page: Page
    url: str
    out: Path
    scheme: str
    window: AppWindow = field(init=False)

    def __post_init__(self) -> None:
        self.window = AppWindow(self.page, self.url)
        self.work.add("Ada", "Bob", "Cyd", "Dan")
        self.work.add("Lea", role="lead")
        for key_id in self.work.keys[:ANSWERED]:
            key = self.work.key(key_id)
            self.work.hand_in("Ada", key_id, *ending_alike(key))
            self.work.hand_in("Bob", key_id, *slightly_otherwise(ending_alike(key)))
        self.wide()

    def wide(self) -> None:
        self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})

    def take(self, name: str, *, narrow: bool = False, tall: bool = False) -> None:
        """A picture of the page as it is now; with `narrow` another one in a telephone's width."""
        suffix = "" if self.scheme == "light" else f"-{self.scheme}"
        sizes = {"": TALL if tall else WIDE} | ({"-narrow": NARROW} if narrow else {})
        for size, (width, height) in sizes.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(1500)  # for charts and fonts, which announce nothing
            self.page.screenshot(path=self.out / f"{name}{suffix}{size}.png")
        self.wide()

    def open(self, person: str, turn: int) -> KeyPage:
        """Show somebody the key that is so far down the queue."""
        key_id = self.work.keys[turn]
        self.window.visit(person, key=key_id)
        expect(self.window.status).to_be_visible()
        return self.work.key(key_id)


def ending_alike(key: KeyPage) -> list[PatternAnswer]:
    """A shallow pattern of the word that ends most prefixes, if it ends three, and some topic."""
    last = [last_word(prefix.text) for prefix in key.prefixes]
    found = []
    (word, count), *_ = Counter(filter(None, last)).most_common(1)
    if count >= 3:
        ranks = tuple(rank for rank, other in enumerate(last, 1) if other == word)
        found.append(PatternAnswer("shallow", word, ranks))
    topic = TOPICS[key.key % len(TOPICS)]
    found.append(PatternAnswer("semantic", topic, tuple(range(2, 16, 3 + key.key % 3))))
    return found


def slightly_otherwise(patterns: list[PatternAnswer]) -> list[PatternAnswer]:
    """The same patterns as another person might have seen them."""
    first, *others = patterns
    less = PatternAnswer(first.type, f"ends with {first.description}", first.ranks[:-1] or (1,))
    wider = PatternAnswer("semantic", "grammar", tuple(range(1, 25, 4)))
    return [less if len(less.ranks) >= 3 else first, *others[:-1], wider]


def last_word(prefix: str) -> str:
    """The word that the trigger token ends, without what surrounds it."""
    words = prefix.split()
    return words[-1].strip("\"'(),.:;").lower() if words else ""
