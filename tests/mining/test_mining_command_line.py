"""`python -m mining mine` as a user types it: bad input gets one line and leaves nothing behind.

The program runs in this process (importing torch takes seconds), through the module's own entry;
two tests start a real one, for what only a process can show.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Typed, assert_refused, assert_refused_and_nothing_left, contents

from mining.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


# Mining.


def test_mining_a_text_writes_a_run_and_says_so(typed: Typed, desk: Path) -> None:
    ended = typed("mine", "model", "text.txt", "--out", "runs/first", "--device", "cpu")
    assert ended.code == 0, ended.err
    assert "runs/first" in ended.out
    run = RunFolder.open(desk / "runs" / "first")
    assert run.manifest.sentences == 3
    assert run.manifest.model == "model"
    assert run.manifest.command_line[-3:] == ["runs/first", "--device", "cpu"]
    assert list(run.triggers(layer=0, key=0)["prefix"]) == ["the cat"]


def test_every_option_reaches_the_run(typed: Typed, desk: Path) -> None:
    ended = typed(
        *("mine", "model", "text.txt", "--out", "run", "--top-k", 2, "--layers", "0-1"),
        *("--per-sentence", "all", "--sign", "both", "--max-sentences", 2),
        *("--batch-tokens", 5, "--dtype", "float32", "--device", "cpu"),
    )
    assert ended.code == 0, ended.err
    manifest = RunFolder.open(desk / "run").manifest
    assert (manifest.top_k, manifest.per_sentence, manifest.sign) == (2, "all", "both")
    assert (manifest.sentences, manifest.mined_layers, manifest.dtype) == (2, [0, 1], "float32")


@pytest.mark.parametrize(
    ("given", "mined"), [("1", [1]), ("0,1", [0, 1]), ("0-1", [0, 1]), (" 1 , 0 ", [0, 1])]
)
def test_layers_are_written_as_numbers_and_ranges(
    typed: Typed, desk: Path, given: str, mined: list[int]
) -> None:
    ended = typed("mine", "model", "text.txt", "--out", "run", "--layers", given)
    assert ended.code == 0, ended.err
    run = RunFolder.open(desk / "run")
    assert run.manifest.mined_layers == mined
    assert sorted(run.keys()["layer"].unique()) == mined


@pytest.mark.parametrize("layers", ["1,1", "0-1,1"])
def test_a_layer_named_twice_is_mined_once(typed: Typed, desk: Path, layers: str) -> None:
    ended = typed("mine", "model", "text.txt", "--out", "run", "--layers", layers)
    assert ended.code == 0, ended.err
    keys = RunFolder.open(desk / "run").keys()
    assert not keys.duplicated(["layer", "key"]).any()


def test_a_wikitext_file_is_mined_without_its_headings(typed: Typed, desk: Path) -> None:
    text = " \n = the cat = \n \n the old cat sat on the mat . a dog @-@ bird ran . \n \n"
    (desk / "wiki.test.tokens").write_text(text, encoding="utf-8")
    ended = typed("mine", "model", "wiki.test.tokens", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err
    run = RunFolder.open(desk / "run")
    assert list(run.sentences()["text"]) == [
        "the old cat sat on the mat .",
        "a dog @-@ bird ran .",
    ]
    assert run.manifest.skipped["headings"] == 1


# The corpus.


@pytest.mark.parametrize("corpus", ["nowhere.txt", "no-*.txt", "no/such/folder"])
def test_a_missing_corpus_is_named(typed: Typed, desk: Path, corpus: str) -> None:
    arguments = ["mine", "model", corpus, "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, corpus)


@pytest.mark.parametrize("content", ["", "\n\n  \n", "¤¤¤\n¤\n"])
def test_an_empty_corpus_is_refused_by_name(typed: Typed, desk: Path, content: str) -> None:
    (desk / "empty.txt").write_text(content, encoding="utf-8")
    arguments = ["mine", "model", "empty.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "empty.txt")


def test_an_empty_folder_is_refused_by_name(typed: Typed, desk: Path) -> None:
    (desk / "texts").mkdir()
    assert_refused_and_nothing_left(
        typed, desk, ["mine", "model", "texts", "--out", "run"], "texts"
    )


def test_text_that_is_not_utf8_is_refused_with_its_file_and_byte(typed: Typed, desk: Path) -> None:
    (desk / "texts").mkdir()
    (desk / "texts" / "a.txt").write_text("the cat sat\n" * 300, encoding="utf-8")
    (desk / "texts" / "b.txt").write_bytes(b"caf\xc3\xa9\n" * 500 + b"caf\xe9\n")
    arguments = ["mine", "model", "texts", "--out", "run", "--batch-tokens", 64]
    assert_refused_and_nothing_left(typed, desk, arguments, "b.txt", "UTF-8", f"byte {500 * 6 + 3}")


def test_a_text_with_a_lone_surrogate_in_json_is_no_traceback(typed: Typed, desk: Path) -> None:
    (desk / "a.jsonl").write_text('{"text": "the \\ud800 cat"}\n', encoding="utf-8")
    before = contents(desk)
    ended = typed("mine", "model", "a.jsonl", "--out", "run")
    if ended.code == 0:  # reading it with a replacement character would do as well
        assert "the" in RunFolder.open(desk / "run").sentences()["text"].iloc[0]
    else:
        assert_refused(ended, "a.jsonl")
        assert contents(desk) == before


# Options and places.


@pytest.mark.parametrize(
    "option",
    [
        ("--top-k", "0"),
        ("--top-k", "-1"),
        ("--top-k", "many"),
        ("--layers", "2"),
        ("--layers", "0-9"),
        ("--layers", "x"),
        ("--layers", "1-0"),
        ("--layers", "-1"),
        ("--layers", "0,,1"),
        ("--layers", "0,"),
        ("--layers", "²"),
        ("--per-sentence", "two"),
        ("--sign", "negative"),
        ("--dtype", "int8"),
        ("--device", "abacus"),
        ("--max-sentences", "0"),
        ("--batch-tokens", "0"),
        ("--no-such-option", "1"),
    ],
)
def test_an_impossible_option_is_named(typed: Typed, desk: Path, option: tuple[str, str]) -> None:
    arguments = ["mine", "model", "text.txt", "--out", "run", *option]
    assert_refused_and_nothing_left(typed, desk, arguments, option[0].lstrip("-").split("-")[0])


@pytest.mark.parametrize("layers", ["0-99999999999", "99999999999999999999"])
def test_an_absurd_layer_is_refused_at_once(typed: Typed, desk: Path, layers: str) -> None:
    arguments = ["mine", "model", "text.txt", "--out", "run", "--layers", layers]
    assert_refused_and_nothing_left(typed, desk, arguments, "layer")


def test_a_layer_that_does_not_exist_is_named_with_those_that_do(typed: Typed, desk: Path) -> None:
    arguments = ["mine", "model", "text.txt", "--out", "run", "--layers", "0,7"]
    assert_refused_and_nothing_left(typed, desk, arguments, "7", "1")


@pytest.mark.parametrize("arguments", [["mine"], ["mine", "model"], ["mine", "model", "text.txt"]])
def test_missing_arguments_are_refused(typed: Typed, desk: Path, arguments: list[object]) -> None:
    assert_refused_and_nothing_left(typed, desk, arguments)


def test_an_unknown_command_is_refused(typed: Typed, desk: Path) -> None:
    assert_refused_and_nothing_left(typed, desk, ["dig"], "dig")


def test_an_out_folder_that_already_holds_a_run_is_left_as_it_is(typed: Typed, desk: Path) -> None:
    arguments = ["mine", "model", "text.txt", "--out", "run", "--device", "cpu"]
    assert typed(*arguments).code == 0
    assert_refused_and_nothing_left(typed, desk, arguments, "run", "already holds a run")


def test_an_out_folder_with_other_files_is_left_as_it_is(typed: Typed, desk: Path) -> None:
    (desk / "run").mkdir()
    (desk / "run" / "thesis.txt").write_text("years of work", encoding="utf-8")
    arguments = ["mine", "model", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "run")


@pytest.mark.parametrize("out", ["text.txt", "text.txt/run"])
def test_an_out_folder_that_is_or_lies_below_a_file_is_refused(
    typed: Typed, desk: Path, out: str
) -> None:
    arguments = ["mine", "model", "text.txt", "--out", out]
    assert_refused_and_nothing_left(typed, desk, arguments, "text.txt")


# What only a process can show.


def started(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "mining", *arguments],
        cwd=desk,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_real_process_ends_with_code_2_and_one_line(desk: Path) -> None:
    (desk / "latin.txt").write_bytes(b"the cat\n" * 50 + b"caf\xe9\n")
    before = contents(desk)
    ended = started(desk, "mine", "model", "latin.txt", "--out", "run", "--device", "cpu")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "byte 403" in ended.stderr, ended.stderr
    assert ended.stdout == ""
    assert contents(desk) == before


def test_a_real_process_mines_and_shows(desk: Path) -> None:
    ended = started(desk, "mine", "model", "text.txt", "--out", "run", "--device", "cpu")
    assert ended.returncode == 0, ended.stderr
    assert "run" in ended.stdout and "Traceback" not in ended.stderr
    ended = started(desk, "show", "run", "0", "0")
    assert ended.returncode == 0 and ended.stderr == ""
    assert "the cat" in ended.stdout
