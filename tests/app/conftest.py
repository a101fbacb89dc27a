"""Probers whose model is a script, each test with its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stand_in import SCRIPT

from app.probing import Prober


@pytest.fixture
def probed_run(tmp_path: Path) -> Path:
    """The folder that tells the script how to behave."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def prober(tmp_path: Path, probed_run: Path) -> Iterator[Callable[..., Prober]]:
    """Makes probers that the script answers; they are stopped at the end."""
    made: list[Prober] = []
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def make(**options: object) -> Prober:
        made.append(Prober(probed_run, command=(sys.executable, str(script)), **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.stop()
