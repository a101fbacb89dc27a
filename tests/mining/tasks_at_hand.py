"""A cluster that is no cluster: tasks run here, one at a time, in an order drawn at random."""

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from mining.ray_tasks import Tasks


@dataclass
class TasksAtHand:
    """As much of `Tasks` as the driver uses."""

    workers: int = 3
    seed: int = 0
    lost_after: int | None = None  # answers after which the driver is lost
    done: list[str] = field(default_factory=list)  # the tasks' names
    _waiting: list[tuple[Any, Callable[..., Any], bytes]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= self.workers

    def share(self, value: Any) -> Any:
        return value

    def submit(self, what: Any, work: Callable[..., Any], *arguments: Any, forward: bool) -> None:
        assert forward == (work.__name__ == "mine_shard")
        self._waiting.append((what, work, pickle.dumps(arguments)))

    def answer(self) -> tuple[Any, Any]:
        if len(self.done) == self.lost_after:
            raise Lost
        draw = random.Random(len(self.done) + self.seed)
        what, work, arguments = self._waiting.pop(draw.randrange(len(self._waiting)))
        self.done.append(work.__name__)
        return what, pickle.loads(pickle.dumps(work(*pickle.loads(arguments))))

    @property
    def connect(self) -> Callable[..., AbstractContextManager[Tasks]]:
        @contextmanager
        def connected(*_: object) -> Iterator[Any]:
            yield self

        return connected


class Lost(Exception):  # noqa: N818
    """The driver is gone."""
