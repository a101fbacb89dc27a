"""The headline numbers in words: for a terminal and for the page."""

import csv
from pathlib import Path

import pytest
from label_frames import Labels, frames_of
from test_annotations_cli import Command, command, refused  # noqa: F401 (a fixture)
from workplace import new_workplace

from annotations.answers import PatternAnswer
from annotations.label_statistics import label_statistics
from annotations.paper_numbers import PAPER_NUMBERS, paper_number
from annotations.statistics_report import report, trend_sentence


def rising(up: bool) -> Labels:
    """Four layers of four keys; semantic prefixes become more (or fewer) from layer to layer."""
    return {
        (layer, key, "Ada"): [("semantic", set(range(1, 2 + (layer if up else 3 - layer))))]
        for layer in range(4)
        for key in range(4)
    }


@pytest.mark.parametrize(("up", "word", "tau"), [(True, "more", "1.00"), (False, "less", "-1.00")])
def test_a_trend_is_told_with_its_direction_size_and_doubt(up: bool, word: str, tau: str) -> None:
    told = trend_sentence(label_statistics(frames_of(rising(up))))
    assert f"clearly {word} often" in told
    assert f"tau-b {tau}, 95% interval {tau} to {tau}, p < 0.001, 16 keys" in told


def test_what_chance_explains_is_not_called_a_trend() -> None:
    labels = {
        (layer, key, "Ada"): [("semantic", {1, 2, 3} if key % 2 else {1})]
        for layer in range(3)
        for key in range(4)
    }
    told = trend_sentence(label_statistics(frames_of(labels), rounds=99))
    assert "do not tell" in told
    assert "p = 1.000" in told


def test_without_a_trend_the_reason_is_told() -> None:
    told = trend_sentence(label_statistics(frames_of({(0, 0, "Ada"): []})))
    assert told == "No trend over the layers can be told: the answers are in fewer than two layers."


def test_lines_have_every_scope_its_intervals_the_paper_and_what_is_missing() -> None:
    labels = {**rising(True), (9, 0, "Bob"): []}
    lines = report(
        label_statistics(frames_of(labels), rounds=50), run="study", policy="gold", machines=False
    ).splitlines()
    rows = {line[:16].strip(): line for line in lines[2:]}
    assert rows["all"].split()[1:3] == ["17", "0.9"]
    assert "layer 9" in rows
    assert "annotator Bob" in rows
    assert rows["Geva et al. 2021"].split()[4:] == ["160", "3.6", "100%", "65%", "to", "80%"]
    assert "Note on layer 9, annotator Bob: one key: no interval." in lines


def test_the_papers_numbers_are_known_by_measure() -> None:
    assert [(n.measure, n.low, n.high) for n in PAPER_NUMBERS if n.source == "section 3.2"] == [
        ("keys_with_pattern", 1, 1),
        ("patterns_per_key", 3.6, 3.6),
        ("coverage", 0.65, 0.8),
    ]
    assert paper_number("omega") is None


def test_the_command_tells_and_writes_what_the_policy_counts(
    command: Command,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = new_workplace(tmp_path)
    work.add("Ada")
    work.add("Bot", role="machine")
    topic = PatternAnswer("semantic", "ships", (1, 2, 3))
    work.hand_in("Ada", work.keys[0], topic, topic)
    work.hand_in("Bot", work.keys[0], *[topic] * 4)
    monkeypatch.setenv("DATABASE_URL", work.address)
    file = tmp_path / "numbers.csv"
    code, out, err = command("statistics", "--csv", file)
    assert (code, err) == (0, "")
    assert "all" in out and "2.0" in out and "Bot" not in out
    with file.open(encoding="utf-8", newline="") as opened:
        written = {(r["scope"], r["measure"], r["type"]): r for r in csv.DictReader(opened)}
    assert float(written["all", "patterns_per_key", "any"]["value"]) == 2
    assert "3.0" in command("statistics", "--machines", "--run", "study")[1]
    assert "no answer counts here" in command("statistics", "--policy", "gold-only")[1]


def test_a_policy_or_a_run_that_is_none_is_one_line(
    command: Command,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_workplace(tmp_path).address)
    assert "gold-only" in refused(command("statistics", "--policy", "silver"))
    assert "it holds study" in refused(command("statistics", "--run", "none"))
    assert "absent" in refused(command("statistics", "--csv", tmp_path / "absent" / "x.csv"))
