"""The page Model, and a key's value below its grid: numbers in words, closed until asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_driver import AppWindow, Site
from finished_analyses import analysed_run
from playwright.sync_api import expect

from annotations.queries import KeyPage
from mining.run_folder import RunFolder

PANEL = "Value: what does this key push towards?"
TOKENS = "A pattern is what the prefixes share"


@pytest.fixture(scope="module")
def keys(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[KeyPage]]:
    """Keys of an analysed run, beside the one without analyses, and Ann."""
    site.work.add("Ann")
    run = analysed_run(tmp_path_factory.mktemp("analysed") / "run")
    yield [site.work.key(one) for one in site.work.import_run(RunFolder.open(run), "analysed")]


def test_a_run_without_analyses_says_what_to_type(site: Site, keys: list[KeyPage]) -> None:
    site.window.visit("Ann", "model", run="study")
    site.window.shows("This run has not been analysed yet.")
    folder = Path(str(site.work.engine.url.database)).parent / "run"
    site.window.shows(f"python -m mining analyse {folder}")


def test_every_figure_is_there_with_its_number(site: Site, keys: list[KeyPage]) -> None:
    window = site.window
    window.visit("Ann", "model", run="analysed")
    window.shows("Figure 3: which token a key needs")
    window.shows("the last −100%, the first −25%, a random −50%.")
    window.rest()
    expect(window.page.get_by_test_id("stVegaLiteChart")).to_have_count(8)
    expect(window.page.get_by_test_id("stDataFrame")).to_have_count(1)
    window.is_whole()


def test_a_value_is_closed_for_every_key_until_it_is_opened(
    site: Site, keys: list[KeyPage]
) -> None:
    window = site.window
    # In layer 0 the next token of key k's best trigger has rank k + 1.
    window.visit("Ann", run="analysed", key=keys[0].id)
    window.on(f"Layer {keys[0].layer}, key {keys[0].key}")
    window.rest()
    assert not window.knows("“ t0”")
    open_panel(window)
    window.shows(TOKENS)
    window.shows(verdict(keys[0]))
    window.click("Next key")
    window.rest()
    expect(window.page.get_by_text(PANEL)).to_be_visible()
    expect(window.page.get_by_text(TOKENS)).to_have_count(0)
    window.is_whole()


def open_panel(window: AppWindow) -> None:
    window.page.get_by_text(PANEL).click()


def verdict(key: KeyPage) -> str:
    if key.key <= key.layer:
        return "which follows the key's best trigger, is the value's top token."
    return f"is among them: it has rank {key.key + 1}."
