"""Databases of any size for the benchmarks of pages: a run, twenty annotators, some answers."""

from pathlib import Path

from sqlmodel import Session, insert

from annotations.bench_run import PREFIXES, add_run
from annotations.database import make_engine, migrate, session
from annotations.guidelines import GUIDELINE_VERSION
from annotations.tables import LEAD, SHALLOW, SUBMITTED, Annotator, Pattern, Submission, Tick

ANNOTATORS = [f"annotator {number}" for number in range(20)]  # the first one is a lead
ANSWERS = 40  # of each annotator


def fill(database: Path, keys: int) -> None:
    """Make a SQLite database of so many keys; ids count from 1 in order of turn."""
    engine = make_engine(f"sqlite:///{database}")
    migrate(engine)
    with session(engine) as opened:
        add_run(opened, keys)
        _add_answers(keys, opened)
    engine.dispose()


def _add_answers(keys: int, opened: Session) -> None:
    """Everybody has answered the first keys, so that these can be adjudicated."""
    for number, name in enumerate(ANNOTATORS):
        opened.add(Annotator(name=name, role=LEAD if not number else "annotator"))
    opened.flush()
    answers = [
        (person, key)
        for person in range(1, len(ANNOTATORS) + 1)
        for key in range(1, min(ANSWERS, keys) + 1)
    ]
    opened.execute(
        insert(Submission),
        [
            {
                "id": at, "annotator_id": person, "key_id": key, "status": SUBMITTED,
                "revision": 1, "guideline_version": GUIDELINE_VERSION,
            }
            for at, (person, key) in enumerate(answers, start=1)
        ],
    )  # fmt: skip
    opened.execute(
        insert(Pattern),
        [
            {"id": at, "submission_id": at, "number": 1, "type": SHALLOW, "description": "a word"}
            for at in range(1, len(answers) + 1)
        ],
    )
    opened.execute(
        insert(Tick),
        [
            {"pattern_id": at, "prefix_id": (key - 1) * PREFIXES + rank}
            for at, (person, key) in enumerate(answers, start=1)
            for rank in range(1, 5 + person % 3)
        ],
    )
