"""Many annotators at once, and processes killed at random moments: what was acknowledged is there.

A smaller form of `python -m annotations.bench_load`, on both engines.
"""

import os
import random
import signal
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from annotations.bench_check import faults
from annotations.bench_work import Entry, run_to_the_end, run_with_kills, set_up


@pytest.fixture(scope="module")
def worked(databases, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Entry]]:
    address = databases.empty()
    set_up(address, annotators=32)
    folder = tmp_path_factory.mktemp("journals")
    return address, run_to_the_end(address, folder, annotators=32, processes=8, changes=12)


def test_thirty_two_annotators_at_once_lose_nothing_and_meet_no_lock(
    worked: tuple[str, list[Entry]],
) -> None:
    address, journal = worked
    ended = [entry for entry in journal if entry["state"] != "begun"]
    assert len(ended) == 32 * 12
    assert {entry["change"] for entry in ended} == {"claim", "save", "submit", "skip", "reopen"}
    assert faults(address, journal) == []


@pytest.mark.parametrize("change", ["save", "submit"])
def test_an_acknowledged_change_that_is_missing_would_be_noticed(
    worked: tuple[str, list[Entry]], change: str
) -> None:
    address, journal = worked
    last = [entry for entry in journal if entry["key"] and entry["state"] == "done"][-1]
    invented = last | {"change": change, "mark": "never stored"}
    assert faults(address, [*journal, invented])


def test_a_change_that_nobody_asked_for_would_be_noticed(worked: tuple[str, list[Entry]]) -> None:
    address, journal = worked
    dropped = next(entry for entry in journal if entry["change"] == "submit")
    rest = [entry for entry in journal if entry["mark"] != dropped["mark"]]
    assert faults(address, rest)


def test_processes_killed_at_fifty_random_moments_lose_nothing(
    address: str, tmp_path: Path
) -> None:
    chance = random.Random(50)
    set_up(address, annotators=8)
    on_postgresql = make_url(address).drivername.startswith("postgresql")
    journal = run_with_kills(
        address, tmp_path, annotators=8, processes=4, kills=50, chance=chance,
        also=(lambda: kill_a_server_process(address, chance)) if on_postgresql else None,
    )  # fmt: skip
    assert len({entry["mark"].split()[0].split("-")[0] for entry in journal}) > 25  # lives
    assert sum(entry["state"] == "done" for entry in journal) > 120
    assert faults(address, journal) == []


def kill_a_server_process(address: str, chance: random.Random) -> None:
    """End one annotator's process on the server: PostgreSQL then ends all and recovers."""
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
    except psycopg.OperationalError:
        return  # it is still recovering from the last time
    if found:
        os.kill(chance.choice(found)[0], signal.SIGKILL)
