"""Many annotators at work on one database, in processes that may be killed, and what was kept.

Each annotator claims keys, saves, submits, reopens and skips without a pause. Before a change a
process writes to its journal that it begins it, and after the commit that it is done; the system
keeps a journal when a process is killed. `bench_check.py` compares journals with the database.
"""

import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import insert, select

from annotations import claims, store
from annotations.answers import Answer, PatternAnswer, StoredAnswer
from annotations.database import make_engine, migrate, session
from annotations.people import add_annotator
from annotations.tables import DRAFT, Key, Layer, Prefix, Run
from mining.errors import AnnotationError, ClaimedError

WANTED = 2  # annotators for each key, so that most claims meet somebody else's
KEYS_EACH = 5  # of each annotator's share; they run out when changes are many
_LONGEST_LIFE = 8  # changes, of a process that will be killed
_PATTERNS = 12  # of an answer, when it is submitted at the latest

Entry = dict[str, Any]  # of a journal


def set_up(address: str, annotators: int) -> None:
    """Tables, people with the ids from 1, and keys for them to claim."""
    engine = make_engine(address)
    migrate(engine)
    keys = annotators * KEYS_EACH
    with session(engine) as opened:
        for number in range(annotators):
            add_annotator(session=opened, name=f"annotator {number}")
        run = Run(
            name="load", fingerprint="load", folder="nowhere", model="none", corpus="none",
            layers=1, d_ff=keys, top_k=5,
        )  # fmt: skip
        opened.add(run)
        opened.flush()
        assert run.id is not None
        opened.add(Layer(run_id=run.id, layer=0, keys=keys))
        for number in range(keys):
            opened.add(
                Key(
                    run_id=run.id, layer=0, key=number, active_share=0.1, turn=number, wanted=WANTED
                )
            )  # fmt: skip
        opened.flush()
        prefix = {"coefficient": 1.0, "text": "some text", "token_ends": [4, 9], "next_token": ""}
        place = {"sentence_id": 0, "position": 1, "shading": None}
        rows = [
            prefix | place | {"key_id": key, "rank": rank}
            for key in opened.exec(select(Key.id)).all()
            for rank in range(1, 6)
        ]
        opened.execute(insert(Prefix), rows)
    engine.dispose()


