"""A fairseq file is read without running anything in it, and what is wrong with one is named."""

import argparse
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from fairseq_models import numbers, save, state_of

from mining.errors import ModelError
from mining.fairseq_checkpoint import read_checkpoint
from mining.models import load_model

MADE = numbers()
SOFTMAX, EMBEDDING = "decoder.adaptive_softmax", "decoder.embed_tokens.embeddings"


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(folder), device="cpu", readout=True)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 1200
    return said


def resaved(folder: Path, change: Callable[[dict[str, object]], None], zipped: bool = True) -> Path:
    """A good folder whose file has been changed."""
    save(folder, state_of(MADE))
    stored = torch.load(folder / "model.pt", weights_only=False)
    change(stored)
    torch.save(stored, folder / "model.pt", _use_new_zipfile_serialization=zipped)
    return folder


# What a pickle can do.


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.made),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["args", "args.arch", "model", "extra_state", "a tensor"])
def test_a_malicious_file_is_refused_before_anything_in_it_runs(
    where: str, zipped: bool, tmp_path: Path
) -> None:
    made = tmp_path / "made"

    def change(stored: dict[str, object]) -> None:
        if where == "args.arch":
            stored["args"].arch = Malicious(made)  # type: ignore[attr-defined]
        elif where == "a tensor":
            stored["model"]["decoder.version"] = Malicious(made)  # type: ignore[index]
        else:
            stored[where] = Malicious(made)

    folder = resaved(tmp_path / "model", change, zipped)
    said = refused(folder)
    assert not made.exists()
    assert "nothing in it was run" in said and "mkdir" in said
    torch.load(folder / "model.pt", weights_only=False)
    assert made.exists()  # it would have run


def test_a_bare_malicious_pickle_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", state_of(MADE))
    (folder / "model.pt").write_bytes(pickle.dumps(Malicious(tmp_path / "made"), protocol=2))
    assert "model.pt" in refused(folder)
    assert not (tmp_path / "made").exists()


def test_what_is_allowed_while_reading_is_not_allowed_afterwards(tmp_path: Path) -> None:
    read_checkpoint(save(tmp_path, state_of(MADE)) / "model.pt")
    assert argparse.Namespace not in torch.serialization.get_safe_globals()


def test_settings_of_omegaconf_are_refused_with_what_to_do(tmp_path: Path) -> None:
    save(tmp_path, state_of(MADE))
    config = type("DictConfig", (), {"__module__": "omegaconf.dictconfig"})
    said = refused(_with_foreign_class(tmp_path, config))
    assert "omegaconf.dictconfig.DictConfig" in said
    assert "OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)" in said


def test_objects_of_fairseq_are_refused_with_what_to_keep(tmp_path: Path) -> None:
    save(tmp_path, state_of(MADE))
    meter = type("AverageMeter", (), {"__module__": "fairseq.meters"})
    said = refused(_with_foreign_class(tmp_path, meter))
    assert "fairseq.meters.AverageMeter" in said and "'args': …, 'model': …" in said


def _with_foreign_class(folder: Path, kind: type) -> Path:
    """A file that holds an object of a class whose module is not installed here."""
    name = kind.__module__
    parents = [name.partition(".")[0], name]
    try:
        for module in parents:
            sys.modules[module] = ModuleType(module)
        setattr(sys.modules[name], kind.__name__, kind)
        torch.save({"cfg": kind(), "model": state_of(MADE)}, folder / "model.pt")
    finally:
        for module in parents:
            del sys.modules[module]
    return folder


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 half a zip", None])
def test_a_damaged_file_is_refused_by_name(content: bytes | None, tmp_path: Path) -> None:
    file = save(tmp_path, state_of(MADE)) / "model.pt"
    file.write_bytes(file.read_bytes()[:-3000] if content is None else content)
    assert "model.pt cannot be read as a checkpoint" in refused(tmp_path)


# What is in it.


def drop(*names: str) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda state: [state.pop(name) for name in names] and None


def put(name: str, tensor: torch.Tensor) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda state: state.__setitem__(name, tensor)


