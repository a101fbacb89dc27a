"""`python -m mining show` prints one key's triggers, and refuses what a run does not hold."""

import re
from pathlib import Path

import pytest
from terminal import Typed, assert_refused

from mining.run_folder import RunFolder


@pytest.fixture
def shown(typed: Typed, desk: Path) -> Typed:
    """`show run LAYER KEY`, of a run whose words contain what a terminal might take as markup."""
    lines = ["[red] cat", "[/red] dog", "[bold]the[/bold] bird", "the", "old :cat: the cat"]
    (desk / "marked.txt").write_text("\n".join(lines), encoding="utf-8")
    ended = typed("mine", "model", "marked.txt", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err
    return lambda layer, key: typed("show", "run", layer, key)


def test_show_prints_a_keys_triggers_in_rank_order(shown: Typed, desk: Path) -> None:
    ended = shown(0, 2)
    assert ended.code == 0, ended.err
    rows = RunFolder.open(desk / "run").triggers(layer=0, key=2)
    assert list(rows["prefix"]) == [
        "the",
        "old :cat: the",
        "[bold]the[/bold] bird",
        "[/red] dog",
        "[red] cat",
    ]
    places = [ended.out.index(prefix) for prefix in rows["prefix"][1:]]
    assert places == sorted(places)
    for coefficient in rows["coefficient"]:
        assert re.search(rf"{re.escape(f'{coefficient:.2f}')}", ended.out)


def test_show_names_the_layer_and_the_key(shown: Typed) -> None:
    ended = shown(1, 2)
    assert re.search(r"layer\W+1\b", ended.out, re.IGNORECASE)
    assert re.search(r"key\W+2\b", ended.out, re.IGNORECASE)


def test_show_keeps_the_end_of_a_long_prefix_where_the_trigger_is(typed: Typed, desk: Path) -> None:
    line = "old river stone light " * 6 + "dark cat under"
    (desk / "long.txt").write_text(line, encoding="utf-8")
    assert typed("mine", "model", "long.txt", "--out", "run").code == 0
    out = typed("show", "run", 0, 0).out  # planted on "cat"
    (row,) = [shown for shown in out.splitlines() if "light" in shown]
    assert re.search(r"light dark cat\s+under", row), out
    assert max(map(len, out.splitlines())) <= 80


def test_show_never_hands_a_control_character_to_the_terminal(typed: Typed, desk: Path) -> None:
    (desk / "odd.txt").write_text("a\x1b[2J\x07b \x7f \x9b31m cat\n", encoding="utf-8")
    assert typed("mine", "model", "odd.txt", "--out", "run").code == 0
    out = typed("show", "run", 0, 0).out  # planted on "cat"
    assert re.search(r"a␛\[2J␇b ␡ \ufffd31m cat", out), out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)


def test_show_says_that_a_dead_key_has_no_triggers(shown: Typed) -> None:
    ended = shown(0, 5)
    assert ended.code == 0
    assert re.search(r"\b(no|dead|never)\b", ended.out, re.IGNORECASE)


@pytest.mark.parametrize(
    ("layer", "key", "said"), [(2, 0, "layer"), (0, 32, "key"), (0, 99999999999, "key")]
)
def test_show_refuses_a_layer_or_a_key_that_does_not_exist(
    shown: Typed, layer: int, key: int, said: str
) -> None:
    assert_refused(shown(layer, key), said)


@pytest.mark.parametrize(("layer", "key"), [("-1", "0"), ("0", "-1"), ("one", "0"), ("0", "1.5")])
def test_show_refuses_what_is_no_layer_or_key(shown: Typed, layer: str, key: str) -> None:
    assert_refused(shown(layer, key))


def test_show_refuses_a_layer_that_was_not_mined(typed: Typed, desk: Path) -> None:
    assert typed("mine", "model", "text.txt", "--out", "run", "--layers", "1").code == 0
    assert_refused(typed("show", "run", 0, 0), "layer")
    assert typed("show", "run", 1, 0).code == 0


@pytest.mark.parametrize("place", ["nowhere", "text.txt", "model"])
def test_show_refuses_what_is_no_run(typed: Typed, desk: Path, place: str) -> None:
    assert_refused(typed("show", place, 0, 0), place)