class Journal:
    """What one process begins and has done, a line each, each written at once."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, entry: Entry) -> None:
        """Add a line, past every buffer of this process."""
        os.write(self._file, (json.dumps(entry) + "\n").encode())


class Annotator:
    """A person at one browser window, who remembers what the server last answered."""

    def __init__(self, engine: Engine, person: int, window: str, journal: Journal) -> None:
        self._engine, self._person, self._window = engine, person, window
        self._journal = journal
        self._chance = random.Random(window)
        self._count = 0
        self._key: int | None = None
        self._held: StoredAnswer | None = None
        self._finished: list[int] = []  # keys that can be reopened

    def change(self) -> None:
        """One change; what the store refuses is a change as well."""
        self._count += 1
        if self._key is None:
            if self._finished and self._chance.random() < 0.3:
                self._key = self._chance.choice(self._finished)
                self._do("reopen", store.reopen)
            else:
                self._claim()
            return
        held = self._held
        assert held is not None
        patterns, chance = len(held.answer.patterns), self._chance.random()
        if held.status != DRAFT:
            self._do("reopen", store.reopen)
        elif patterns and (chance < 0.12 or patterns >= _PATTERNS):
            self._do("submit", store.submit)
        elif chance < 0.2:
            self._do("skip", store.skip, reason="no idea")
        else:
            self._save(held)

    def look_again(self) -> None:
        """Forget the key at hand: the server did not say what became of the last change."""
        self._key = self._held = None

    def _save(self, held: StoredAnswer) -> None:
        mark = PatternAnswer("shallow", f"{self._window} {self._count}", (1, 2, 3))
        self._do(
            "save", store.save_draft, answer=Answer((*held.answer.patterns, mark)),
            writer=self._window, sequence=self._count, base_revision=held.revision,
        )  # fmt: skip

    def _claim(self) -> None:
        after = self._chance.choice([None, self._chance.randrange(1, 1_000)])
        entry = self._entry("claim", None)
        with self._timed(entry), session(self._engine) as opened:
            self._key = claims.claim_next(
                session=opened, run_id=1, annotator_id=self._person, after=after
            )
            if self._key is not None:
                self._held = claims.stored(opened, self._person, self._key)
            entry["key"] = self._key

    def _do(self, name: str, change: Callable[..., StoredAnswer], **how: object) -> None:
        key = self._key
        assert key is not None
        entry = self._entry(name, key)
        with self._timed(entry), session(self._engine) as opened:
            self._held = change(session=opened, annotator_id=self._person, key_id=key, **how)
        if name in ("submit", "skip") or entry["state"] == "refused":
            self._finished = [*{*self._finished, key}]
            self.look_again()

    def _entry(self, name: str, key: int | None) -> Entry:
        mark = f"{self._window} {self._count}"
        return {"person": self._person, "key": key, "change": name, "mark": mark}

    @contextmanager
    def _timed(self, entry: Entry) -> Iterator[None]:
        self._journal.write(entry | {"state": "begun"})
        started = time.perf_counter()
        entry["state"] = "done"
        try:
            yield
        except ClaimedError:
            entry["state"] = "refused"
        entry["seconds"] = time.perf_counter() - started
        self._journal.write(entry)


def work(
    address: str, file: Path, people: list[int], changes: int | None, lost_is_fine: bool = False
) -> None:
    """One process: these people at once, each with so many changes, or without an end."""
    engine = make_engine(address)
    journal = Journal(file)

    def annotate(person: int) -> None:
        annotator = Annotator(engine, person, f"{file.stem}-{person}", journal)
        left = changes
        while left is None or left > 0:
            try:
                annotator.change()
            except AnnotationError:
                if not lost_is_fine:
                    raise
                annotator.look_again()  # the server has ended the connection
                time.sleep(0.05)
            left = None if left is None else left - 1

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(annotate, people))


def run_to_the_end(
    address: str, folder: Path, *, annotators: int, processes: int, changes: int
) -> list[Entry]:
    """So many changes of each annotator; what the journals say."""
    groups = _groups(annotators, processes)
    started = [
        _start(address, folder / f"p{number}.jsonl", people, changes)
        for number, people in enumerate(groups)
    ]
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * len(started), "a worker failed"
    return entries(folder)


def run_with_kills(
    address: str,
    folder: Path,
    *,
    annotators: int,
    processes: int,
    kills: int,
    chance: random.Random,
    also: Callable[[], None] | None = None,
) -> list[Entry]:
    """Kill a process at so many random moments, and start another in its place; then kill all.

    Each process dies soon after a random number of changes, or most would before their first.
    `also` may harm the server now and then; the processes then live with lost connections.
    """
    groups = _groups(annotators, processes)
    lives, due = [0] * processes, [0] * processes

    def journal_of(place: int) -> Path:
        return folder / f"p{place}x{lives[place]}.jsonl"

    def begin(place: int) -> ForkServerProcess:
        lives[place] += 1
        due[place] = chance.randint(1, _LONGEST_LIFE)
        return _start(address, journal_of(place), groups[place], None, also is not None)

    def at_work() -> list[int]:
        files = map(journal_of, range(processes))
        return [place for place, file in enumerate(files) if _done(file) >= due[place]]

    alive = [begin(place) for place in range(processes)]
    for number in range(kills):
        time.sleep(chance.uniform(0.0, 0.05))
        if also is not None and number % 20 == 5:
            also()
        while not (working := at_work()):
            time.sleep(0.01)
        place = chance.choice(working)
        alive[place].kill()
        alive[place].join()
        alive[place] = begin(place)
    time.sleep(0.3)
    ended = [process.exitcode for process in alive]
    for process in alive:
        process.kill()
        process.join()
    assert ended == [None] * processes, "a worker failed"
    return entries(folder)


def entries(folder: Path) -> list[Entry]:
    """What all journals say; a line that was cut off is none."""
    found = []
    for file in sorted(folder.glob("*.jsonl"), key=lambda file: file.stat().st_ctime_ns):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        found += [json.loads(line) for line in lines if line.endswith("\n")]
    return found


def _done(journal: Path) -> int:
    return journal.read_bytes().count(b'"done"') if journal.exists() else 0


def _groups(annotators: int, processes: int) -> list[list[int]]:
    return [list(range(1, annotators + 1))[place::processes] for place in range(processes)]


def _start(
    address: str, file: Path, people: list[int], changes: int | None, lost_is_fine: bool = False
) -> ForkServerProcess:
    # A server of forks imports once; forking this process would take its open database along.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=work, args=(address, file, people, changes, lost_is_fine))
    process.start()
    return process
