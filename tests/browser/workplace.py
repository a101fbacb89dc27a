"""A database with a run to label and people who do it, for the tests of the app's pages.

It is filled through the storage functions, so that a test clicks only what it is about.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from desk import answer
from runs import MinedKey, write_run
from servers import ROOT
from sqlalchemy import Engine
from sqlmodel import col, select

from annotations import people, queries, store
from annotations.answers import PatternAnswer, StoredAnswer
from annotations.database import make_engine, migrate, session
from annotations.importer import import_run
from annotations.queries import KeyPage
from annotations.tables import Key
from mining.run_folder import RunFolder

SUBJECTS = ("The array", "A matrix", "The file", "This method", "Each column", "The model")
VERBS = ("returns a list", "is not found", "must be sorted", "can be empty", "raises an error")
ENDS = ("of integers.", "in the current folder.", "before the first call.", "by default.")


@dataclass
class Workplace:
    """A database, the run in it, and whoever was added, by name."""

    address: str
    engine: Engine
    run_id: int
    keys: tuple[int, ...]  # ids, in order of turn
    people: dict[str, int] = field(default_factory=dict)

    def add(self, *names: str, role: str = "annotator") -> None:
        """Somebody new, or several."""
        with session(self.engine) as s:
            for name in names:
                added = people.add_annotator(session=s, name=name, role=role).id
                assert added is not None
                self.people[name] = added

    def draft(self, name: str, key_id: int, *patterns: PatternAnswer) -> None:
        """Somebody's draft; without a pattern it says that none was found."""
        base = self.stored(name, key_id)
        revision = base.revision if base else 0
        with session(self.engine) as s:
            store.save_draft(
                session=s, annotator_id=self.people[name], key_id=key_id, answer=answer(*patterns),
                writer=f"elsewhere {revision}", sequence=1, base_revision=revision,
            )  # fmt: skip

    def hand_in(self, name: str, key_id: int, *patterns: PatternAnswer) -> None:
        """Somebody's submitted answer."""
        self.draft(name, key_id, *patterns)
        with session(self.engine) as s:
            store.submit(session=s, annotator_id=self.people[name], key_id=key_id)

    def stored(self, name: str, key_id: int) -> StoredAnswer | None:
        """What the database has of somebody's answer."""
        with session(self.engine, read_only=True) as s:
            return queries.stored_answer(session=s, annotator_id=self.people[name], key_id=key_id)

    def holders(self, key_id: int) -> list[str]:
        """Whoever has an answer to a key, however unfinished."""
        return [name for name in self.people if self.stored(name, key_id)]

    def key(self, key_id: int) -> KeyPage:
        """A key with its prefixes."""
        with session(self.engine, read_only=True) as s:
            return queries.key_page(session=s, key_id=key_id)

    def title(self, key_id: int) -> str:
        """What the pages call a key."""
        key = self.key(key_id)
        return f"Layer {key.layer}, key {key.key}"

    def command(self, *arguments: str) -> str:
        """Run a command of the project on this database; what it printed."""
        return command(*arguments, database=self.address)

    def import_run(self, run: RunFolder, name: str) -> tuple[int, ...]:
        """Another run, two keys of each layer; the ids of its keys, in order of turn."""
        with session(self.engine) as s:
            imported = import_run(run, session=s, keys_per_layer=2, name=name).run_id
        return _keys(self.engine, imported)


def new_workplace(folder: Path) -> Workplace:
    """A new database in the folder with a run of 2 layers × 3 keys × 6 prefixes, and nobody."""
    keys = [MinedKey(layer, key, triggers=6) for layer in (0, 1) for key in range(3)]
    return workplace_over(write_run(folder / "run", keys), folder)


def workplace_over(run: RunFolder, folder: Path) -> Workplace:
    """A new database in the folder with this run, and nobody."""
    address = f"sqlite:///{folder / 'keyhole.db'}"
    engine = make_engine(address)
    migrate(engine)
    with session(engine) as s:
        run_id = import_run(run, session=s, name="study").run_id
    return Workplace(address, engine, run_id, _keys(engine, run_id))


def mine_a_run(folder: Path) -> Path:
    """A run folder of the bundled model over 120 sentences, mined by command."""
    text = folder / "text.txt"
    sentences = [f"{s} {v} {e}" for s in SUBJECTS for v in VERBS for e in ENDS]
    text.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    command("mining", "mine", "demo", str(text), "--out", str(folder / "run"))
    return folder / "run"


def command(*arguments: str, database: str = "sqlite://") -> str:
    """Run a command of the project; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT, env=os.environ | {"DATABASE_URL": database}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _keys(engine: Engine, run_id: int) -> tuple[int, ...]:
    wanted = select(col(Key.id)).where(Key.run_id == run_id).order_by(col(Key.turn))
    with session(engine, read_only=True) as s:
        return tuple(key_id for key_id in s.exec(wanted) if key_id is not None)
