"""The main job as a person does it: mine, label in a browser, take the dataset, redraw figure 2.

Nothing is faked: the bundled model is mined by command, the app is started by command, and what the
browser downloads is what the charts are drawn from.
"""

import csv
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app_driver import AppWindow
from playwright.sync_api import Locator, Page, expect
from servers import Server
from workplace import command

GRACE, MARY = "Grace *Hopper*", "Mary <b>Jackson</b>"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, mined_run: Path) -> str:
    """The address of a database into which a mined run was imported by command."""
    address = f"sqlite:///{tmp_path_factory.mktemp('main job') / 'keyhole.db'}"
    command(
        "annotations", "import", str(mined_run), "--keys-per-layer", "2", "--name", "main job",
        database=address,
    )  # fmt: skip
    return address


@pytest.fixture(scope="module")
def server(open_app: Callable[..., Server], database: str) -> Iterator[Server]:
    """Keyhole over this database; it must never stumble."""
    started = open_app(database)
    yield started
    started.process.kill()
    assert "Traceback" not in started.log.read_text(errors="replace")


@pytest.fixture
def window(page: Page, server: Server) -> AppWindow:
    """A window in which nothing is open yet."""
    return AppWindow(page, server.url)


@pytest.fixture
def desk(window: AppWindow) -> AppWindow:
    """The labelling page of somebody who has just arrived."""
    window.page.goto(window.url)
    window.page.get_by_label("Your name").or_(window.page.get_by_label("Somebody new")).fill(GRACE)
    window.click("Start labelling")
    expect(window.status).to_be_visible()
    return window


def title_of(window: AppWindow) -> str:
    expect(window.status).to_be_visible()
    return window.page.get_by_role("heading", name=re.compile("^Layer")).inner_text()


def left(window: AppWindow, title: str, submitted: int) -> None:
    """Wait until a key was submitted and another one is there."""
    window.shows(f"{submitted} of 16 keys submitted")
    expect(window.page.get_by_role("heading", name=title, exact=True)).to_have_count(0)


def label_two_patterns(window: AppWindow) -> None:
    """Two patterns of different types, three ticks each, by keyboard."""
    window.press("n")
    window.type("the same last word")
    window.press("Enter", "1", "j", "1", "j", "1")
    window.press("n")
    window.type("data structures")
    window.press("Enter", "t", "2", "j", "2", "k", "k", "2")


def test_label_submit_reload_find_again_download_and_redraw(
    desk: AppWindow, tmp_path: Path
) -> None:
    title = title_of(desk)
    desk.enter()
    label_two_patterns(desk)
    desk.saved()
    desk.page.reload()
    desk.on(title)
    expect(desk.page.locator("th.pattern")).to_have_count(2)
    desk.click("Submit")
    left(desk, title, 1)

    open_answer(desk, "2 patterns")
    desk.on(title)
    desk.shows("Submitted on")

    desk.go("Figures")
    with desk.page.expect_download() as download:
        desk.click("Dataset (CSV)")
    dataset = tmp_path / "dataset"
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(dataset)
    check_dataset(dataset, title)
    redraw(dataset)


def open_answer(window: AppWindow, patterns: str) -> None:
    """Come back to the answer with so many patterns, through the list of keys."""
    window.go("Keys")
    window.page.get_by_role("button", name=patterns).click()


def check_dataset(dataset: Path, title: str) -> None:
    layer, key = (word.strip(",") for word in title.split()[1::2])
    patterns = rows(dataset / "patterns.csv")
    assert [(row["type"], row["description"]) for row in patterns] == [
        ("shallow", "the same last word"),
        ("semantic", "data structures"),
    ]
    assert {(row["layer"], row["key"]) for row in patterns} == {(layer, key)}
    (annotator,) = {row["annotator"] for row in patterns}
    assert re.fullmatch(r"annotator-\d", annotator)
    ticks = {(row["pattern"], row["rank"]) for row in rows(dataset / "labels.csv")}
    assert ticks == {("1", "1"), ("1", "2"), ("1", "3"), ("2", "3"), ("2", "4"), ("2", "2")}
    counted = {
        row["category"]: float(row["prefixes"]) for row in rows(dataset / "layer_statistics.csv")
    }
    prefixes = sum(
        (row["layer"], row["key"]) == (layer, key) for row in rows(dataset / "prefixes.csv")
    )
    assert counted == {
        "shallow": 1, "semantic": 1, "shallow+semantic": 2, "not covered": prefixes - 4,
    }  # fmt: skip


