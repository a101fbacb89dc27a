"""An interrupted run goes on from its checkpoint and ends as if nothing had happened."""

import json
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
from corpora import mixed_lines

from mining.corpus import open_corpus
from mining.errors import CorpusError, Interrupted, KeyholeError, RunFolderError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import CHECKPOINT, MANIFEST, RunFolder

Loaded = Callable[[str], LoadedModel]

TIMINGS = ("wall_seconds", "tokens_per_second")
OPTIONS = MiningOptions(
    top_k=5, sign="both", batch_tokens=40, resume=True, checkpoint_seconds=0.0
)  # a checkpoint after each of some hundred batches


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    lines = [line for seed in range(3) for line in mixed_lines(seed=seed)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a run folder; the manifest without its timings."""
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    manifest = json.loads(files[MANIFEST])
    for name in TIMINGS:
        del manifest[name]
    files[MANIFEST] = json.dumps(manifest).encode()
    return files


def after(batches: int, happens: Callable[[], object]) -> Callable[[int, int], None]:
    """A progress callback during which something happens."""
    seen = 0

    def progress(_mined: int, _expected: int) -> None:
        nonlocal seen
        seen += 1
        if seen == batches:
            happens()

    return progress


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


CHANGES = {
    "--top-k": {"top_k": 6},
    "--layers": {"layers": [1]},
    "--per-sentence": {"per_sentence": "all"},
    "--sign": {"sign": "positive"},
    "--max-sentences": {"max_sentences": 50},
    "--batch-tokens": {"batch_tokens": 41},
}


@pytest.mark.parametrize("option", CHANGES)
@pytest.mark.parametrize("complete", [False, True])
def test_resuming_with_another_option_is_refused_by_name(
    loaded: Loaded, source: Path, tmp_path: Path, option: str, complete: bool
) -> None:
    model, corpus, out = loaded("random-gelu"), open_corpus(str(source)), tmp_path / "run"
    begin(model, source, out, complete=complete)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(RunFolderError, match=option):
        mine(model, corpus, out, replace(OPTIONS, **CHANGES[option]))  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_resuming_with_another_model_or_tokenizer_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    with pytest.raises(RunFolderError, match="model"):
        mine(loaded("planted-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)
    other = replace(loaded("random-relu"), tokenizer_sha256="0" * 64)
    with pytest.raises(RunFolderError, match="tokenizer"):
        mine(other, open_corpus(str(source)), tmp_path / "run", OPTIONS)


def test_resuming_with_another_corpus_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    other = source.with_name("other.txt")
    other.write_bytes(source.read_bytes())
    with pytest.raises(RunFolderError, match=r"another corpus .*corpus\.txt.*other\.txt"):
        mine(loaded("random-relu"), open_corpus(str(other)), tmp_path / "run", OPTIONS)


def test_resuming_over_changed_text_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mining.reading.WINDOW", 20)  # the checkpoint lies in a later window
    begin(loaded("random-relu"), source, tmp_path / "run", batches=30)
    text = source.read_text(encoding="utf-8")
    source.write_text("a cat" + text, encoding="utf-8")
    with pytest.raises(CorpusError, match="differ"):
        mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)


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


def test_an_interrupted_run_is_not_overwritten_without_resume(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    with pytest.raises(RunFolderError, match="--resume"):
        mine(
            loaded("random-relu"), open_corpus(str(source)), tmp_path / "run",
            replace(OPTIONS, resume=False),
        )  # fmt: skip
    with pytest.raises(RunFolderError, match=r"holds no manifest\.json"):
        RunFolder.open(tmp_path / "run")


def test_resuming_a_complete_run_changes_nothing(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, corpus, out = loaded("random-relu"), open_corpus(str(source)), tmp_path / "run"
    first = mine(model, corpus, out, OPTIONS)
    (out / "values.parquet").write_bytes(b"an analysis made since")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert mine(model, corpus, out, OPTIONS) == first
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_damaged_checkpoint_is_named(loaded: Loaded, source: Path, tmp_path: Path) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    path = tmp_path / "run" / CHECKPOINT
    for damaged in (b"", b"rubbish", path.read_bytes()[:-500]):
        path.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="is damaged"):
            mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)


def test_two_processes_do_not_write_one_run(loaded: Loaded, source: Path, tmp_path: Path) -> None:
    model, corpus, out = loaded("random-relu"), open_corpus(str(source)), tmp_path / "run"
    refused: list[KeyholeError] = []

    def second(_mined: int, _expected: int) -> None:
        if not refused:
            with pytest.raises(RunFolderError, match="another process") as mistake:
                mine(model, corpus, out, OPTIONS)
            refused.append(mistake.value)

    mine(model, corpus, out, OPTIONS, second)
    assert refused
    assert RunFolder.open(out).manifest.sentences > 100


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
