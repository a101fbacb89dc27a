"""Runs interrupted after so many batches, which leave a checkpoint to go on from."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mining.corpus import open_corpus
from mining.errors import Interrupted
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import CHECKPOINT

OPTIONS = MiningOptions(
    top_k=5, sign="both", batch_tokens=40, resume=True, checkpoint_seconds=0.0
)  # a checkpoint after each of some hundred batches


def after(batches: int, happens: Callable[[], object]) -> Callable[[int, int], None]:
    """A progress callback during which something happens."""
    seen = 0

    def progress(_mined: int, _expected: int) -> None:
        nonlocal seen
        seen += 1
        if seen == batches:
            happens()

    return progress


def press() -> None:
    """Ctrl-C, between two batches."""
    os.kill(os.getpid(), signal.SIGINT)


def begin(
    model: LoadedModel, source: Path, out: Path, *, batches: int = 5, complete: bool = False
) -> None:
    """A run interrupted after some batches, or complete."""
    if complete:
        mine(model, open_corpus(str(source)), out, OPTIONS)
        return
    with pytest.raises(Interrupted):
        mine(model, open_corpus(str(source)), out, OPTIONS, after(batches, press))
    assert (out / CHECKPOINT).exists()
