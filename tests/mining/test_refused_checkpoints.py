"""A model that cannot be mined is refused by name, before anything is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoints import Checkpoint, word_tokenizer
from safetensors.torch import load_file, save_file
from terminal import Typed, assert_refused_and_nothing_left
from transformers import (
    GPT2Config,
    GPT2Model,
    MambaConfig,
    MambaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

ByName = Callable[[str], Checkpoint]


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
