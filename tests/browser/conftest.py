"""A real Chromium and real servers for the tests that look at pages as a person does."""

import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from app_driver import LAPTOP, AppWindow, Site
from grid_driver import OpenGrid
from grid_keys import PLAIN, GridDatabase, Shading, grid_database
from playwright.sync_api import Browser, BrowserContext, Page, expect
from servers import ROOT, Server, start_server, wait_until_healthy
from workplace import mine_a_run, new_workplace

STREAMLIT = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
STREAMLIT += ["--server.fileWatcherType", "none", "--server.port", "{port}"]
THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
for scheme in ("light", "dark"):
    for name in ("primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor"):
        STREAMLIT += [f"--theme.{scheme}.{name}", THEMES[scheme][name]]
expect.set_options(timeout=60_000)  # a busy machine may take half of that for a first page

StartApp = Callable[..., Server]


@pytest.fixture(scope="session")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApp]:
    """Start a command on a free port or the given one, wait until it is healthy, stop it later."""
    started: list[Server] = []

    def start(
        command: list[str],
        env: dict[str, str] | None = None,
        port: int = 0,
        at: Path | None = None,
    ) -> Server:
        server = start_server(command, env or {}, tmp_path_factory.mktemp("server"), port, at)
        started.append(server)
        wait_until_healthy(server)
        return server

    yield start
    for server in started:
        server.process.terminate()  # all at once, then one by one
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def start_page(start_app: StartApp) -> StartApp:
    """The same for a Streamlit script of the tests' own."""

    def start(script: Path, env: dict[str, str] | None = None, port: int = 0) -> Server:
        return start_app(
            [sys.executable, "-m", "streamlit", "run", str(script), *STREAMLIT], env, port
        )

    return start


@pytest.fixture(scope="session")
def open_app(start_app: StartApp) -> StartApp:
    """The same for Keyhole itself, over the database at an address."""

    def start(address: str, port: int = 0, *options: str, at: Path = ROOT) -> Server:
        command = [sys.executable, "-m", "app", "--port", "{port}", *options]
        # Streamlit looks for the project's settings where it is started.
        return start_app(command, {"DATABASE_URL": address}, port, at=at)

    return start


@pytest.fixture(scope="session")
def mined_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was mined by command, with the bundled model."""
    return mine_a_run(tmp_path_factory.mktemp("mined"))


@pytest.fixture(scope="module")
def app_options() -> tuple[str, ...]:
    """What the app of a module is started with; a module may say otherwise."""
    return ()


@pytest.fixture(scope="module")
def settings_folder() -> Path:
    """Where it is started, and finds Streamlit's settings; a module may say otherwise."""
    return ROOT


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    open_app: StartApp,
    browser: Browser,
    app_options: tuple[str, ...],
    settings_folder: Path,
) -> Iterator[Site]:
    """Keyhole over a database of the module's own, and one window on it; it must never stumble."""
    work = new_workplace(tmp_path_factory.mktemp("work"))
    server = open_app(work.address, 0, *app_options, at=settings_folder)
    context = browser.new_context(viewport=LAPTOP)
    site = Site(work, server, AppWindow(context.new_page(), server.url))
    yield site
    context.close()
    site.server.process.kill()
    for log in server.log, site.server.log:
        assert "Traceback" not in log.read_text(errors="replace")


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
def start_grid_page(start_page: StartApp, grid_keys: GridDatabase) -> Callable[..., Server]:
    """Start the server of that page, on a given port if need be."""

    def start(port: int = 0) -> Server:
        script = Path(__file__).with_name("grid_page.py")
        return start_page(script, {"DATABASE_URL": grid_keys.address}, port)

    return start


@pytest.fixture(scope="session")
def grid_server(start_grid_page: Callable[..., Server]) -> Server:
    """The server of that page."""
    return start_grid_page()


@pytest.fixture(scope="session")
def grid_url(grid_server: Server) -> str:
    """Where that page is."""
    return grid_server.url


@pytest.fixture(scope="session")
def one_page(browser: Browser) -> Iterator[Page]:
    """A page that is loaded once: what costs most of a browser test's time."""
    context = browser.new_context(viewport=LAPTOP)
    yield context.new_page()
    context.close()


@pytest.fixture
def window(one_page: Page, grid_keys: GridDatabase, grid_url: str) -> Callable[..., OpenGrid]:
    """A window on a key, a new one unless it is said which; loaded afresh, as after a reload."""

    def open_window(key_id: int = 0, page: Page = one_page, options: str = "") -> OpenGrid:
        grid = OpenGrid(page, grid_keys, key_id or grid_keys.add_key(PLAIN))
        page.goto(f"{grid_url}/?key={grid.key_id}{options}")
        expect(grid.root.get_by_role("grid")).to_be_visible()
        return grid

    return open_window


@pytest.fixture
def second_page(one_page: Page) -> Iterator[Page]:
    """Another window of the same person."""
    context: BrowserContext = one_page.context
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def open_grid(one_page: Page, grid_keys: GridDatabase, grid_url: str) -> Callable[..., OpenGrid]:
    """Open a grid on a new key with these prefixes, in the one page."""

    def open_on(texts: Iterable[str], shading: Shading | None = None) -> OpenGrid:
        grid = OpenGrid(one_page, grid_keys, grid_keys.add_key(texts, shading))
        if one_page.url.startswith(grid_url):
            grid.switch()
        else:
            one_page.goto(f"{grid_url}/?key={grid.key_id}")
        expect(one_page.get_by_role("heading", name=grid.title)).to_be_visible()
        return grid

    return open_on
