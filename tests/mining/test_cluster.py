"""Mining on a real local Ray cluster of several nodes, some of which are lost on the way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from checkpoints import Constant, Fires, planted_checkpoint
from corpora import mixed_lines
from interrupted_runs import OPTIONS, contents
from ray.cluster_utils import Cluster
from terminal import Typed, assert_refused

from mining.cluster import mine_on_cluster
from mining.corpus import open_corpus
from mining.errors import Interrupted
from mining.miner import mine
from mining.models import LoadedModel
from mining.run_folder import MANIFEST, SHARDS

ROOT = Path(__file__).parents[2]
WINDOW = 60
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}
QUICK_TO_NOTICE = {
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 200,
    "health_check_timeout_ms": 1000, "health_check_failure_threshold": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of a head without a processor and one worker node; this process is connected."""
    head = {"num_cpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False}
    started = Cluster(
        initialize_head=True, head_node_args=head | {"_system_config": QUICK_TO_NOTICE}
    )
    started.add_node(**NODE)
    path = {"PYTHONPATH": str(ROOT)}
    ray.init(address=started.address, log_to_driver=False, runtime_env={"env_vars": path})
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mining.reading.WINDOW", WINDOW)


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some ten shards."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    lines = [line for seed in range(10) for line in mixed_lines(seed=seed)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(loaded: Callable[[str], LoadedModel]) -> LoadedModel:
    return loaded("random-gelu")


@pytest.fixture
def alone(model: LoadedModel, corpus_file: Path, tmp_path: Path) -> dict[str, bytes]:
    """What one process makes of it."""
    mine(model, open_corpus(str(corpus_file)), tmp_path / "alone", OPTIONS)
    return contents(tmp_path / "alone")


def on(
    cluster: Any, model: LoadedModel, source: Path, out: Path,
    progress: Callable[[int, int], None] = lambda _mined, _expected: None,
    notice: Callable[[str], None] = lambda _line: None,
) -> dict[str, bytes]:  # fmt: skip
    mine_on_cluster(
        model, open_corpus(str(source)), out, OPTIONS, cluster.address, progress, notice
    )
    return contents(out)


class Killing:
    """Kills the process of a worker in the midst of a shard, once."""

    def __init__(self) -> None:
        self.killed = 0

    def __call__(self, _mined: int, _expected: int) -> None:
        patience = time.monotonic() + 10
        while not self.killed and time.monotonic() < patience:
            for process in below(os.getpid()):
                if title(process).startswith("ray::mine_shard"):
                    os.kill(process, signal.SIGKILL)
                    self.killed = process
                    return


def title(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def below(process: int) -> list[int]:
    """All processes that descend from one."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


KILLED_DRIVER = """
import os, signal, sys
import mining.reading
mining.reading.WINDOW = int(sys.argv[1])
import torch
torch.set_num_threads(1)
from interrupted_runs import OPTIONS, after
from mining.cluster import mine_on_cluster
from mining.corpus import open_corpus
from mining.models import load_model
kill = after(4, lambda: os.kill(os.getpid(), signal.SIGKILL))
model, corpus = load_model(sys.argv[2], device="cpu"), open_corpus(sys.argv[3])
mine_on_cluster(model, corpus, __import__("pathlib").Path(sys.argv[4]), OPTIONS, sys.argv[5], kill)
"""


def test_a_driver_that_is_killed_goes_on_from_the_shards_that_were_finished(
    cluster: Any, model: LoadedModel, corpus_file: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    out = tmp_path / "run"
    arguments = [str(WINDOW), model.name, str(corpus_file), str(out), cluster.address]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_DRIVER, *arguments],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests/mining'}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    finished = {path: path.stat().st_mtime_ns for path in (out / SHARDS).glob("0-*.npz")}
    assert len(finished) >= 3
    kept: list[bool] = []

    def look(_mined: int, _expected: int) -> None:
        now = {path: path.stat().st_mtime_ns for path in (out / SHARDS).glob("0-*.npz")}
        kept.append(all(finished[path] == now[path] for path in finished if path in now))

    run = on(cluster, model, corpus_file, out, look)
    manifest, wanted = (json.loads(files[MANIFEST]) for files in (run, alone))
    assert manifest["command_line"][0] == "-c"  # what the run was begun with
    assert manifest | {"command_line": wanted["command_line"]} == wanted
    assert run | {MANIFEST: alone[MANIFEST]} == alone
    assert kept and all(kept)  # none of them was mined again


def test_ctrl_c_keeps_finished_shards_and_the_run_goes_on_from_them(
    cluster: Any, model: LoadedModel, corpus_file: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    def press(_mined: int, _expected: int) -> None:  # while the driver waits for the next shard
        if not pressed:
            pressed.append(threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGINT]))
            pressed[0].start()

    def late(*_: object) -> None:
        """For a run that ends before it is stopped: Python's own handler would end the tests."""

    pressed: list[threading.Timer] = []
    before = signal.signal(signal.SIGINT, late)
    try:
        with pytest.raises(Interrupted, match="--resume") as stopped:
            on(cluster, model, corpus_file, tmp_path / "run", press)
        assert signal.getsignal(signal.SIGINT) is late
        pressed[0].join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.value.exit_code == 130
    assert {path.name for path in (tmp_path / "run").iterdir()} == {SHARDS}
    assert on(cluster, model, corpus_file, tmp_path / "run") == alone


def test_a_mistake_met_by_a_worker_is_one_line(cluster: Any, typed: Typed, desk: Path) -> None:
    planted_checkpoint(desk / "damaged", ((Fires({"cat": float("inf")}), Constant(1.0)),))
    ended = typed("mine", "damaged", "text.txt", "--out", "run", "--cluster", cluster.address)
    assert_refused(ended, "Among sentences 0 to 2, counted from there: Layer 0", "(node ")
    assert not (desk / "run").exists()


def test_the_command_mines_with_the_cluster_and_says_what_came_of_it(
    cluster: Any, typed: Typed, desk: Path
) -> None:
    assert typed("mine", "model", "text.txt", "--out", "alone").code == 0
    ended = typed("mine", "model", "text.txt", "--out", "run", "--cluster")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("run: 2 layers x ")
    for name in ("triggers", "keys", "sentences"):
        files = [desk / run / f"{name}.parquet" for run in ("alone", "run")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_of_one_two_and_five_workers_is_one_processs_even_if_some_are_lost(
    cluster: Any, model: LoadedModel, corpus_file: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    killing, notices = Killing(), []
    one = on(cluster, model, corpus_file, tmp_path / "one", killing, notices.append)
    assert one == alone
    assert killing.killed and "a worker was lost; what it was at is done again" in notices

    second = cluster.add_node(**NODE)
    assert on(cluster, model, corpus_file, tmp_path / "two") == alone

    for _ in range(3):
        cluster.add_node(**NODE)

    def remove(_mined: int, _expected: int) -> None:
        if second in cluster.worker_nodes:
            cluster.remove_node(second, allow_graceful=False)

    assert cluster.wait_for_nodes() is None
    assert ray.cluster_resources()["CPU"] == 5
    assert on(cluster, model, corpus_file, tmp_path / "five", remove) == alone
    assert second not in cluster.worker_nodes
