"""The state of an unfinished run, kept in its folder so that an interruption costs little.

One file, replaced whole: arrays by name in NumPy's format, and a description in JSON that says
what is being mined and how far the corpus had been read. Nothing in it is executed on loading.
"""

import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mining.errors import RunFolderError
from mining.run_folder import CHECKPOINT

_ABOUT = "about"
_FORMAT = 3  # of what a checkpoint holds; earlier ones count other windows, or lack sums
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
        about = about | {"format": _FORMAT}
        write_state(target, target.with_suffix(".partial"), about, tensors)
        self.written = time.monotonic()


def write_state(
    target: Path, partial: Path, about: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> None:
    """Write a file whole, under the name `partial` until it is; what was there stays until then."""
    arrays: dict[str, Any] = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    arrays[_ABOUT] = np.array(json.dumps(about))
    with partial.open("wb") as stream:
        np.savez(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)


def read_state(path: Path, mend: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """(about, tensors) of such a file; RunFolderError, with how to mend it, for a damaged one."""
    with _opened(path, mend) as stored:
        return json.loads(str(stored[_ABOUT])), {
            name: torch.from_numpy(stored[name]) for name in stored.files if name != _ABOUT
        }


def read_about(path: Path, mend: str) -> dict[str, Any]:
    """Only what such a file says of itself."""
    with _opened(path, mend) as stored:
        about: dict[str, Any] = json.loads(str(stored[_ABOUT]))
        return about


@contextmanager
def _opened(path: Path, mend: str) -> Iterator[Any]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            yield stored
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as mistake:
        raise RunFolderError(f"{path} is damaged ({mistake}); {mend}.") from None


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
    """(about, tensors) of the checkpoint in a folder; None if there is none."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    about, tensors = read_state(path, f"delete {folder} and mine again")
    if about.get("format") != _FORMAT:
        raise RunFolderError(
            f"{folder} was begun by another version of Keyhole, which counts otherwise; finish it"
            " with that one, or delete it and mine again."
        )
    return about, tensors


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
