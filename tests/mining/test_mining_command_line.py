"""`python -m mining` as a user types it: bad input gets one line, exit code 2, and leaves nothing.

The program runs in this process (importing torch takes seconds), through the module's own entry;
two tests start a real one, for what only a process can show.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from checkpoints import Checkpoint, word_tokenizer
from safetensors.torch import load_file, save_file
from transformers import (
    GPT2Config,
    GPT2Model,
    MambaConfig,
    MambaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from mining.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
ByName = Callable[[str], Checkpoint]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Typed = Callable[..., Ended]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], desk: Path) -> Typed:
    """Run `python -m mining ARGUMENTS` on the desk."""

    def run(*arguments: object) -> Ended:
        monkeypatch.chdir(desk)
        monkeypatch.setattr(sys, "argv", ["mining", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("mining", run_name="__main__", alter_sys=False)
        captured = capsys.readouterr()
        code = ended.value.code
        return Ended(0 if code is None else int(code), captured.out, captured.err)

    return run


@pytest.fixture
def desk(tmp_path: Path, checkpoint: ByName) -> Path:
    """A folder with a model and a text, in which every command is typed."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "text.txt").write_text("the cat sat\na dog ran\nthe bird\n", encoding="utf-8")
    (folder / "model").symlink_to(checkpoint("planted-relu").folder)
    return folder


def assert_refused(ended: Ended, *said: str) -> None:
    lines = ended.err.splitlines()
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err
    assert len(lines) == 1 and lines[0].startswith("error: "), ended.err
    assert ended.out == ""
    for text in said:
        assert text.lower() in lines[0].lower(), lines[0]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def assert_refused_and_nothing_left(
    typed: Typed, desk: Path, arguments: list[object], *said: str
) -> None:
    before = contents(desk)
    assert_refused(typed(*arguments), *said)
    assert contents(desk) == before


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


def test_a_wikitext_file_is_mined(typed: Typed, desk: Path) -> None:
    text = " \n = the cat = \n \n the old cat sat on the mat . a dog @-@ bird ran . \n \n"
    (desk / "wiki.test.tokens").write_text(text, encoding="utf-8")
    ended = typed("mine", "model", "wiki.test.tokens", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err
    run = RunFolder.open(desk / "run")
    assert list(run.sentences()["text"]) == [
        "= the cat =",
        "the old cat sat on the mat .",
        "a dog @-@ bird ran .",
    ]


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


# The model.


def test_a_missing_model_folder_is_named(typed: Typed, desk: Path) -> None:
    arguments = ["mine", "./no-model", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "no-model")


def test_a_model_id_that_cannot_be_had_is_named(typed: Typed, desk: Path) -> None:
    arguments = ["mine", "nobody/no-such-model", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "nobody/no-such-model")


def test_a_file_or_a_folder_without_a_config_is_no_checkpoint(typed: Typed, desk: Path) -> None:
    (desk / "papers").mkdir()
    (desk / "papers" / "paper.txt").write_text("not a model", encoding="utf-8")
    for model in ("papers", "text.txt"):
        arguments = ["mine", model, "text.txt", "--out", "run"]
        assert_refused_and_nothing_left(typed, desk, arguments, model)


def copied(checkpoint: Checkpoint, folder: Path) -> Path:
    shutil.copytree(checkpoint.folder, folder)
    return folder


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("config.json", b"[]"),
        ("config.json", b'{"model_type": "no-such-architecture"}'),
        ("config.json", b"\xff\xfe"),
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("model.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00garbage"),
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", None),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(
    typed: Typed, desk: Path, checkpoint: ByName, file: str, content: bytes | None
) -> None:
    folder = copied(checkpoint("planted-relu"), desk / "damaged")
    (folder / file).unlink() if content is None else (folder / file).write_bytes(content)
    arguments = ["mine", "damaged", "text.txt", "--out", "run", "--device", "cpu"]
    assert_refused_and_nothing_left(typed, desk, arguments, "damaged")


def test_a_checkpoint_cut_short_is_refused(typed: Typed, desk: Path, checkpoint: ByName) -> None:
    weights = copied(checkpoint("random-relu"), desk / "short") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    arguments = ["mine", "short", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "short")


def test_a_checkpoint_that_lacks_weights_is_not_filled_up_with_random_ones(
    typed: Typed, desk: Path, checkpoint: ByName
) -> None:
    weights = copied(checkpoint("random-relu"), desk / "lacking") / "model.safetensors"
    tensors = load_file(weights)
    del tensors["transformer.h.1.mlp.c_fc.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    arguments = ["mine", "lacking", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "h.1.mlp.c_fc.weight")


def test_weights_of_another_size_than_the_config_says_are_refused(
    typed: Typed, desk: Path, checkpoint: ByName
) -> None:
    config = copied(checkpoint("random-relu"), desk / "other") / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "n_inner": 48}))
    arguments = ["mine", "other", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "other")


def test_a_model_without_a_known_feed_forward_block_says_which_modules_were_seen(
    typed: Typed, desk: Path
) -> None:
    config = MambaConfig(vocab_size=64, hidden_size=8, state_size=4, num_hidden_layers=1)
    MambaForCausalLM(config).save_pretrained(desk / "mamba")
    word_tokenizer().save_pretrained(desk / "mamba")
    arguments = ["mine", "mamba", "text.txt", "--out", "run"]
    assert_refused_and_nothing_left(typed, desk, arguments, "mamba", "mixer", "in_proj")


def test_a_model_that_is_no_causal_language_model_is_refused(typed: Typed, desk: Path) -> None:
    config = T5Config(vocab_size=64, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(desk / "t5")
    word_tokenizer().save_pretrained(desk / "t5")
    assert_refused_and_nothing_left(typed, desk, ["mine", "t5", "text.txt", "--out", "run"], "t5")


def test_a_checkpoint_without_an_output_head_is_mined(typed: Typed, desk: Path) -> None:
    # GPT-2 saved as a bare model: its tensors lack the "transformer." in front.
    tokenizer = word_tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=1, n_head=1, n_positions=16)
    GPT2Model(config).save_pretrained(desk / "bare")
    tokenizer.save_pretrained(desk / "bare")
    ended = typed("mine", "bare", "text.txt", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err


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


# Show.


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
