"""A real Chromium and real servers for the tests that look at pages as a person does."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from grid_driver import OpenGrid
from grid_keys import GridDatabase, grid_database
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).parents[2]
LAPTOP = {"width": 1366, "height": 768}
STREAMLIT = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
expect.set_options(timeout=30_000)
STREAMLIT += ["--server.fileWatcherType", "none", "--server.port", "{port}"]
_PATIENCE = 90.0  # seconds until a server must answer; a busy machine is slow to import


@dataclass
class Server:
    """A started program that answers on `url`; `log` is what it has printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


StartApp = Callable[..., Server]
StartPage = Callable[..., Server]


@pytest.fixture(scope="session")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApp]:
    """Start a command on a free port or the given one, wait until it is healthy, stop it later."""
    started: list[Server] = []

    def start(command: list[str], env: dict[str, str] | None = None, port: int = 0) -> Server:
        port = port or _free_port()
        folder = tmp_path_factory.mktemp("server")
        log = folder / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [part.format(port=port) for part in command],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = Server(f"http://127.0.0.1:{port}", process, log)
        started.append(server)
        _wait_until_healthy(server)
        return server

    yield start
    for server in started:
        server.process.terminate()
    for server in started:
        server.process.wait(timeout=20)


@pytest.fixture(scope="session")
def start_page(start_app: StartApp) -> StartPage:
    """The same for a Streamlit script of the tests' own."""

    def start(script: Path, env: dict[str, str] | None = None, port: int = 0) -> Server:
        return start_app(
            [sys.executable, "-m", "streamlit", "run", str(script), *STREAMLIT], env, port
        )

    return start


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(server: Server) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{server.log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """The system's Chromium, which pytest-playwright starts once for all tests."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "install Chromium (Debian: apt-get install chromium)"
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return {"executable_path": chromium, "args": switches}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    """A laptop's window."""
    return {"viewport": LAPTOP}


@pytest.fixture(scope="session")
def grid_keys(tmp_path_factory: pytest.TempPathFactory) -> GridDatabase:
    """The database of the page that shows nothing but a grid."""
    return grid_database(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="session")
def grid_url(start_page: StartPage, grid_keys: GridDatabase) -> str:
    """Where that page is."""
    script = Path(__file__).with_name("grid_page.py")
    return start_page(script, {"DATABASE_URL": grid_keys.address}).url


@pytest.fixture(scope="session")
def one_page(browser: Browser) -> Iterator[Page]:
    """A page that is loaded once: what costs most of a browser test's time."""
    context = browser.new_context(viewport=LAPTOP)
    yield context.new_page()
    context.close()


@pytest.fixture
def open_grid(one_page: Page, grid_keys: GridDatabase, grid_url: str) -> Callable[..., OpenGrid]:
    """Open a grid on a new key with these prefixes, in the one page."""

    def open_on(texts: Iterable[str]) -> OpenGrid:
        grid = OpenGrid(one_page, grid_keys, grid_keys.add_key(texts))
        if one_page.url.startswith(grid_url):
            grid.switch()
        else:
            one_page.goto(f"{grid_url}/?key={grid.key_id}")
        expect(one_page.get_by_role("heading", name=grid.title)).to_be_visible()
        return grid

    return open_on
