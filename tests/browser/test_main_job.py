"""The main job as a person does it: mine, label in a browser, take the dataset, redraw figure 2.

Nothing is faked: the bundled model is mined by command, the app is started by command, and what the
browser downloads is what the charts are drawn from.
"""

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
SUBJECTS = ("The array", "A matrix", "The file", "This method", "Each column", "The model")
VERBS = ("returns a list", "is not found", "must be sorted", "can be empty", "raises an error")
ENDS = ("of integers.", "in the current folder.", "before the first call.", "by default.")


@dataclass(frozen=True)
class App:
    """A started app over a freshly mined run."""

    url: str
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run a command of the project against the same database; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT, env=os.environ | self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, start_app: Callable[..., object]) -> App:
    folder = tmp_path_factory.mktemp("main job")
    text = folder / "text.txt"
    sentences = [f"{s} {v} {e}" for s in SUBJECTS for v in VERBS for e in ENDS]
    text.write_text("\n".join(sentences) + "\n")
    made = App("", {"DATABASE_URL": f"sqlite:///{folder / 'keyhole.db'}"})
    run = str(folder / "run")
    made.command("mining", "mine", "demo", str(text), "--out", run)
    made.command("annotations", "import", run, "--keys-per-layer", "2", "--name", "main job")
    server = start_app([sys.executable, "-m", "app", "--port", "{port}"], made.environment)
    return App(server.url, made.environment)  # type: ignore[attr-defined]


@pytest.fixture
def desk(app: App, page: Page) -> Page:
    """The labelling page of somebody who has just arrived."""
    page.goto(app.url)
    page.get_by_label("Your name").or_(page.get_by_label("Somebody new")).fill("Grace *Hopper*")
    page.get_by_role("button", name="Start labelling").click()
    expect(status(page)).to_be_visible()
    return page


def status(page: Page) -> Locator:
    return page.locator("[data-status]")


def grid_title(page: Page) -> str:
    return page.get_by_role("heading", name="Layer").inner_text()


def label_two_patterns(page: Page) -> None:
    """Two patterns of different types, three ticks each, by keyboard."""
    page.locator("tbody tr").first.locator("td.context").click(position={"x": 4, "y": 4})
    for key in ("n", "*the same last word", "Enter", "1", "j", "1", "j", "1"):
        page.keyboard.type(key[1:]) if key.startswith("*") else page.keyboard.press(key)
    for key in ("n", "*data structures", "Enter", "t", "2", "j", "2", "k", "k", "2"):
        page.keyboard.type(key[1:]) if key.startswith("*") else page.keyboard.press(key)
    expect(status(page)).to_have_text("Saved")


def test_label_submit_reload_find_again_download_and_redraw(
    app: App, desk: Page, tmp_path: Path
) -> None:
    title = grid_title(desk)
    label_two_patterns(desk)
    desk.reload()
    expect(desk.get_by_role("heading", name=title)).to_be_visible()
    expect(desk.locator("th.pattern")).to_have_count(2)
    desk.get_by_role("button", name="Submit").click()
    expect(desk.get_by_text("1 of 16 keys submitted")).to_be_visible()
    expect(desk.get_by_role("heading", name=title)).to_have_count(0)

    open_answer(desk, "2 patterns")
    expect(desk.get_by_role("heading", name=title)).to_be_visible()
    expect(desk.get_by_text("Submitted on")).to_be_visible()

    desk.get_by_role("link", name="Figures").click()
    with desk.expect_download() as download:
        desk.get_by_role("button", name="Dataset (CSV)").click()
    dataset = tmp_path / "dataset"
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(dataset)
    check_dataset(dataset, title)
    redraw(app, dataset)


def open_answer(page: Page, patterns: str) -> None:
    """Come back to the answer with so many patterns, through the list of one's keys."""
    page.get_by_role("link", name="My keys").click()
    page.get_by_role("button", name=patterns).click()


def check_dataset(dataset: Path, title: str) -> None:
    layer, key = (word.strip(",") for word in title.split()[1::2])
    patterns = rows(dataset / "patterns.csv")
    assert [(row["type"], row["description"]) for row in patterns] == [
        ("shallow", "the same last word"),
        ("semantic", "data structures"),
    ]
    assert {(row["layer"], row["key"]) for row in patterns} == {(layer, key)}
    assert {row["annotator"] for row in patterns} == {"annotator-1"}
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


def redraw(app: App, dataset: Path) -> None:
    app.command("exports", "charts", str(dataset))
    for suffix in ("png", "svg", "json"):
        assert (dataset / "charts" / f"figure2.{suffix}").stat().st_size > 1000
    drawn = json.loads((dataset / "charts" / "figure2.json").read_text())
    assert "shallow+semantic" in json.dumps(drawn)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_submitted_answer_is_reopened_changed_and_submitted_again(app: App, page: Page) -> None:
    page.goto(f"{app.url}/?annotator=Grace+*Hopper*")
    open_answer(page, "2 patterns")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_text("0 of 16 keys submitted")).to_be_visible()
    page.locator("tbody tr").first.locator("td.context").click(position={"x": 4, "y": 4})
    page.keyboard.press("2")
    expect(status(page)).to_have_text("Saved")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("1 of 16 keys submitted")).to_be_visible()


def test_saying_that_no_pattern_was_found_is_an_answer(app: App, page: Page) -> None:
    page.goto(f"{app.url}/?annotator=Grace+*Hopper*")
    title = grid_title(page)
    page.get_by_role("button", name="No pattern found").click()
    expect(status(page)).to_have_text("Saved")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("2 of 16 keys submitted")).to_be_visible()
    expect(page.get_by_role("heading", name=title)).to_have_count(0)


def test_an_empty_database_says_what_to_type(
    start_app: Callable[..., object], page: Page, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    server = start_app([sys.executable, "-m", "app", "--port", "{port}"], environment)
    page.goto(server.url)  # type: ignore[attr-defined]
    expect(page.get_by_role("heading", name="No keys to label yet")).to_be_visible()
    expect(page.get_by_text("python -m annotations import RUN")).to_be_visible()
