"""Two processes at one database, at the same time: both end well and nothing is lost."""

import subprocess
import sys
from pathlib import Path

from desk import Desk
from sqlalchemy import inspect
from sqlmodel import SQLModel

from annotations.database import make_engine, session
from annotations.queries import stored_answer

PROGRAM = Path(__file__).with_name("two_processes.py")
ROOT = Path(__file__).parents[2]


def together(*argument_lists: tuple[object, ...]) -> None:
    """Start all at once, wait for all, and show what a failing one said."""
    started = [
        subprocess.Popen(
            [sys.executable, PROGRAM, *map(str, arguments)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in argument_lists
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * len(started), said


def test_two_windows_changing_one_answer_lose_nothing(desk: Desk) -> None:
    key, address = desk.keys[0], desk.engine.url.render_as_string(hide_password=False)
    together((address, desk.ada, key, "left", 20), (address, desk.ada, key, "right", 20))
    with session(desk.engine, read_only=True) as s:
        stored = stored_answer(session=s, annotator_id=desk.ada, key_id=key)
    assert stored.revision == 40
    found = [entry.description for entry in stored.answer.patterns]
    assert sorted(found) == sorted(f"{side} {n}" for side in ("left", "right") for n in range(20))


def test_two_processes_that_start_at_once_make_the_tables_once(address: str) -> None:
    together((address,), (address,))
    engine = make_engine(address)
    assert set(inspect(engine).get_table_names()) == {*SQLModel.metadata.tables, "alembic_version"}
    engine.dispose()
