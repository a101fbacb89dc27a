"""A database of any number of ticks for the benchmarks of exports: three people answer each key."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from sqlmodel import Session, insert

from annotations.bench import PATTERNS, made_up
from annotations.bench_run import LAYERS, PREFIXES, add_run
from annotations.database import make_engine, migrate, session
from annotations.guidelines import GUIDELINE_VERSION
from annotations.tables import SUBMITTED, Annotator, Pattern, Submission, Tick

ANNOTATORS = 3
_TICKS_A_KEY = 88  # about
_ROWS_AT_ONCE = 50_000


def fill(database: Path, ticks: int) -> None:
    """Make a SQLite database with a run of which about so many prefixes are ticked."""
    keys = max(ticks // _TICKS_A_KEY, 2)
    engine = make_engine(f"sqlite:///{database}")
    migrate(engine)
    with session(engine) as opened:
        add_run(opened, keys)
        for number in range(ANNOTATORS):
            opened.add(Annotator(id=number + 1, name=f"annotator {number:02}"))
        opened.flush()
        _add_answers(made_up(keys, ANNOTATORS), opened)
    engine.dispose()


def _add_answers(frames: dict[str, pd.DataFrame], opened: Session) -> None:
    answers, patterns, labels = (
        _numbered(frames[name]) for name in ("submissions", "patterns", "labels")
    )
    for block in _blocks(
        {
            "id": answers["answer"], "annotator_id": answers["person"] + 1,
            "key_id": answers["number"] + 1, "status": SUBMITTED, "revision": 1,
            "submitted_at": pd.Timestamp("2026-03-01T09:30:00Z").to_pydatetime(),
            "seconds": 20 + answers["answer"] * 7.25 % 400, "guideline_version": GUIDELINE_VERSION,
        }
    ):  # fmt: skip
        opened.execute(insert(Submission), block)
    for block in _blocks(
        {
            "id": (patterns["answer"] - 1) * PATTERNS + patterns["pattern"],
            "submission_id": patterns["answer"], "number": patterns["pattern"],
            "type": patterns["type"], "description": 'ends with "word"',
        }
    ):  # fmt: skip
        opened.execute(insert(Pattern), block)
    for block in _blocks(
        {
            "pattern_id": (labels["answer"] - 1) * PATTERNS + labels["pattern"],
            "prefix_id": labels["number"] * PREFIXES + labels["rank"],
        }
    ):
        opened.execute(insert(Tick), block)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """With the number of the key and of the person, from 0, and of the answer, from 1."""
    number = frame["key"] * LAYERS + frame["layer"]
    person = frame["annotator"].str.removeprefix("annotator ").astype("int64")
    return frame.assign(number=number, person=person, answer=number * ANNOTATORS + person + 1)


def _blocks(columns: dict[str, object]) -> Iterator[list[dict[str, object]]]:
    table = pd.DataFrame(columns)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield table.iloc[start : start + _ROWS_AT_ONCE].to_dict("records")
