"""An interrupted run goes on from its checkpoint and ends as if nothing had happened."""

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from interrupted_runs import OPTIONS, after, begin, contents

from mining.corpus import open_corpus
from mining.errors import Interrupted
from mining.miner import mine
from mining.models import LoadedModel
from mining.run_folder import CHECKPOINT, MANIFEST

Loaded = Callable[[str], LoadedModel]


def in_a_process(work: Callable[[], object]) -> int:
    """Start a process of its own; its id. It ends with 0, or 1 where the work failed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    """Wait for a process: its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_run_killed_at_twenty_random_moments_ends_byte_for_byte_as_one_left_alone(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus = loaded("random-gelu"), open_corpus(str(source))
    started = time.monotonic()
    mine(model, corpus, tmp_path / "alone", OPTIONS)
    duration = time.monotonic() - started
    wanted = contents(tmp_path / "alone")
    draw = random.Random(0)
    left_off = set()
    for number in range(20):
        out = tmp_path / f"run{number}"
        child = in_a_process(partial(mine, model, corpus, out, OPTIONS))
        time.sleep(draw.uniform(0.0, 1.2 * duration))
        os.kill(child, signal.SIGKILL)
        ended(child)
        names = {path.name for path in out.iterdir()} if out.exists() else set()
        left_off.add((CHECKPOINT in names, MANIFEST in names))
        mine(model, corpus, out, OPTIONS)
        assert contents(out) == wanted, f"killed at {sorted(names)}"
    assert (True, False) in left_off  # some were killed half way


def test_a_run_killed_again_and_again_gets_there(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus = loaded("random-gelu"), open_corpus(str(source))
    mine(model, corpus, tmp_path / "alone", OPTIONS)
    out = tmp_path / "run"
    for batches in (3, 4, 5, 20, 1):
        progress = after(batches, lambda: os.kill(os.getpid(), signal.SIGKILL))
        child = in_a_process(partial(mine, model, corpus, out, OPTIONS, progress))
        assert ended(child) == -signal.SIGKILL
    mine(model, corpus, out, OPTIONS)
    assert contents(out) == contents(tmp_path / "alone")


def test_a_run_stopped_after_its_last_batch_is_finished_when_resumed(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus, out = loaded("random-gelu"), open_corpus(str(source)), tmp_path / "run"
    batches: list[int] = []
    mine(model, corpus, tmp_path / "alone", OPTIONS, lambda done, _: batches.append(done))
    begin(model, source, out, batches=len(batches))
    mine(model, corpus, out, OPTIONS)
    assert contents(out) == contents(tmp_path / "alone")


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_batch_and_leaves_a_checkpoint(
    loaded: Loaded, source: Path, tmp_path: Path, asked: signal.Signals
) -> None:
    model, corpus, out = loaded("random-gelu"), open_corpus(str(source)), tmp_path / "run"
    seldom = replace(OPTIONS, checkpoint_seconds=1000.0)
    mine(model, corpus, tmp_path / "alone", replace(seldom, resume=False))
    before = signal.getsignal(asked)
    with pytest.raises(Interrupted, match="--resume") as stopped:
        mine(
            model, corpus, out, seldom,
            progress=after(4, lambda: os.kill(os.getpid(), asked)),
        )  # fmt: skip
    assert stopped.value.exit_code == 128 + asked
    assert signal.getsignal(asked) is before
    assert {path.name for path in out.iterdir()} == {CHECKPOINT}
    mine(model, corpus, out, seldom)
    assert contents(out) == contents(tmp_path / "alone")


def test_a_full_disk_leaves_the_last_checkpoint_and_one_line(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus, out = loaded("random-gelu"), open_corpus(str(source)), tmp_path / "run"
    mine(model, corpus, tmp_path / "alone", OPTIONS)
    said = tmp_path / "said"

    def until_full() -> None:
        limits = (1000, resource.RLIM_INFINITY)
        fills = partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        try:
            mine(model, corpus, out, OPTIONS, after(5, fills))
        except OSError as mistake:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limits[1], limits[1]))
            said.write_text(str(mistake), encoding="utf-8")

    assert ended(in_a_process(until_full)) == 0
    assert "File too large" in said.read_text(encoding="utf-8")
    assert {path.name for path in out.iterdir()} == {CHECKPOINT}
    mine(model, corpus, out, OPTIONS)
    assert contents(out) == contents(tmp_path / "alone")


def test_many_windows_resume_like_one(
    loaded: Loaded, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mining.reading.WINDOW", 20)
    model, corpus = loaded("random-relu"), open_corpus(str(source))
    mine(model, corpus, tmp_path / "alone", OPTIONS)
    for batches in (1, 9, 10, 11, 40):
        out = tmp_path / f"run{batches}"
        begin(model, source, out, batches=batches)
        mine(model, corpus, out, OPTIONS)
        assert contents(out) == contents(tmp_path / "alone")


def test_resuming_a_complete_run_changes_nothing(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus, out = loaded("random-relu"), open_corpus(str(source)), tmp_path / "run"
    first = mine(model, corpus, out, OPTIONS)
    (out / "values.parquet").write_bytes(b"an analysis made since")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert mine(model, corpus, out, OPTIONS) == first
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_checkpoint_is_used_and_not_only_kept(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus = loaded("random-relu"), open_corpus(str(source))
    counts: list[int] = []
    mine(model, corpus, tmp_path / "alone", OPTIONS, lambda mined, _e: counts.append(mined))
    begin(model, source, tmp_path / "run", batches=25)
    rest: list[int] = []
    mine(model, corpus, tmp_path / "run", OPTIONS, lambda mined, _e: rest.append(mined))
    assert rest == counts[25:]