def redraw(dataset: Path) -> None:
    command("exports", "charts", str(dataset))
    for suffix in ("png", "svg", "json"):
        assert (dataset / "charts" / f"figure2.{suffix}").stat().st_size > 1000
    drawn = json.loads((dataset / "charts" / "figure2.json").read_text())
    assert "shallow+semantic" in json.dumps(drawn)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_submitted_answer_is_reopened_changed_and_submitted_again(window: AppWindow) -> None:
    window.visit(GRACE, "keys")
    window.page.get_by_role("button", name="2 patterns").click()
    title = title_of(window)
    window.click("Reopen")
    window.shows("0 of 16 keys submitted")
    window.enter()
    window.press("2")
    window.saved()
    window.click("Submit")
    left(window, title, 1)


def test_saying_that_no_pattern_was_found_is_an_answer(window: AppWindow) -> None:
    window.visit(GRACE)
    title = title_of(window)
    window.click("No pattern found")
    window.saved()
    window.click("Submit")
    left(window, title, 2)


def test_a_key_is_labelled_and_submitted_with_the_keyboard_alone(window: AppWindow) -> None:
    window.page.goto(window.url)
    name = window.page.get_by_role("textbox")
    expect(name).to_be_visible()
    tab_to(window, name)
    window.type(MARY)
    window.press("Enter")
    first_cell = window.page.locator("tbody tr").first.locator("td.context")
    expect(first_cell).to_be_focused()
    title = title_of(window)
    label_two_patterns(window)
    labelled = [
        ("shallow", "the same last word", (1, 2, 3)), ("semantic", "data structures", (2, 3, 4)),
    ]  # fmt: skip
    assert window.saved() == labelled
    window.press("Control+z", "Control+z")
    assert window.saved()[1] == ("semantic", "data structures", (3,))
    window.press("Control+Shift+z", "Control+Shift+z")
    assert window.saved() == labelled
    window.press("Control+Enter")
    left(window, title, 1)
    expect(first_cell).to_be_focused()

    title = title_of(window)
    window.press("0")
    assert window.saved() == []
    window.press("Control+Enter")
    left(window, title, 2)
    tab_to(window, window.page.locator("summary", has_text="Flag, note, skip"))


def tab_to(window: AppWindow, wanted: Locator) -> None:
    """Press Tab until this has the keyboard's focus."""
    for _ in range(40):
        window.press("Tab")
        if wanted.evaluate("one => one === one.getRootNode().activeElement"):
            return
    raise AssertionError("Tab does not lead there")


def test_an_empty_database_says_what_to_type(
    open_app: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    page.goto(open_app(f"sqlite:///{tmp_path / 'empty.db'}").url)
    expect(page.get_by_role("heading", name="No keys to label yet")).to_be_visible()
    expect(page.get_by_text("python -m annotations import RUN")).to_be_visible()


def test_a_lead_adds_people_before_there_is_anything_to_label(
    open_app: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path / 'empty.db'}"
    command("annotations", "users", "add", "Lea", "--role", "lead", database=address)
    server = open_app(address)
    page.goto(f"{server.url}/users?annotator=Lea")
    page.get_by_label("Name", exact=True).fill("Ann")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Ann is added.")).to_be_visible()
    expect(page.locator("summary", has_text="Ann")).to_be_visible()
    page.get_by_role("link", name="Label", exact=True).click()
    expect(page.get_by_role("heading", name="No keys to label yet")).to_be_visible()
