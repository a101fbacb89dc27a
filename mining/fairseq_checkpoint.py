"""A fairseq checkpoint: `model.pt` to its settings and tensors, without running anything in it.

A pickle can hold code. This one may hold tensors, plain values and `argparse.Namespace`, nothing
else: what names any other class or function is refused before that is looked up.
"""

import argparse
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mining.errors import ModelError

CHECKPOINT = "model.pt"
_GROUPS = ("task", "model")  # of `cfg`; what the model's own says comes last, and counts
_NAMED = re.compile(r"GLOBAL ([\w.]+)")  # in torch's refusal
# What else a file may say of its model, and what only this kind of model says.
_ONLY = (
    ("decoder_normalize_before", True, "its layers are normed after each block (post-norm)"),
    ("decoder_learned_pos", False, "its positions are learned"),
    ("no_token_positional_embeddings", False, "it has no positions"),
    ("character_embeddings", False, "it reads words by their characters"),
    ("add_bos_token", False, "its sentences begin with <s>"),
)


@dataclass(frozen=True)
class FairseqCheckpoint:
    """What a file holds: settings by fairseq's names, tensors by their names in the state dict."""

    path: Path
    settings: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    def number(self, name: str) -> int | None:
        """A setting that counts something; None where the file does not say."""
        value = self.settings.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ModelError(f"{self.path}: args.{name} is {value!r}; it must be 1 or more.")
        return value

    def flag(self, name: str) -> bool | None:
        """A setting that is on or off; None where the file does not say."""
        value = self.settings.get(name)
        return None if value is None else bool(value)


def read_checkpoint(path: Path) -> FairseqCheckpoint:
    """Read `model.pt`, on the processor. ModelError if it is damaged, or holds anything else.

    Files as torch writes them today are mapped into memory, so that only what is used is read.
    Older ones are read whole.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            stored = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except Exception as mistake:  # a damaged file can fail anywhere in torch
        raise ModelError(_refusal(path, mistake)) from None
    if not isinstance(stored, dict) or not isinstance(stored.get("model"), Mapping):
        raise ModelError(f"{path} holds no state dict under 'model'; is it a fairseq checkpoint?")
    return FairseqCheckpoint(path, _settings(path, stored), _tensors(path, stored["model"]))


def _refusal(path: Path, mistake: Exception) -> str:
    """One line on why torch did not load a file."""
    named = _NAMED.search(str(mistake))
    if named is None:
        reason = (str(mistake).strip() or type(mistake).__name__).splitlines()[0]
        return f"{path} cannot be read as a checkpoint: {reason[:200]}"
    what = named[1]
    convert = (
        "keep only {'args': …, 'model': …} of it"
        if not what.startswith("omegaconf.")
        else "set its 'cfg' to omegaconf.OmegaConf.to_container(cfg, resolve=True,"
        " enum_to_str=True)"
    )
    return (
        f"{path} is refused, and nothing in it was run: it holds {what}, and only tensors, plain"
        f" values and argparse.Namespace are loaded. Where fairseq is installed, {convert} and"
        " torch.save it again."
    )


def _settings(path: Path, stored: dict[str, Any]) -> dict[str, Any]:
    """`args`, or what `cfg` says in its groups, flat."""
    found = next((stored[name] for name in ("args", "cfg") if stored.get(name) is not None), None)
    if found is None:
        raise ModelError(f"{path} holds neither args nor cfg; is it a fairseq checkpoint?")
    outer = _plain(found)
    settings = dict(outer)
    for group in _GROUPS:
        inner = _plain(outer.get(group))
        settings |= {name: value for name, value in inner.items() if not _unresolved(value)}
    for name, expected, otherwise in _ONLY:
        if settings.get(name) is not None and bool(settings[name]) != expected:
            raise ModelError(
                f"{path}: args.{name} is {settings[name]!r}: {otherwise}, which is not supported."
            )
    return settings


def _plain(found: object) -> dict[str, Any]:
    if isinstance(found, argparse.Namespace):
        return vars(found)
    return found if isinstance(found, dict) else {}


def _unresolved(value: object) -> bool:
    """Whether it only points at another setting, as in ${task.tokens_per_sample}."""
    return isinstance(value, str) and value.startswith("${")


def _tensors(path: Path, state: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    """The state dict, without what fairseq only keeps its books with."""
    kept = {}
    for name, tensor in state.items():
        if _bookkeeping(str(name)):
            continue
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, torch.Tensor) else type(tensor).__name__
            raise ModelError(f"{path}: {name} is {kind}, and must be a tensor of floats.")
        kept[str(name)] = tensor
    return kept


def _bookkeeping(name: str) -> bool:
    return name.endswith("._float_tensor") or name in (
        "decoder.version", "decoder.adaptive_softmax.version", "decoder.embed_positions.weights",
    )  # fmt: skip