LAYER = "decoder.layers.1."
WRONG: dict[str, tuple[Callable[[dict[str, torch.Tensor]], None], str]] = {
    "a lost layer norm": (
        drop(f"{LAYER}final_layer_norm.bias"), f"lacks {LAYER}final_layer_norm.bias",
    ),
    "a lost key": (drop(f"{LAYER}fc1.weight"), f"lacks {LAYER}fc1.weight"),
    "a lost q": (
        drop(f"{LAYER}self_attn.q_proj.bias"), f"lacks {LAYER}self_attn.q_proj.bias",
    ),
    "a lost table": (
        drop(f"{EMBEDDING}.2.0.weight", f"{SOFTMAX}.tail.1.2.weight"),
        f"lacks {EMBEDDING}.2.0.weight",
    ),
    "the lost first table": (
        drop(f"{EMBEDDING}.0.0.weight", f"{SOFTMAX}.head.word_proj.weight"),
        f"lacks {EMBEDDING}.0.0.weight",
    ),
    "a lost projection": (
        drop(f"{EMBEDDING}.1.1.weight", f"{SOFTMAX}.tail.0.0.weight"),
        f"lacks {EMBEDDING}.1.1.weight",
    ),
    "lost classes": (
        drop(f"{SOFTMAX}.head.class_proj.weight"), f"lacks {SOFTMAX}.head.class_proj.weight",
    ),
    "an encoder": (
        put("encoder.layers.0.fc1.weight", torch.zeros(2)),
        "has no place for encoder.layers.0.fc1.weight",
    ),
    "learned positions": (
        put("decoder.embed_positions.weight", torch.zeros(9, 12)),
        "has no place for decoder.embed_positions.weight",
    ),
    "one tail too many": (
        put(f"{SOFTMAX}.tail.2.2.weight", torch.zeros(3, 2)),
        f"has no place for {SOFTMAX}.tail.2.2.weight",
    ),
    "one table too many": (
        put(f"{EMBEDDING}.3.0.weight", torch.zeros(3, 2)),
        f"has no place for {EMBEDDING}.3.0.weight",
    ),
    "q twice": (
        put(f"{LAYER}self_attn.in_proj_bias", torch.zeros(36)),
        f"has no place for {LAYER}self_attn.in_proj_bias",
    ),
    "half a final norm": (
        put("decoder.layer_norm.weight", torch.zeros(12)), "lacks decoder.layer_norm.bias",
    ),
    "classes of another shape": (
        put(f"{SOFTMAX}.head.class_proj.weight", torch.zeros(3, 12)),
        f"{SOFTMAX}.head.class_proj.weight (3 × 12, not 2 × 12)",
    ),
    "keys of another width": (
        put(f"{LAYER}fc1.weight", torch.zeros(20, 11)), f"{LAYER}fc1.weight (20 × 11, not 20 × 12)",
    ),
    "a bias that is a single number": (
        put(f"{LAYER}fc2.bias", torch.tensor(1.0)), f"{LAYER}fc2.bias (a single number, not 12)",
    ),
    "tied tables that differ": (
        put(f"{SOFTMAX}.tail.0.2.weight", torch.ones(20, 8)),
        f"{SOFTMAX}.tail.0.2.weight and {EMBEDDING}.1.0.weight are tied, so one tensor, but they",
    ),
    "tied projections that differ": (
        put(f"{SOFTMAX}.tail.1.0.weight", torch.ones(12, 4)),
        f"{SOFTMAX}.tail.1.0.weight and {EMBEDDING}.2.1.weight are tied",
    ),
    "a tied head that differs": (
        put(f"{SOFTMAX}.head.word_proj.weight", torch.ones(12, 12)),
        f"{SOFTMAX}.head.word_proj.weight and {EMBEDDING}.0.0.weight are tied",
    ),
    "whole numbers": (
        put(f"{LAYER}fc1.weight", torch.ones(20, 12, dtype=torch.int8)),
        f"{LAYER}fc1.weight is torch.int8, and must be a tensor of floats",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_tensor_that_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    change, expected = WRONG[name]
    state = state_of(MADE)
    change(state)
    assert expected in refused(save(tmp_path, state))


def test_rows_of_q_k_and_v_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    state = state_of(MADE, fused=True)
    state["decoder.layers.0.self_attn.in_proj_weight"] = torch.zeros(35, 12)
    assert "in_proj_weight has the shape 35 × 12" in refused(save(tmp_path, state))


def test_a_last_layer_that_is_missing_is_missed(tmp_path: Path) -> None:
    said = refused(save(tmp_path, state_of(MADE), settings={"decoder_layers": 3}))
    assert "lacks decoder.layers.2.fc1.bias" in said and "more" in said


def test_a_projection_said_to_be_of_its_own_must_be_there(tmp_path: Path) -> None:
    settings = {"tie_adaptive_proj": False}
    said = refused(save(tmp_path, state_of(MADE, tied="inputs"), settings=settings))
    assert f"lacks {SOFTMAX}.tail.0.0.weight" in said


def test_a_softmax_of_other_words_than_the_embedding_is_refused(tmp_path: Path) -> None:
    said = refused(save(tmp_path, state_of(numbers(untied=(9, 13, 19)))))
    assert "scores 41 words" in said and "holds 42" in said


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"decoder_attention_heads": None}, "args.decoder_attention_heads is None"),
        ({"decoder_attention_heads": 5}, "args.decoder_attention_heads is 5; it must divide"),
        ({"decoder_attention_heads": "3"}, "args.decoder_attention_heads is '3'"),
        ({"decoder_attention_heads": True}, "args.decoder_attention_heads is True"),
        ({"tokens_per_sample": 0}, "args.tokens_per_sample is 0"),
        ({"max_target_positions": 2.5}, "args.max_target_positions is 2.5"),
        ({"activation_fn": "mish"}, "args.activation_fn 'mish' is not supported; known are relu"),
        ({"decoder_normalize_before": False}, "post-norm"),
        ({"decoder_learned_pos": True}, "args.decoder_learned_pos is True"),
        ({"no_token_positional_embeddings": True}, "it has no positions"),
        ({"character_embeddings": True}, "args.character_embeddings is True"),
        ({"add_bos_token": True}, "args.add_bos_token is True"),
    ],
)
def test_a_setting_that_is_wrong_or_not_supported_is_named(
    settings: dict[str, object], expected: str, tmp_path: Path
) -> None:
    assert expected in refused(save(tmp_path, state_of(MADE), settings=settings))


