"""The queue with many at work at once: random days of work, equal shares, races for a place."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from desk import NOON, Desk, answer, pattern, set_up_desk
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from annotations.answers import Answer
from annotations.claims import claim_next, open_key
from annotations.database import make_engine, migrate, session
from annotations.people import add_annotator
from annotations.queries import stored_answer
from annotations.queue import assign, let_go
from annotations.store import reopen, save_draft, skip, submit
from annotations.tables import Submission
from mining.errors import ClaimedError

ROOT = Path(__file__).parents[2]
MOMENT = 0.3  # seconds in which an unhindered second process would be done
DAY = timedelta(hours=24)
RACER = """
import sys
from annotations.claims import open_key
from annotations.database import make_engine, session
from mining.errors import ClaimedError

engine = make_engine(sys.argv[1])
engine.connect().close()
print("ready", flush=True)
for line in sys.stdin:
    try:
        with session(engine) as s:
            open_key(session=s, annotator_id=int(sys.argv[2]), key_id=int(line))
        print("got it", flush=True)
    except ClaimedError:
        print("too late", flush=True)
"""


# Random work. A day's work is one transaction here: the queue's rules do not hang on commits.


@dataclass
class Day:
    """People at one run, their clock, and what each of them should still find."""

    desk: Desk
    people: list[int]
    overlap: int
    now: datetime = NOON
    at: dict[int, int] = field(default_factory=dict)  # person → the key on the screen
    kept: dict[tuple[int, int], Answer] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def act(self, s, who: int, what: str) -> None:
        own = {"session": s, "annotator_id": who, "now": self.now}
        if what == "claim" or who not in self.at:
            key = claim_next(**own, run_id=self.desk.run_id, after=self.at.get(who))
            if key is not None:
                self.at[who] = key
            return
        on = own | {"key_id": self.at[who]}
        try:
            status = open_key(**on).status
            if what == "save" and status == "draft":
                self._save(on)
            elif what == "submit" and status == "draft":
                self._save(on)
                submit(**on)
            elif what == "skip" and status == "draft" and who not in self.people[: self.overlap]:
                skip(**on, reason="no idea")
            elif what == "reopen":
                reopen(**on)
            elif what == "pass":
                let_go(session=s, annotator_id=who, key_id=on["key_id"])
        except ClaimedError:
            del self.at[who]

    def _save(self, on: dict) -> None:
        number = next(self.numbers)
        given = answer(pattern(1, 2, 3, description=f"change {number}"))
        save_draft(**on, answer=given, writer="window", sequence=number, base_revision=0)
        self.kept[on["annotator_id"], on["key_id"]] = given

    def live_claims(self, s) -> Counter[int]:
        """Key → how many hold it; counted in Python, from bare rows."""
        rows = s.exec(select(Submission)).all()
        return Counter(
            row.key_id
            for row in rows
            if row.status == "submitted"
            or (row.status == "draft" and row.changed_at > self.now - DAY)
        )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Desk]:
    folder = tmp_path_factory.mktemp("queue")
    engine = make_engine(f"sqlite:///{folder / 'first.db'}")
    migrate(engine)
    desk = set_up_desk(engine, folder / "run")
    with session(engine) as s:
        for name in ("Cyd", "Dan"):
            add_annotator(session=s, name=name)
    engine.dispose()
    return folder, desk


@contextmanager
def fresh_day(original: tuple[Path, Desk], people: int, overlap: int):
    folder, desk = original
    copy = shutil.copy(folder / "first.db", folder / "copy.db")
    engine = make_engine(f"sqlite:///{copy}")
    keys = desk.keys[::2]  # of layer 0, in order of turn
    with session(engine) as s:
        assign(session=s, run_id=desk.run_id, overlap=overlap, layers=[0])
        yield Day(replace(desk, engine=engine, keys=keys), list(range(1, people + 1)), overlap), s
        s.rollback()
    engine.dispose()


teams = st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))
acts = st.sampled_from(["claim", "save", "submit", "submit", "skip", "reopen", "pass"])
steps = st.lists(st.tuples(st.integers(0, 3), acts, st.sampled_from([0, 0, 0, 5, 30])), max_size=30)


@settings(max_examples=10, deadline=None)
@given(team=teams, steps=steps)
def test_a_key_never_has_more_claims_than_it_wants_and_ends_with_as_many_answers(
    original: tuple[Path, Desk], team: tuple[int, int], steps: list[tuple[int, str, int]]
) -> None:
    with fresh_day(original, *team) as (day, s):
        for who, what, hours in steps:
            day.now += timedelta(hours=hours)
            day.act(s, day.people[who % len(day.people)], what)
            assert max(day.live_claims(s).values(), default=0) <= day.overlap
        for _ in day.desk.keys * 2:  # everybody works on, and nobody is left with nothing
            for who in day.people:
                day.at.pop(who, None)
                day.act(s, who, "claim")
                day.act(s, who, "submit")
        for who in day.people:
            assert claim_next(
                session=s, run_id=day.desk.run_id, annotator_id=who, now=day.now
            ) is None  # fmt: skip
        done = Counter(s.exec(select(Submission.key_id).where(Submission.status == "submitted")))
        assert done == dict.fromkeys(day.desk.keys, day.overlap)
        for (who, key), given_answer in day.kept.items():
            found = stored_answer(session=s, annotator_id=who, key_id=key)
            assert found.answer == given_answer


orders = st.lists(st.permutations(range(3)), min_size=3, max_size=3)


@settings(max_examples=5, deadline=None)
@given(orders=orders, overlap=st.integers(1, 3))
def test_equally_fast_people_get_equal_shares(
    original: tuple[Path, Desk], orders: list[list[int]], overlap: int
) -> None:
    with fresh_day(original, 3, overlap) as (day, s):
        for order in orders:  # everybody claims, then everybody submits, in any order
            for what in ("claim", "submit"):
                for who in order:
                    day.act(s, day.people[who], what)
            day.at.clear()
            shares = Counter(
                s.exec(select(Submission.annotator_id).where(Submission.status == "submitted"))
            )
            assert max(shares.values()) - min(shares[who] for who in day.people) <= 1
        assert sum(shares.values()) == overlap * len(day.desk.keys)


# Races


def test_a_place_is_not_given_twice_while_the_first_claim_is_being_stored(desk: Desk) -> None:
    def late_claim() -> int | None:
        with session(desk.engine) as s:
            return claim_next(session=s, run_id=desk.run_id, annotator_id=desk.bob)

    with session(desk.engine) as s:
        assign(session=s, run_id=desk.run_id, overlap=1)
    with ThreadPoolExecutor() as pool:
        with session(desk.engine) as s:
            open_key(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
            late = pool.submit(late_claim)
            wait([late], timeout=MOMENT)
        assert late.result() == desk.keys[1]


def test_two_processes_that_race_for_the_last_place_of_a_key_get_one_claim(desk: Desk) -> None:
    with session(desk.engine) as s:
        cyd = add_annotator(session=s, name="Cyd").id
        assign(session=s, run_id=desk.run_id, overlap=2)
        for key in desk.keys:
            open_key(session=s, annotator_id=cyd, key_id=key)
    address = desk.engine.url.render_as_string(hide_password=False)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, address, str(who)],
            cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for who in (desk.ada, desk.bob)
    ]  # fmt: skip
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 2
    for key in desk.keys:
        for racer in racers:
            racer.stdin.write(f"{key}\n")
        said = sorted(racer.stdout.readline() for racer in racers)
        assert said == ["got it\n", "too late\n"]
    for racer in racers:
        racer.communicate(timeout=60)
    with session(desk.engine, read_only=True) as s:
        assert set(Counter(s.exec(select(Submission.key_id))).values()) == {2}
