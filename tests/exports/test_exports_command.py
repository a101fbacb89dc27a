"""The command line: files on disk, one line on mistakes, exit codes."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from finished_analyses import analysed_run
from labelled_data import add_run, label, statistics_of, write_statistics
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine

from annotations.database import session as open_session
from exports.__main__ import app, stages_on
from mining.command_line import run

KINDS = ("png", "svg", "json")
CHARTS = {
    f"{chart}.{kind}" for chart in ("figure2", "figure2_intervals", "coverage") for kind in KINDS
}


class Outcome(NamedTuple):
    code: object
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `python -m exports ARGUMENTS` in this process."""

    def called(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["exports", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "python -m exports")
        return Outcome(ended.value.code, *capsys.readouterr())

    return called


@pytest.fixture
def database(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The fresh database, as the one that the commands use."""
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    return engine


def refused(outcome: Outcome) -> str:
    """The one line of a mistake that the user can mend."""
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def test_a_labelled_run_becomes_a_dataset_and_the_dataset_charts(
    database: Engine, command: Command, tmp_path: Path
) -> None:
    with open_session(database) as session:
        label(session, add_run(session))
    out = tmp_path / "data"
    exported = command("dataset", "--out", out)
    assert exported.code == 0
    assert "4 keys, 20 prefixes, 5 submissions, 6 patterns, 18 labels" in exported.out
    drawn = command("charts", out)
    assert drawn.code == 0
    more = {f"{c}.{kind}" for c in ("patterns_per_key", "time_per_key") for kind in KINDS}
    assert {Path(line).name for line in drawn.out.splitlines()} >= CHARTS | more
    assert {path.name for path in (out / "charts").iterdir()} >= CHARTS | more


def test_annotators_are_named_only_on_request(
    database: Engine, command: Command, tmp_path: Path
) -> None:
    with open_session(database) as session:
        label(session, add_run(session))
    command("dataset", "--out", tmp_path / "hidden")
    command("dataset", "--out", tmp_path / "shown", "--names")
    assert "zoe" not in (tmp_path / "hidden" / "patterns.csv").read_text(encoding="utf-8")
    assert "zoe" in (tmp_path / "shown" / "patterns.csv").read_text(encoding="utf-8")


def test_filters_and_copies_are_options(database: Engine, command: Command, tmp_path: Path) -> None:
    with open_session(database) as session:
        label(session, add_run(session))
    out = tmp_path / "part"
    some = command(
        "dataset", "--out", out, "--layers", "0-1", "--status", "all", "--annotator", "zoe",
        "--annotator", "gold", "--spreadsheet",
    )  # fmt: skip
    assert some.code == 0
    assert "4 keys, 20 prefixes, 3 submissions, 5 patterns, 15 labels" in some.out
    assert (out / "labels_spreadsheet.csv").is_file()
    none = command("dataset", "--out", out, "--layers", "5")
    assert (none.code, none.err) == (0, "")
    assert "0 keys, 0 prefixes, 0 submissions" in none.out
    assert "No key of the run is in these layers" in none.out.splitlines()[1]


def test_the_bar_shows_one_stage_at_a_time_and_swings_where_the_end_is_not_known() -> None:
    with Progress(console=Console(file=io.StringIO(), force_terminal=True)) as bar:
        told = stages_on(bar)
        seen = []
        for step in (("keys", 0, 2), ("keys", 1, 2), ("statistics", 0, None), ("agreement", 3, 4)):
            told(*step)
            seen.append([(t.description, t.completed, t.total) for t in bar.tasks if t.visible])
    assert seen == [
        [("keys", 0, 2)], [("keys", 1, 2)], [("statistics", 0, None)], [("agreement", 3, 4)],
    ]  # fmt: skip


def test_no_bar_where_nobody_watches(database: Engine, command: Command, tmp_path: Path) -> None:
    with open_session(database) as session:
        label(session, add_run(session))
    assert command("dataset", "--out", tmp_path / "data").err == ""


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--annotator", "nobody", "no annotator called 'nobody'"),
        ("--status", "draft", "write submitted or all"),
        ("--layers", "one", "write it like 0,3-5"),
        ("--run", "none", "no run called none"),
    ],
)
def test_a_filter_that_is_not_understood_is_one_line(
    database: Engine, command: Command, tmp_path: Path, option: str, value: str, complaint: str
) -> None:
    with open_session(database) as session:
        add_run(session)
    assert complaint in refused(command("dataset", "--out", tmp_path / "data", option, value))
    assert not (tmp_path / "data").exists()


def test_the_run_is_chosen_by_name_and_is_the_newest_otherwise(
    database: Engine, command: Command, tmp_path: Path
) -> None:
    with open_session(database) as session:
        add_run(session, name="first", text="older words")
        add_run(session, name="second", text="newer words")
    command("dataset", "--out", tmp_path / "newest")
    command("dataset", "--out", tmp_path / "named", "--run", "first")
    assert "newer words" in (tmp_path / "newest" / "prefixes.csv").read_text(encoding="utf-8")
    assert "older words" in (tmp_path / "named" / "prefixes.csv").read_text(encoding="utf-8")
    unknown = refused(command("dataset", "--out", tmp_path / "third", "--run", "third"))
    assert "first" in unknown
    assert "second" in unknown


def test_without_submissions_a_notice_of_one_line_and_no_error(
    database: Engine, command: Command, tmp_path: Path
) -> None:
    with open_session(database) as session:
        add_run(session)
    exported = command("dataset", "--out", tmp_path / "data")
    assert exported.code == 0
    counts, nothing, no_figures = exported.out.splitlines()
    assert "4 keys" in counts
    assert "Nothing has been submitted yet" in nothing
    assert "the run's folder, run, is not there" in no_figures
    assert command("charts", tmp_path / "data").code == 0


def test_a_database_without_a_run_is_one_line(
    database: Engine, command: Command, tmp_path: Path
) -> None:
    refused(command("dataset", "--out", tmp_path / "data"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("occupied", ["folder", "file"])
def test_an_occupied_out_is_one_line(
    database: Engine, command: Command, tmp_path: Path, occupied: str
) -> None:
    with open_session(database) as session:
        add_run(session)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").touch()
    (tmp_path / "file").touch()
    assert "choose another --out" in refused(command("dataset", "--out", tmp_path / occupied))


def test_figures_of_a_run_alone_become_csv_files_and_charts(
    command: Command, tmp_path: Path
) -> None:
    run_folder = analysed_run(tmp_path / "run")
    written = command("figures", run_folder, "--out", tmp_path / "csv")
    assert (written.code, len(written.out.splitlines())) == (0, 9)
    drawn = command("charts", tmp_path / "csv")
    assert (drawn.code, len(drawn.out.splitlines())) == (0, 27)
    bare = analysed_run(tmp_path / "bare", parts="")
    assert "has not been analysed" in refused(command("figures", bare, "--out", tmp_path / "no"))


def test_charts_go_where_they_are_told(command: Command, tmp_path: Path) -> None:
    dataset = write_statistics(tmp_path / "data", statistics_of(2))
    drawn = command("charts", dataset, "--out", tmp_path / "elsewhere", "--style", "paper")
    assert drawn.code == 0
    notes = drawn.err.splitlines()
    assert [note.split()[0] for note in notes] == ["patterns_per_key", "time_per_key", "agreement"]
    assert all("is not drawn" in note for note in notes)
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == CHARTS
    assert not (dataset / "charts").exists()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("no file", "holds no layer_statistics.csv"),
        ("no column", "line 1: no column share"),
        ("no number", "line 2, column share: 'half' is not a number from 0 to 1"),
        ("no category", "line 2, column category: 'deep' is none of shallow"),
    ],
)
def test_a_dataset_that_cannot_be_drawn_is_one_line(
    command: Command, tmp_path: Path, wrong: str, complaint: str
) -> None:
    statistics = statistics_of(2).astype({"share": object})
    if wrong == "no column":
        del statistics["share"]
    if wrong == "no number":
        statistics.loc[0, "share"] = "half"
    if wrong == "no category":
        statistics.loc[0, "category"] = "deep"
    if wrong != "no file":
        write_statistics(tmp_path, statistics)
    assert complaint in refused(command("charts", tmp_path))
    assert not (tmp_path / "charts").exists()


def test_a_folder_for_charts_that_is_a_file_is_one_line(command: Command, tmp_path: Path) -> None:
    dataset = write_statistics(tmp_path / "data", statistics_of(1))
    (tmp_path / "taken").touch()
    assert "taken" in refused(command("charts", dataset, "--out", tmp_path / "taken"))


def test_python_m_exports_starts_without_torch(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    dataset = write_statistics(tmp_path / "data", statistics_of(1))
    imported = (
        "import runpy, sys; sys.argv[1:] = ['charts', sys.argv[1]]\n"
        "try: runpy.run_module('exports', run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code\n"
        "assert not {'torch', 'transformers', 'streamlit'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", imported, str(dataset)],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 9
