"""Ray, as far as mining needs it: connect, hand out tasks, take their answers, be quiet.

The only module that imports Ray, and only when a cluster is asked for. Ray tries a task again when
the worker or the node that ran it is lost; what a task itself cannot do comes back as an answer.
"""

import io
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import mining
from mining.errors import Interrupted, KeyholeError

EXTRA = "requirements-cluster.txt"
RETRIES = 5  # of a task whose worker was lost
AHEAD = 2  # tasks handed out, as a multiple of those that can run at once
_POLL = 1.0  # seconds after which a signal is looked at
_PATIENCE = 10.0  # seconds for an address to answer


class Tasks:
    """The tasks of one run on a cluster that is connected to."""

    def __init__(self, ray: Any, *, gpus: bool) -> None:
        self._ray = ray
        self._gpus = gpus
        self._running: dict[Any, Any] = {}  # reference → what it is

    @property
    def at_once(self) -> int:
        """How many of these tasks can run now; the cluster may grow and shrink."""
        resources = self._ray.cluster_resources()
        return int(resources.get("GPU" if self._gpus else "CPU", 0))

    @property
    def full(self) -> bool:
        """Whether enough tasks have been handed out for every worker to find its next one."""
        return len(self._running) >= AHEAD * max(1, self.at_once)

    def share(self, value: Any) -> Any:
        """Put a value where every task finds it, once."""
        return self._ray.put(value)

    def submit(self, what: Any, work: Callable[..., Any], *arguments: Any, forward: bool) -> None:
        """Hand out a task; `forward`: it runs the model, and so wants a GPU where there are any."""
        task = self._ray.remote(work).options(
            num_cpus=1, num_gpus=int(forward and self._gpus), max_retries=RETRIES,
            name=work.__name__,
        )  # fmt: skip
        self._running[task.remote(*arguments)] = what

    def answer(self) -> tuple[Any, Any]:
        """Wait for any task: (what it is, its answer)."""
        done: list[Any] = []
        while not done:
            with _interruptions():
                done, _ = self._ray.wait([*self._running], num_returns=1, timeout=_POLL)
        what = self._running.pop(done[0])
        try:
            return what, self._ray.get(done[0])
        except self._ray.exceptions.RayTaskError as mistake:
            if isinstance(mistake.cause, ImportError) or "ModuleNotFoundError" in str(mistake):
                raise KeyholeError(
                    "A worker cannot import what this program is made of; every node needs the"
                    f" project under the same path, and {EXTRA} installed"
                    f" ({_last_line(mistake)})."
                ) from None
            raise  # a mistake of ours
        except self._ray.exceptions.RayError as mistake:
            raise KeyholeError(
                f"The cluster lost a task {RETRIES + 1} times or cannot go on"
                f" ({type(mistake).__name__}: {_last_line(mistake)}). What was finished is kept:"
                " go on with the same command and --resume."
            ) from None

    def cancel(self) -> None:
        """Have the workers stop, and wait a little for them to do so."""
        for reference in self._running:
            with suppress(Exception):  # the cluster may be what has failed
                self._ray.cancel(reference, force=True)
        if self._running:
            with suppress(Exception):
                self._ray.wait([*self._running], num_returns=len(self._running), timeout=5.0)


@contextmanager
def connected(address: str, gpus: bool, notice: Callable[[str], None]) -> Iterator[Tasks]:
    """Connect to a cluster: `auto` finds the one that runs here, `local` starts one for this run.

    A program that is connected already stays so. KeyholeError says what is missing.
    """
    ray = _ray()
    before = signal.getsignal(signal.SIGTERM)
    already = ray.is_initialized()
    with redirect_stdout(_Said(notice)):
        try:
            if not already:
                _connect(ray, address)
            tasks = Tasks(ray, gpus=gpus)
            if not tasks.at_once:
                kind = "GPU, and this run is on one (--device)" if gpus else "processor for a task"
                raise KeyholeError(f"The cluster at {address} has no {kind}; add a node that has.")
            try:
                yield tasks
            finally:
                tasks.cancel()
        finally:
            if not already:
                ray.shutdown()
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGTERM, before)  # Ray puts its own in place


@contextmanager
def _interruptions() -> Iterator[None]:
    """Ray makes an error of its own of what a signal handler raises while it waits: undo that."""
    try:
        yield
    except SystemError as mistake:
        if isinstance(mistake.__cause__, Interrupted):
            raise mistake.__cause__ from None
        raise


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of a change
    try:
        import ray
    except ImportError:
        raise KeyholeError(
            f"--cluster needs Ray, which is not installed: pip install -r {EXTRA}."
        ) from None
    return ray


def _connect(ray: Any, address: str) -> None:
    address = os.environ.get("RAY_ADDRESS") or "auto" if address == "auto" else address
    if address not in ("auto", "local"):
        _check_answers(address)
    alone = {"include_dashboard": False} if address == "local" else {}
    searched = [str(Path(mining.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.CRITICAL,
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, searched))}},
            **alone,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, OSError) as mistake:
        mend = (
            "start one with `ray start --head`, or use --cluster local"
            if address == "auto"
            else "check that the same Ray and Python run there"
        )
        raise KeyholeError(
            f"No connection to a cluster ({address}): {_last_line(mistake)}; {mend}."
        ) from None


def _check_answers(address: str) -> None:
    """KeyholeError if nothing listens there: Ray itself would try for minutes, and print pages."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise KeyholeError(f"--cluster {address} is not understood; use auto, local or HOST:PORT.")
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as mistake:
        raise KeyholeError(
            f"No cluster answers at {address} ({getattr(mistake, 'strerror', None) or mistake});"
            " check the address, or start one with `ray start --head`."
        ) from None


def _last_line(mistake: BaseException) -> str:
    lines = [line.strip() for line in str(mistake).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:200] if lines else type(mistake).__name__


class _Said(io.TextIOBase):
    """What Ray prints: pages of it when a node is lost, of which one line is passed on."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice

    def write(self, text: str) -> int:
        """Look at what was printed."""
        if "the task will be retried" in text:
            self._notice("a worker was lost; what it was at is done again")
        return len(text)
