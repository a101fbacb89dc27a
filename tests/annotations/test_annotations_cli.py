"""The commands: what they print, and that a mistake is one line and exit code 2."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from runs import MinedKey, write_run

from annotations.__main__ import app
from mining.command_line import run

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Runs `python -m annotations …` in this process: exit code, standard output and error."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'data' / 'keyhole.db'}")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["annotations", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            run(app, "python -m annotations")
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return call


def refused(result: tuple[int, str, str]) -> str:
    """The one line on standard error of a command that must fail like a user's mistake."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_a_run_is_imported_and_imported_again(command: Command, tmp_path: Path) -> None:
    keys = [MinedKey(layer, key) for layer in (0, 1) for key in range(4)]
    write_run(tmp_path / "run", [*keys, MinedKey(0, 9, triggers=0), MinedKey(1, 9, triggers=2)])
    code, out, err = command("import", tmp_path / "run", "--keys-per-layer", 3)
    assert (code, err) == (0, "")
    assert "run: 6 keys added, 0 there already, over 2 layers." in out
    assert "1 dead keys" in out
    assert "1 with too few" in out
    assert (
        "0 keys added, 6 there already"
        in command("import", tmp_path / "run", "--keys-per-layer", 3)[1]
    )


def test_people_are_added_and_listed(command: Command) -> None:
    assert command("users", "add", "Zoë") == (0, "Zoë (annotator) can label now.\n", "")
    command("users", "add", "Ada", "--role", "lead")
    assert command("users", "list") == (0, "Ada\tlead\nZoë\tannotator\n", "")


def test_a_missing_run_folder_is_named_and_no_database_is_made(
    command: Command, tmp_path: Path
) -> None:
    assert "absent" in refused(command("import", tmp_path / "absent"))
    assert not (tmp_path / "data").exists()


def test_a_folder_that_holds_no_run_is_named(command: Command, tmp_path: Path) -> None:
    assert "manifest.json" in refused(command("import", tmp_path))


def test_no_keys_at_all_is_no_sample(command: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "run", [MinedKey(0, 0)])
    assert "1 or more" in refused(command("import", tmp_path / "run", "--keys-per-layer", 0))


def test_two_runs_cannot_have_one_name(command: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "run", [MinedKey(0, 0)])
    write_run(tmp_path / "other", [MinedKey(0, 0)], model="another")
    command("import", tmp_path / "run")
    assert "--name" in refused(command("import", tmp_path / "other", "--name", "run"))


def test_a_name_is_given_once(command: Command) -> None:
    command("users", "add", "Ada")
    assert "already somebody called Ada" in refused(command("users", "add", "ada"))


def test_an_unknown_role_is_answered_with_those_there_are(command: Command) -> None:
    assert "annotator, lead or machine" in refused(command("users", "add", "Ada", "--role", "boss"))


@pytest.mark.parametrize("arguments", [[], ["users", "ad"], ["import"], ["users", "add"]])
def test_a_command_that_is_not_complete_says_so(command: Command, arguments: list[str]) -> None:
    refused(command(*arguments))


def test_a_database_in_a_folder_that_cannot_be_made_is_a_mistake(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/file/keyhole.db")
    assert "cannot be made" in refused(command("users", "list"))


def test_a_file_that_is_no_database_is_a_mistake(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ada, " * 200, encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/letter.txt")
    assert "not a database" in refused(command("users", "add", "Ada"))


def test_an_address_that_is_none_is_a_mistake(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "keyhole.db")
    assert "sqlite:///FILE" in refused(command("users", "list"))


def test_the_real_command_ends_as_it_does_here_and_waits_for_no_torch(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.argv = ['annotations', 'import', 'absent']\n"
        "try: runpy.run_module('annotations', run_name='__main__', alter_sys=True)\n"
        "finally: assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "absent" in refused((ended.returncode, ended.stdout, ended.stderr))
