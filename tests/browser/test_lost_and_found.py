"""Nothing that the screen calls saved is ever lost: a second window, a killed server."""

import random
import threading
from collections.abc import Callable

import pytest
from app_driver import AppWindow, Shown, Site
from desk import pattern
from playwright.sync_api import expect
from servers import Server
from sqlmodel import func, select

from annotations.database import session
from annotations.tables import Revision

KILLS = 10
# Keeps what was ticked whenever the screen said "Saved": that much must survive anything.
WATCH = """status => {
  const root = status.closest(".grid-root");
  const note = () => {
    if (status.dataset.status !== "saved") return;
    window.ticksSaved = [...root.querySelectorAll(".tick[aria-checked=true]")].map(
      (box) => `${Number(box.dataset.row) + 1} in ${Number(box.dataset.column) + 1}`);
  };
  note();
  new MutationObserver(note).observe(status, { attributes: true });
}"""


@pytest.fixture(scope="module")
def desk(site: Site) -> Site:
    site.work.add("Ann", "Bob", "Cyd")
    return site


def patterns_stored(site: Site, name: str, key_id: int) -> Shown:
    stored = site.work.stored(name, key_id)
    assert stored is not None
    return [(entry.type, entry.description, entry.ranks) for entry in stored.answer.patterns]


def test_the_window_that_is_behind_is_told_and_overwrites_nothing(desk: Site) -> None:
    first, second = desk.window, desk.another_window()
    for window in first, second:
        window.visit("Ann")
        expect(window.status).to_be_visible()
    key_id = desk.work.keys[0]
    first.make_pattern("from the first window", 3)
    first.saved()
    second.enter()
    second.press("n")
    expect(second.notice).to_contain_text("Another window has changed this answer")
    theirs = [("shallow", "from the first window", (1, 2, 3))]
    assert second.saved() == patterns_stored(desk, "Ann", key_id) == theirs
    second.enter()
    second.press("End", "1")  # from here on the second window is up to date, and the first behind
    second.saved()
    first.enter()
    first.press("1")
    expect(first.notice).to_contain_text("Another window has changed this answer")
    theirs = [("shallow", "from the first window", (1, 2, 3, 6))]
    assert first.shown() == patterns_stored(desk, "Ann", key_id) == theirs
    second.page.close()


def test_a_key_submitted_in_another_window_is_submitted_once_and_stays_as_it_was(
    desk: Site,
) -> None:
    first, second = desk.window, desk.another_window()
    key_id = desk.work.keys[0]
    desk.work.draft("Bob", key_id, pattern(1, 2, 3))
    for window in first, second:
        window.visit("Bob", key=key_id)
        window.saved()
    first.enter()
    first.press("Control+Enter")
    first.on(desk.work.title(desk.work.keys[1]))  # the second window still shows it as a draft
    second.enter()
    second.press("End", "1", "Control+Enter")
    second.on(desk.work.title(key_id))
    expect(second.page.get_by_role("button", name="Reopen")).to_be_visible()
    expect(second.status).to_have_text("Submitted")
    assert patterns_stored(desk, "Bob", key_id) == [("shallow", "ends alike", (1, 2, 3))]
    with session(desk.work.engine, read_only=True) as s:
        assert s.exec(select(func.count()).select_from(Revision)).one() == 1
    second.page.close()


def test_every_tick_shown_as_saved_survives_a_killed_server(
    desk: Site, open_app: Callable[..., Server]
) -> None:
    moments = random.Random(4)
    window, key_id = desk.window, desk.work.keys[2]
    port = int(desk.server.url.rpartition(":")[2])
    window.visit("Cyd", key=key_id)
    for number in range(KILLS):
        window.make_pattern(f"round {number}", 0)
        window.saved()
        window.status.evaluate(WATCH)
        tick_until_killed(window, desk.server, moments.uniform(0, 0.4))
        on_screen = ticks(window.shown())
        saved = set(window.page.evaluate("window.ticksSaved"))
        stored = ticks(patterns_stored(desk, "Cyd", key_id))
        assert saved <= stored < on_screen
        desk.server = open_app(desk.work.address, port)
        if number < KILLS - 1:
            window.page.reload()
            assert ticks(window.saved()) == stored
    # The last time nobody reloads: the page comes round by itself, and sends what was not saved.
    assert window.saved() == patterns_stored(desk, "Cyd", key_id)
    assert ticks(window.shown()) == on_screen
    expect(window.notice).to_be_hidden()


def tick_until_killed(window: AppWindow, server: Server, seconds: float) -> None:
    """Tick the newest pattern in all 6 rows; before the last one the server is killed."""
    window.press(*["ArrowRight"] * window.page.locator("th.pattern").count())
    killer = threading.Timer(seconds, server.process.kill)
    killer.start()
    for _ in range(5):
        window.press("Space", "j")
    killer.join()
    server.process.wait()
    window.press("Space")


def ticks(shown: Shown) -> set[str]:
    """The ticks, as the watch writes them."""
    return {f"{rank} in {number}" for number, entry in enumerate(shown, 1) for rank in entry[2]}
