"""Ctrl-C and SIGTERM: finish the batch at hand, keep what was done, then stop.

A second signal does not wait for the batch.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mining.errors import Interrupted


class StopRequests:
    """Signals asking to stop: raised as Interrupted at once, or at the end of a batch."""

    def __init__(self) -> None:
        self._asked: signal.Signals | None = None
        self._in_batch = False

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Put off a first signal to the end of this block, so that no batch is counted in part."""
        self._in_batch = True
        try:
            yield
        finally:
            self._in_batch = False
        if self._asked:
            raise Interrupted(self._asked)

    def ask(self, number: int, _frame: FrameType | None = None) -> None:
        """What the signal handler does."""
        again, self._asked = self._asked is not None, signal.Signals(number)
        if again or not self._in_batch:
            raise Interrupted(self._asked)


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Take over SIGINT and SIGTERM, where the program may (in its main thread)."""
    requests = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, requests.ask) for number in numbers]
    try:
        yield requests
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
