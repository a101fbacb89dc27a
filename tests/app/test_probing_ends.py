"""The process that holds the model fails, is put away, and is started again."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stand_in import PATIENCE, SCRIPT, processes, ready, runs, wait_for

from app.probing import Prober
from mining.errors import AnnotationError

ROOT = Path(__file__).parents[2]


# Failing.


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("refuse", r"^The model is not there\.$"),
        ("crash", r"ended \(MemoryError: it is too large\); load it again"),
        ("chatter", "nobody understands"),
    ],
)
def test_a_process_that_does_not_come_up_says_why_and_can_be_started_again(
    prober: Callable[..., Prober], probed_run: Path, how: str, said: str
) -> None:
    (probed_run / how).touch()
    failing = prober()
    failing.start()
    with pytest.raises(AnnotationError, match=said) as told:
        failing.ask(0, 0, "a", timeout=PATIENCE)
    assert failing.state() == "failed"
    assert failing.failure == str(told.value) and "\n" not in failing.failure
    (probed_run / how).unlink()
    ready(failing)
    assert failing.failure == ""
    assert failing.ask(0, 0, "a").token_ends == (1,)


def test_whoever_waits_is_told_when_the_process_dies(prober: Callable[..., Prober]) -> None:
    dying = ready(prober())
    with ThreadPoolExecutor(3) as crowd:
        waiting = [crowd.submit(dying.ask, 0, 0, "nothing", PATIENCE) for _ in range(2)]
        time.sleep(0.1)
        with pytest.raises(AnnotationError, match="SIGKILL"):
            dying.ask(0, 0, "die", timeout=PATIENCE)
        for one in waiting:
            with pytest.raises(AnnotationError, match="SIGKILL"):
                one.result(PATIENCE)
    assert dying.state() == "failed" and "load it again" in dying.failure
    with pytest.raises(AnnotationError, match="SIGKILL"):
        dying.ask(0, 0, "a")
    assert ready(dying).ask(0, 0, "a").token_ends == (1,)


# Ending.


def test_it_is_put_away_when_nobody_has_asked_for_a_while(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    idle = ready(prober(idle_seconds=0.2))
    wait_for(lambda: idle.state() == "absent")
    wait_for(lambda: not runs(processes(probed_run)[0]))
    assert idle.failure == ""
    with pytest.raises(AnnotationError, match="not loaded"):
        idle.ask(0, 0, "a")
    idle.start()
    wait_for(lambda: len(processes(probed_run)) == 2)


def test_asking_keeps_it_from_being_put_away(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    busy = ready(prober(idle_seconds=1.0))
    end = time.monotonic() + 1.6
    while time.monotonic() < end:
        busy.ask(0, 0, "a", timeout=PATIENCE)
        time.sleep(0.05)
    assert busy.state() == "ready"
    assert len(processes(probed_run)) == 1


def test_stopping_ends_the_process_and_tells_who_waits(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    stopped = ready(prober())
    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(stopped.ask, 0, 0, "nothing", PATIENCE)
        time.sleep(0.1)
        stopped.stop()
        with pytest.raises(AnnotationError, match="put away"):
            waiting.result(PATIENCE)
    assert (stopped.state(), stopped.failure) == ("absent", "")
    wait_for(lambda: not runs(processes(probed_run)[0]))
    stopped.stop()
    assert ready(stopped).ask(0, 0, "a").token_ends == (1,)


def test_stopping_while_it_loads_ends_it_too(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    (probed_run / "wait").touch()
    loading = prober()
    loading.start()
    wait_for(lambda: len(processes(probed_run)) == 1)
    loading.stop()
    assert loading.state() == "absent"
    wait_for(lambda: not runs(processes(probed_run)[0]))


def test_no_thread_is_left_behind(prober: Callable[..., Prober]) -> None:
    before = threading.active_count()
    for _ in range(2):
        ready(stopped := prober()).stop()
        assert stopped.state() == "absent"
    wait_for(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("state", ["ready", "loading"])
def test_it_ends_when_the_app_does_even_if_it_does_not_listen(
    tmp_path: Path, probed_run: Path, state: str
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (probed_run / ("deaf" if state == "ready" else "wait")).touch()
    code = (
        "import sys, time; from app.probing import Prober\n"
        "prober = Prober(sys.argv[2], command=(sys.executable, sys.argv[1]))\n"
        "prober.start()\n"
        "from pathlib import Path\n"
        "started = Path(sys.argv[2], 'started')\n"
        f"while prober.state() != {state!r} or not (started.exists() and started.read_text()):\n"
        "    time.sleep(0.01)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "script.py"), str(probed_run)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)
    (process,) = processes(probed_run)
    wait_for(lambda: not runs(process))
