"""Datasets brought from the desk's database into a second one, for the tests of imports."""

from datetime import timedelta
from pathlib import Path

from desk import NOON, Desk, answer, pattern
from sqlalchemy import Engine
from sqlmodel import func, select

from annotations.answers import Answer
from annotations.database import session
from annotations.dataset_import import DatasetImport, import_dataset
from annotations.queries import key_page, stored_answer
from annotations.store import reopen, submit
from annotations.tables import Annotator, Key, Layer, Revision, Run, Submission
from exports.dataset import write_dataset

FIRST = answer(pattern(1, 2, 3, description="the first"))


def hand_in(desk: Desk, given: Answer, minutes: float) -> None:
    """Ada's answer to the first key, so many minutes after noon, anew if there is one."""
    now, own = NOON + timedelta(minutes=minutes), {"annotator_id": desk.ada, "key_id": desk.keys[0]}
    with session(desk.engine) as s:
        held = stored_answer(session=s, **own)
        if held is not None and held.status != "draft":
            reopen(session=s, **own, now=now)
    desk.save(given, sequence=100 + int(minutes), now=now)
    with session(desk.engine) as s:
        submit(session=s, **own, now=now)


def export(desk: Desk, out: Path, **how: object) -> Path:
    with session(desk.engine, read_only=True) as s:
        write_dataset(out, session=s, run_id=desk.run_id, names=True, **how)
    return out


def bring(engine: Engine, folder: Path, **how: object) -> DatasetImport:
    with session(engine) as s:
        return import_dataset(folder, session=s, **how)


def desk_of(engine: Engine, desk: Desk) -> Desk:
    """The imported run as a desk, with the same keys in the same order."""
    with session(desk.engine, read_only=True) as s:
        pages = [key_page(session=s, key_id=key) for key in desk.keys]
    with session(engine, read_only=True) as s:
        ids = {(key.layer, key.key): key.id for key in s.exec(select(Key))}
        ada = s.exec(select(Annotator.id).where(Annotator.name == "Ada")).one()
        run = s.exec(select(Run.id)).one()
    return Desk(engine, run, tuple(ids[page.layer, page.key] for page in pages), ada, 0)


def held(desk: Desk) -> tuple[str, Answer]:
    with session(desk.engine, read_only=True) as s:
        found = stored_answer(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
    assert found is not None
    return found.status, found.answer


def rows_in(engine: Engine) -> dict[str, int]:
    with session(engine, read_only=True) as s:
        return {
            table.__name__: s.exec(select(func.count()).select_from(table)).one()
            for table in (Run, Layer, Key, Annotator, Submission, Revision)
        }


def imported(desk: Desk, here: Engine, folder: Path) -> Desk:
    """Ada's first answer, brought over."""
    hand_in(desk, FIRST, 0)
    bring(here, export(desk, folder))
    return desk_of(here, desk)
