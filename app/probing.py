"""The app's side of probing: what a key makes of a text that somebody types.

A process of its own holds the model (`python -m mining probe-server`), so that neither torch nor a
failure of the model is ever in the app's own. It loads in the background and ends when nobody has
asked for a while, or when the app does. Keep one Prober a run: each has at most one process.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mining.errors import AnnotationError

IDLE_SECONDS = 15 * 60.0
LONGEST_TEXT = 5_000  # characters; in JSON they fit a pipe, so that no question waits to be written
ABSENT, LOADING, READY, FAILED = "absent", "loading", "ready", "failed"

_ROOT = Path(__file__).parents[1]
_PATIENCE = 5.0  # seconds that a process has to end by itself
_Message = dict[str, Any]


@dataclass(frozen=True)
class Probed:
    """What a key made of a text, token by token. `token_ends` are character offsets."""

    token_ends: tuple[int, ...]
    coefficients: tuple[float, ...]
    yardstick: float | None  # the coefficient of the key's last trigger; None: it has none
    ranked: tuple[bool, ...] = ()  # False at special tokens, which are never triggers


class Prober:
    """Answers what keys of one run make of a text; safe to use from several threads."""

    def __init__(
        self,
        run_folder: str | Path,
        *,
        model: str | None = None,
        idle_seconds: float = IDLE_SECONDS,
        command: Sequence[str] = (sys.executable, "-m", "mining", "probe-server"),
    ) -> None:
        """Nothing is started yet. `model`: where the run's model is now, if it has moved.

        `command` is given the run folder, and `--model` with a model, as its last arguments.
        """
        self._command = [*command, str(run_folder), *(["--model", model] if model else [])]
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._refused = ""  # why there is none, if the system refused to start it

    def state(self) -> str:
        """`absent` (not started, or put away when idle), `loading`, `ready` or `failed`."""
        process = self._process
        if process is None:
            return FAILED if self._refused else ABSENT
        return process.state

    @property
    def failure(self) -> str:
        """Why the state is `failed`, in one line; empty otherwise."""
        process = self._process
        return self._refused if process is None else process.failure

    def start(self) -> None:
        """Load the model in the background, unless it is there or loading already."""
        with self._lock:
            if self.state() in (LOADING, READY):
                return
            try:
                self._process, self._refused = _Process(self._command, self._idle_seconds), ""
            except OSError as mistake:
                self._process = None
                self._refused = f"No process can be started for the model: {mistake.strerror}."

    def ask(self, layer: int, key: int, text: str, timeout: float = 30.0) -> Probed:
        """What this key makes of the text; waits for the model if it is loading.

        Raises AnnotationError, in one line, if the model is not there, refuses the text, fails, or
        has not answered after `timeout` seconds.
        """
        if len(text) > LONGEST_TEXT:
            raise AnnotationError(
                f"The text has {len(text):,} characters; shorten it to {LONGEST_TEXT:,}."
            )
        process = self._process
        if process is None:
            raise AnnotationError(self._refused or _NOT_LOADED)
        answer = process.ask({"layer": layer, "key": key, "text": text}, timeout)
        if "error" in answer:
            raise AnnotationError(answer["error"])
        return Probed(
            tuple(answer["token_ends"]), tuple(answer["coefficients"]), answer["yardstick"],
            tuple(answer["ranked"]),
        )  # fmt: skip

    def stop(self) -> None:
        """Put the model away; whoever waits for an answer is told so."""
        process = self._process
        if process is not None:
            process.end()


_NOT_LOADED = "The model is not loaded; load it first."


class _Process:
    """One process, from its start to its end."""

    def __init__(self, command: Sequence[str], idle_seconds: float) -> None:
        self.state, self.failure = LOADING, ""
        self._idle_seconds = idle_seconds
        self._used = time.monotonic()
        self._waiting: dict[int, Future[_Message]] = {}  # by the question's id
        self._numbers = count()
        self._changed = threading.Condition()  # guards all of these
        self._writing = threading.Lock()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (its standard error, kept open)
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints,
            text=True, encoding="utf-8", env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        atexit.register(self.end)
        for work in (self._read, self._watch):
            threading.Thread(target=work, daemon=True, name=f"probe {work.__name__}").start()

    def ask(self, question: _Message, timeout: float) -> _Message:
        """The answer, once there is one; AnnotationError if there is none."""
        until = time.monotonic() + timeout
        with self._changed:
            self._used = time.monotonic()
            self._changed.wait_for(lambda: self.state != LOADING, timeout)
            if self.state == LOADING:
                raise AnnotationError("The model is still being loaded; ask again in a moment.")
            if self.state != READY:
                raise AnnotationError(self.failure or _NOT_LOADED)
            number, answer = next(self._numbers), Future[_Message]()
            self._waiting[number] = answer
        try:
            self._write({"id": number} | question)
            return answer.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise AnnotationError(f"No answer came within {timeout:.0f} s; ask again.") from None
        finally:
            with self._changed:
                self._waiting.pop(number, None)

    def end(self) -> None:
        """End the process, because nobody needs it."""
        with self._changed:
            if self.state in (LOADING, READY):
                self.state = ABSENT
        self._child.terminate()
        try:
            self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()

    def _write(self, question: _Message) -> None:
        assert self._child.stdin is not None
        try:
            with self._writing:
                self._child.stdin.write(json.dumps(question) + "\n")
                self._child.stdin.flush()
        except (OSError, ValueError):
            pass  # it has ended, or its pipe is closed: whoever reads it tells those who wait

    def _read(self) -> None:
        """Thread: take what the process says, until it ends."""
        assert self._child.stdout is not None
        try:
            for line in self._child.stdout:
                self._take(json.loads(line))
        except (ValueError, KeyError, TypeError):
            self.failure = "The process that holds the model says what nobody understands."
            self._child.kill()
        self._child.wait()
        self._ended()

    def _take(self, message: _Message) -> None:
        with self._changed:
            if "ready" in message and self.state == LOADING:
                self.state, self._used = READY, time.monotonic()
                self._changed.notify_all()
            elif "id" not in message:
                self.failure = message["error"]  # it ends now
            elif (answer := self._waiting.pop(message["id"], None)) is not None:
                answer.set_result(message)

    def _ended(self) -> None:
        """Say that the process is no more, to whoever asks or waits."""
        with self._changed:
            if self.state == ABSENT:
                told = "The model was put away meanwhile; load it again."
            else:
                self.failure = told = self.failure or self._reason()
                self.state = FAILED
            for answer in self._waiting.values():
                answer.set_exception(AnnotationError(told))
            self._waiting.clear()
            self._changed.notify_all()
        atexit.unregister(self.end)
        with self._writing:
            for stream in (self._child.stdin, self._child.stdout, self._complaints):
                with suppress(OSError):  # what was not written yet cannot be
                    stream.close()  # type: ignore[union-attr]

    def _reason(self) -> str:
        """Why the process ended by itself."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        code = self._child.returncode
        if code < 0:
            said = f"{signal.Signals(-code).name}, perhaps for want of memory"
        return f"The process that holds the model ended ({said or f'code {code}'}); load it again."

    def _watch(self) -> None:
        """Thread: end the process when nobody has asked for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self.state != LOADING)
            while self.state == READY:
                left = self._used + self._idle_seconds - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            else:
                return
        self.end()
