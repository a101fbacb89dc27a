"""The grid's script: fetched once, whatever is ticked and however many pages are opened."""

from app_driver import Site
from playwright.sync_api import WebSocket

LIGHT = 40_000  # bytes; the script alone has more


def test_a_tick_does_not_send_the_grids_script_again(site: Site) -> None:
    window = site.window
    site.work.add("Ann")
    fetched: list[str] = []
    received: list[int] = []
    window.page.on("request", lambda sent: fetched.append(sent.url))
    window.page.on("websocket", lambda socket: listen(socket, received))

    window.visit("Ann")
    window.make_pattern("endings", 2)
    window.saved()
    window.rest()
    received.clear()
    window.press("j", "1")
    window.saved()
    window.rest()

    assert 0 < sum(received) < LIGHT
    window.click("Next key")
    window.rest()
    assert len([url for url in fetched if "/grid-" in url]) == 1


def listen(socket: WebSocket, received: list[int]) -> None:
    socket.on("framereceived", lambda frame: received.append(len(frame)))
