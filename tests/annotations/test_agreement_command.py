"""`python -m annotations agreement`: what it prints, of whom, and what it says was left out."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from desk import Desk, answer, pattern, set_up_desk

from annotations import bench
from annotations.__main__ import app
from annotations.agreement_table import agreement_pairs, agreement_table
from annotations.database import make_engine, migrate, session
from annotations.frames import dataset_frames
from annotations.people import add_annotator
from mining.command_line import run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """A SQLite database with a run that Ada and Bob can label, for the command to find."""
    address = f"sqlite:///{tmp_path / 'keyhole.db'}"
    monkeypatch.setenv("DATABASE_URL", address)
    engine = make_engine(address)
    migrate(engine)
    return set_up_desk(engine, tmp_path / "first run")


@pytest.fixture
def agreement(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: object, program=app, name: str = "agreement") -> tuple[int, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["annotations", *filter(None, [name]), *map(str, arguments)]
        )
        with pytest.raises(SystemExit) as end:
            run(program, "python -m annotations")
        shown = capsys.readouterr()
        return end.value.code, shown.out, shown.err

    return call


def two_answers(team: Desk) -> None:
    """Two keys that both answer, and one that Ada alone does."""
    for key in team.keys[:2]:
        team.hand_in(answer(pattern(1, 2, 3)), team.ada, key)
        team.hand_in(answer(pattern(1, 2, 3, 4)), team.bob, key)
    team.hand_in(answer(), team.ada, team.keys[2])


def test_the_headline_the_measures_and_what_was_left_out(team: Desk, agreement: Command) -> None:
    two_answers(team)
    code, out, err = agreement("--rounds", 50)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "omega 0.444, 0.444 to 0.444; 2 keys, 2 annotators"
    assert [line for line in lines if line in ("all", "layer 0", "layer 1")] == [
        "all", "layer 0", "layer 1",
    ]  # fmt: skip
    (f1, *_) = [line.split() for line in lines if line.startswith("pattern_f1")]
    assert f1[1:7] == ["1.000", "1.000", "to", "1.000", "2", "2"]
    (types, *_) = [line.split() for line in lines if line.startswith("type_kappa")]
    assert types[1] == "undefined"
    assert "all matched patterns are of one type" in out
    assert lines[-1] == "Left out: 1 key with one answer."


def test_every_note_is_explained_once(team: Desk, agreement: Command) -> None:
    two_answers(team)
    out = agreement()[1]
    numbered = out.split("notes\n")[-1].split("\n\n")[0].splitlines()
    assert [int(line.split()[0]) for line in numbered] == list(range(1, len(numbered) + 1))
    assert len({line.split(maxsplit=1)[1] for line in numbered}) == len(numbered)


def test_nothing_to_compare_is_one_line_and_no_mistake(team: Desk, agreement: Command) -> None:
    team.hand_in(answer(pattern(1, 2, 3)), team.ada, team.keys[0])
    team.save(answer(pattern(1, 2, 3)), annotator_id=team.bob)
    for arguments in ([], ["--pairs"]):
        assert agreement(*arguments) == (
            0,
            "first run: no key has two answers to compare; "
            "left out: 1 key with one answer, 1 draft.\n",
            "",
        )


def test_machines_are_left_out_and_counted_unless_asked_for(team: Desk, agreement: Command) -> None:
    with session(team.engine) as s:
        robot = add_annotator(session=s, name="robot", role="machine").id
    two_answers(team)
    team.hand_in(answer(pattern(3, 4, 5)), robot, team.keys[0])
    out = agreement("--rounds", 5)[1]
    assert "2 keys, 2 annotators" in out
    assert "1 answer of machines (--machines compares them)" in out
    out = agreement("--rounds", 5, "--machines")[1]
    assert "2 keys, 3 annotators" in out
    assert out.endswith("Left out: 1 key with one answer.\n")


def test_pairs_show_who_is_the_reference(team: Desk, agreement: Command) -> None:
    two_answers(team)
    out = agreement("--pairs", "--rounds", 5)[1]
    assert "all: Ada (reference) and Bob" in out
    assert "annotators  baseline" not in out


@pytest.mark.parametrize("pairs", [False, True])
def test_the_csv_file_is_the_table(
    team: Desk, agreement: Command, tmp_path: Path, pairs: bool
) -> None:
    two_answers(team)
    file = tmp_path / "agreement.csv"
    code, _, err = agreement("--csv", file, "--rounds", 7, "--seed", 3, *["--pairs"] * pairs)
    assert (code, err) == (0, "")
    with session(team.engine, read_only=True) as s:
        frames = dataset_frames(session=s, run_id=team.run_id)
    expected = (agreement_pairs if pairs else agreement_table)(frames, rounds=7, seed=3)
    found = pd.read_csv(file, keep_default_na=False, na_values={"value": "", "ci_low": ""})
    assert list(found.columns) == list(expected.columns)
    assert found["note"].tolist() == expected["note"].tolist()
    assert found["value"].tolist() == pytest.approx(expected["value"].tolist(), nan_ok=True)
    assert [path.name for path in tmp_path.glob("agreement*")] == ["agreement.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run", "absent"], "first run"),
        (["--rounds", "0"], "--rounds"),
        (["--seed", "-1"], "--seed"),
        (["--csv", "no/such/folder/table.csv"], "folder"),
    ],
)
def test_a_mistake_is_one_line(
    team: Desk, agreement: Command, arguments: list[str], said: str
) -> None:
    code, out, err = agreement(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_the_benchmark_says_how_long_both_tables_take(agreement: Command) -> None:
    sizes = ["--keys", 4, "--annotators", 2, "--rounds", 5, "--repeats", 1]
    code, out, _ = agreement(*sizes, program=bench.app, name="")
    found = json.loads(out)
    assert code == 0
    assert (found["benchmark"], found["keys"], found["annotators"]) == ("agreement", 4, 2)
    assert found["seconds"] == pytest.approx(
        found["table_seconds"] + found["pairs_seconds"], abs=0.002
    )