def test_files_that_are_no_checkpoints_of_fairseq_say_what_they_lack(tmp_path: Path) -> None:
    for stored, expected in (
        ([1, 2], "no state dict under 'model'"),
        ({"model": 3, "args": {}}, "no state dict under 'model'"),
        ({"model": {}}, "neither args nor cfg"),
        ({"model": {}, "args": {}}, "holds no decoder.layers.0"),
    ):
        save(tmp_path, {})
        torch.save(stored, tmp_path / "model.pt")
        assert expected in refused(tmp_path)
    state = {name: x for name, x in state_of(MADE).items() if name.startswith("decoder.layers.")}
    state["decoder.embed_tokens.weight"] = torch.zeros(9, 12)
    assert "only language models with adaptive input" in refused(save(tmp_path, state))


# What the folder lacks.


def test_a_folder_with_one_of_the_two_files_says_so_and_a_file_asks_for_its_folder(
    tmp_path: Path,
) -> None:
    for kept in ("model.pt", "dict.txt"):
        folder = tmp_path / f"only-{kept}"
        save(tmp_path / "both", state_of(MADE))
        folder.mkdir()
        shutil.copy(tmp_path / "both" / kept, folder)
        assert re.search(rf"it holds {kept} .*model\.pt and dict\.txt", refused(folder))
    assert "give the checkpoint's folder" in refused(tmp_path / "both" / "model.pt")


def test_a_dictionary_of_another_model_is_refused(tmp_path: Path) -> None:
    said = refused(save(tmp_path, state_of(MADE), words=["the", "cat"]))
    assert "makes 6 words" in said and "has 42" in said
