"""A restored backup gives the same dataset to the byte."""

from pathlib import Path

from labelled_data import add_run, answer, contents, label
from sqlalchemy import Engine
from sqlmodel import select

from annotations.backups import backup, restore
from annotations.database import session
from annotations.tables import Annotator, Key
from exports.dataset import write_dataset


def exported(engine: Engine, run_id: int, out: Path) -> dict[str, bytes]:
    with session(engine, read_only=True) as s:
        write_dataset(out, session=s, run_id=run_id)
    return contents(out)


def test_what_is_restored_exports_as_before_and_what_was_kept_as_it_was_then(
    engine: Engine, tmp_path: Path
) -> None:
    with session(engine) as s:
        run_id = add_run(s)
        label(s, run_id)
    before = exported(engine, run_id, tmp_path / "before")
    backup(engine, tmp_path / "b.db")
    with session(engine) as s:
        zoe = s.exec(select(Annotator.id).where(Annotator.name == "zoe")).one()
        answer(s, zoe, s.exec(select(Key.id).where(Key.layer == 0, Key.key == 7)).one())
    changed = exported(engine, run_id, tmp_path / "changed")
    assert changed != before
    kept = restore(engine, tmp_path / "b.db").kept
    assert exported(engine, run_id, tmp_path / "after") == before
    restore(engine, kept)
    assert exported(engine, run_id, tmp_path / "again") == changed
