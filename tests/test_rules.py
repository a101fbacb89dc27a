"""The house's rules, kept by tests: who imports whom, one palette, a README that tells all."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from importlinter.cli import lint_imports

from exports.palette import CATEGORIES, CATEGORY_COLOURS
from mining import __version__

ROOT = Path(__file__).parents[1]
ROOMS = ("mining", "annotations", "exports", "app")


def modules() -> list[Path]:
    return [
        path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "versions" not in path.parts
    ]


def test_rooms_import_only_what_stands_to_their_left() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_no_page_waits_for_torch() -> None:
    views = ("label", "keys", "figures", "model", "adjudicate", "team", "users")
    pages = ", ".join(
        ["app.sidebar", "app.visit", "app.server", *(f"app.views.{name}" for name in views)]
    )
    code = (
        f"import sys, {pages}, annotations.__main__, exports.__main__;"
        "sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_the_theme_and_the_palette_are_one() -> None:
    theme = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["theme"]
    colours = [CATEGORY_COLOURS[category] for category in CATEGORIES]
    assert theme["light"]["chartCategoricalColors"] == colours
    assert theme["dark"]["chartCategoricalColors"] == colours
    for scheme in ("light", "dark"):
        assert theme[scheme]["primaryColor"] == CATEGORY_COLOURS["semantic"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_command_is_in_the_readme(room: str) -> None:
    readme = (ROOT / "README.md").read_text()
    main = __import__(f"{room}.__main__", fromlist=["app"])
    for name in command_names(typer.main.get_command(main.app)):
        assert f"python -m {room} {name}".rstrip() in readme


def command_names(command: object, before: str = "") -> list[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [before]
    return [
        found
        for name, child in inner.items()
        for found in command_names(child, f"{before} {name}".strip())
    ]


def test_every_file_of_the_rooms_is_in_the_readmes_tree() -> None:
    readme = (ROOT / "README.md").read_text()
    named = [path.name for path in modules() if path.name != "__init__.py"]
    missing = [name for name in named if name not in readme]
    assert not missing


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert f"## {__version__} " in (ROOT / "CHANGELOG.md").read_text()


def test_no_file_outgrows_its_job() -> None:
    long = [path for path in modules() if len(path.read_text().splitlines()) > 300]
    assert not long


def test_every_module_says_its_job_first() -> None:
    silent = [path for path in modules() if not path.read_text().startswith('"""')]
    assert not silent


def test_no_two_modules_beside_the_tests_share_a_name() -> None:
    # All their folders are on one path: a second module of a name would never be imported.
    names = [path.stem for path in ROOT.glob("tests/*/*.py") if path.stem != "conftest"]

    assert sorted(names) == sorted(set(names))
