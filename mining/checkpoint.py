"""The state of an unfinished run, kept in its folder so that an interruption costs little.

One file, replaced whole: arrays by name in NumPy's format, and a description in JSON that says
what is being mined and how far the corpus had been read. Nothing in it is executed on loading.
"""

import json
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mining.errors import RunFolderError
from mining.run_folder import CHECKPOINT

_ABOUT = "about"
_LONGEST = 60  # characters of a value in a message: its end, since paths differ there


@dataclass
class Checkpoints:
    """The checkpoint of one run folder, written at most every so many seconds."""

    folder: Path
    seconds: float
    written: float = 0.0  # on the monotonic clock; the run's start, to begin with

    def __post_init__(self) -> None:
        self.written = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time for another one."""
        return time.monotonic() - self.written >= self.seconds

    def save(self, about: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        """Replace the checkpoint; what was there stays if this fails."""
        target = self.folder / CHECKPOINT
        partial = target.with_suffix(".partial")
        arrays: dict[str, Any] = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        arrays[_ABOUT] = np.array(json.dumps(about))
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
        self.written = time.monotonic()


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
    """(about, tensors) of the checkpoint in a folder; None if there is none."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(str(stored[_ABOUT]))
            return about, {
                name: torch.from_numpy(stored[name]) for name in stored.files if name != _ABOUT
            }
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as mistake:
        raise RunFolderError(
            f"{path} is damaged ({mistake}); delete {folder} and mine again."
        ) from None


def refuse_difference(stored: dict[str, Any], asked: dict[str, Any], folder: Path) -> None:
    """RunFolderError naming the first thing that is not as it was when the run began."""
    for name, value in asked.items():
        if stored.get(name) != value:
            raise RunFolderError(
                f"{folder} was begun with another {name} ({_short(stored.get(name))}, now"
                f" {_short(value)}); resume with the same, or mine into another --out."
            )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"
