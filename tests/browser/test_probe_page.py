"""The probe below the grid: a text is asked of the model, which loads and fails beside the work."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from app_driver import AppWindow, Site
from playwright.sync_api import Locator, expect

from mining.run_folder import RunFolder

PANEL = "Try the key: probe a text, see its value"


@pytest.fixture(scope="module")
def mined_keys(site: Site, mined_run: Path) -> tuple[int, ...]:
    """Keys of a mined run, beside the one by hand, and Ann."""
    site.work.add("Ann")
    return site.work.import_run(RunFolder.open(mined_run), "mined")


def text_field(window: AppWindow) -> Locator:
    return window.page.get_by_role("textbox", name="A text")


def ask(window: AppWindow, text: str) -> list[tuple[str, float]]:
    """Type a text; its tokens and the coefficients shown below them."""
    text_field(window).fill(text)
    text_field(window).press("Enter")
    shown = window.page.locator(".kh-probe")
    # Of this text, not of the one before; a token of white space alone is shown as a dot.
    window.page.wait_for_function(
        "text => [...document.querySelectorAll('.kh-probe bdi')]"
        ".map(token => token.textContent).join('').replaceAll('·', ' ') === text",
        arg=text,
    )
    return shown.locator("> span").evaluate_all(
        "all => all.map(one => [one.querySelector('bdi').textContent,"
        " Number(one.querySelector('small').textContent)])"
    )


def probe_process(site: Site) -> int:
    """The number of the process that holds the model."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(None, 2) for line in listed.splitlines()]
    (found,) = [
        int(pid)
        for pid, parent, command in lines
        if int(parent) == site.server.process.pid and "probe-server" in command
    ]
    return found


@pytest.mark.usefixtures("mined_keys")
def test_without_the_run_folder_the_panel_says_so_and_the_page_works(site: Site) -> None:
    window, work = site.window, site.work
    folder = Path(work.engine.url.database).parent / "run"
    shutil.rmtree(folder)
    window.visit("Ann", run="study")
    window.page.get_by_text(PANEL).click()
    window.shows(f"The run's folder {folder} is not there")
    window.make_pattern("all the same", 3)
    assert window.saved() == [("shallow", "all the same", (1, 2, 3))]


def test_a_trigger_reaches_the_yardstick_and_a_dead_model_is_loaded_again(
    site: Site, mined_keys: tuple[int, ...]
) -> None:
    window = site.window
    key = next(key for key in map(site.work.key, mined_keys) if len(key.prefixes[0].token_ends) > 3)
    window.visit("Ann", run="mined", key=key.id)
    window.page.get_by_text(PANEL).click()
    window.click("Load the model")
    window.shows("The model is loading; you can go on labelling.")
    window.make_pattern("while it loads", 2)
    window.saved()
    expect(text_field(window)).to_have_count(0)  # it had not been loaded by then

    expect(text_field(window)).to_be_visible()
    best = key.prefixes[0]
    tokens = ask(window, best.text)
    assert "".join(token for token, _ in tokens) == best.text
    assert tokens[-1][1] == pytest.approx(best.coefficient, abs=0.0051)
    window.shows(f"reaches that of the last trigger ({len(key.prefixes)}th)")
    window.shows(f"{key.prefixes[-1].coefficient:.3f}")
    expect(window.page.locator(".kh-probe .over bdi").last).to_have_text(tokens[-1][0].strip())

    first, start = probe_process(site), time.monotonic()
    ask(window, "Nothing <b>of</b> the kind")
    assert time.monotonic() - start < 5  # seconds; loading takes as long on an idle machine
    assert probe_process(site) == first
    expect(window.page.locator(".kh-probe b")).to_have_count(0)

    os.kill(first, signal.SIGKILL)
    text_field(window).fill("Is anybody there?")
    text_field(window).press("Enter")
    window.shows("The process that holds the model ended")
    expect(window.page.get_by_test_id("stAlert")).to_have_count(1)
    window.click("Load the model")
    expect(text_field(window)).to_have_count(0)
    expect(text_field(window)).to_be_visible()
    assert ask(window, best.text) == tokens
    assert probe_process(site) != first
