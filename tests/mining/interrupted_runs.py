"""Runs interrupted after so many batches, which leave a checkpoint to go on from."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mining.corpus import open_corpus
from mining.errors import Interrupted
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import CHECKPOINT, MANIFEST

OPTIONS = MiningOptions(
    top_k=5, sign="both", batch_tokens=40, resume=True, checkpoint_seconds=0.0
)  # a checkpoint after each of some hundred batches
TIMINGS = ("wall_seconds", "tokens_per_second")


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


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a run folder; the manifest without its timings."""
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    manifest = json.loads(files[MANIFEST])
    for name in TIMINGS:
        del manifest[name]
    files[MANIFEST] = json.dumps(manifest).encode()
    return files
