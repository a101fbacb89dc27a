"""Something to label and somebody to do it, for the tests of this room."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runs import MinedKey, write_run
from sqlalchemy import Engine
from sqlmodel import select

from annotations.answers import Answer, PatternAnswer, StoredAnswer
from annotations.database import session
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.store import save_draft, submit
from annotations.tables import Key

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """A database with one run of 2 layers × 3 keys × 5 prefixes, and Ada and Bob."""

    engine: Engine
    run_id: int
    keys: tuple[int, ...]  # ids, in order of turn
    ada: int
    bob: int

    def save(self, answer: Answer, **how: object) -> StoredAnswer:
        """A change by Ada to the first key, in a transaction of its own."""
        usual = {
            "annotator_id": self.ada,
            "key_id": self.keys[0],
            "writer": "window",
            "sequence": 1,
            "base_revision": 0,
        }
        with session(self.engine) as s:
            return save_draft(session=s, answer=answer, **(usual | how))

    def hand_in(self, answer: Answer, annotator_id: int, key_id: int) -> None:
        """Save and submit a whole answer."""
        self.save(answer, annotator_id=annotator_id, key_id=key_id)
        with session(self.engine) as s:
            submit(session=s, annotator_id=annotator_id, key_id=key_id)


def set_up_desk(engine: Engine, folder: Path) -> Desk:
    """Import a run and add two people."""
    run = write_run(folder, [MinedKey(layer, key) for layer in (0, 1) for key in range(3)])
    with session(engine) as s:
        report = import_run(run, session=s)
        ada = add_annotator(session=s, name="Ada")
        bob = add_annotator(session=s, name="Bob")
        keys = tuple(s.exec(select(Key.id).order_by(Key.turn)))
    return Desk(engine, report.run_id, keys, ada.id, bob.id)


def pattern(*ranks: int, kind: str = "shallow", description: str = "ends alike") -> PatternAnswer:
    """A pattern ticked at these ranks."""
    return PatternAnswer(kind, description, ranks)


def answer(*patterns: PatternAnswer) -> Answer:
    """These patterns; without any, "no pattern found"."""
    return Answer(patterns, no_pattern=not patterns)
