"""From a dataset folder to rows: the way back of an export, in one transaction or not at all.

An upsert on what is stable: the run's fingerprint, layer, key, annotator's name, pattern, rank.
What is there and equal stays untouched; what only the database holds is never removed. An answer
that is there and differs is replaced only if the dataset's is newer: submitted after the last
change here, or, where here is a draft, if nobody has touched that since it was imported. Any other
is refused, naming it, unless `replace` is asked for. What was submitted before stays a Revision.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, col, func, insert, select

from annotations import audit
from annotations.claims import aware
from annotations.database import shut_out_others
from annotations.dataset_answers import Place, read_annotators, read_answers
from annotations.dataset_files import DatasetFolder, Row, open_dataset, rows
from annotations.dataset_upsert import Upserted, upsert
from annotations.frames import HUMAN
from annotations.importer import check_run_name, count_keys, wanted_of_new_keys
from annotations.people import add_annotator
from annotations.tables import ANNOTATOR, GOLD, MACHINE, NOT_PEOPLE, Annotator, Key, Prefix, Run
from mining.errors import AnnotationError, DatasetError

# Stands where the run's folder would: this database has never seen that.
NO_FOLDER = "of an imported dataset"
_AT_ONCE = 10_000  # rows inserted at a time


@dataclass(frozen=True)
class DatasetImport:
    """What an import did. `edited` are files that were not as they had been exported."""

    run: str
    added_keys: int
    present_keys: int
    added_annotators: tuple[str, ...]
    answers: Upserted
    edited: tuple[str, ...]


def import_dataset(
    path: Path,
    *,
    session: Session,
    name: str | None = None,
    edited: bool = False,
    replace: bool = False,
    now: datetime | None = None,
) -> DatasetImport:
    """Bring a dataset's run, keys, annotators and answers into the database.

    `name` is the run's name here if it is new, by default its own. Raises DatasetError, naming
    file, line and column, for whatever does not fit, and AnnotationError for an impossible name;
    the caller's transaction is to be rolled back then.
    """
    moment = aware(now)
    dataset = open_dataset(path, edited=edited)
    shut_out_others(session=session)
    run_id, run_name = _run(dataset, name, session=session)
    added, present = _keys(dataset, run_id, session=session)
    ranks = _prefixes(dataset, run_id, added, session=session)
    annotators, newcomers = _annotators(dataset, session=session)
    answers = read_answers(dataset, ranks=ranks, annotators=annotators)
    done = upsert(
        answers, session=session, run_id=run_id, annotators=annotators, replace=replace, now=moment
    )
    if done.added or done.updated:
        audit.record(
            session=session, who=audit.name_of(None, session=session), what=audit.IMPORTED,
            about=run_name, before=None,
            after={"answers added": done.added, "answers updated": done.updated},
        )  # fmt: skip
    return DatasetImport(run_name, len(added), len(present), newcomers, done, dataset.edited)


def _run(dataset: DatasetFolder, name: str | None, *, session: Session) -> tuple[int, str]:
    """The id and name of the run that the fingerprint names, which is added if it is new."""
    about = dataset.run
    run = session.exec(select(Run).where(Run.fingerprint == about["fingerprint"])).first()
    if run is None:
        name = about["name"] if name is None else name
        check_run_name(name, session=session)
        run = Run(**(about | {"name": name, "folder": NO_FOLDER}))
        session.add(run)
        session.flush()
    elif name not in (None, run.name):
        raise AnnotationError(
            f"This run is in the database already, as {run.name}; leave --name out."
        )
    for field in ("model", "corpus", "layers", "d_ff", "top_k"):
        if getattr(run, field) != about[field]:
            raise DatasetError(
                f"{dataset.path} has a run with the fingerprint of {run.name} and another {field}: "
                f"{about[field]}, not {getattr(run, field)}; it is not the same run."
            )
    assert run.id is not None
    return run.id, run.name


def _keys(
    dataset: DatasetFolder, run_id: int, *, session: Session
) -> tuple[dict[Place, int], dict[Place, int]]:
    """Ids of the keys that were added, and of those that were there, by layer and key."""
    stored = wide(col(Key.layer), col(Key.key), col(Key.id), col(Key.active_share))
    there = {
        (layer, key): (key_id, share)
        for layer, key, key_id, share in session.execute(stored.where(col(Key.run_id) == run_id))
    }
    new: dict[Place, float] = {}
    present: dict[Place, int] = {}
    for row in rows(dataset, "keys.csv"):
        run, model, layer, key, share = row.values
        for column, value in (("run", run), ("model", model)):
            expected = dataset.run[column.replace("run", "name")]
            if value != expected:
                raise row.wrong(column, f"{value!r} is not the manifest's {expected!r}.")
        if (layer, key) in new or (layer, key) in present:
            raise row.wrong("key", f"key {key} of layer {layer} is there twice.")
        if (layer, key) in there:
            key_id, own = there[layer, key]
            if not _same(own, share):
                raise row.wrong("active_share", f"{share} is {own} here, in the same run.")
            present[layer, key] = key_id
        else:
            new[layer, key] = share
    if new:
        _add_keys(new, run_id, session=session)
        count_keys(run_id, session=session)
    ids = session.execute(stored.where(col(Key.run_id) == run_id))
    return {(row[0], row[1]): row[2] for row in ids if (row[0], row[1]) in new}, present


def _add_keys(new: dict[Place, float], run_id: int, *, session: Session) -> None:
    """In turn of layers: the first key of each, then the second, after all that are there."""
    layers = sorted({layer for layer, _ in new})
    last = session.exec(select(func.max(Key.turn)).where(Key.run_id == run_id)).one()
    first = 0 if last is None else last + 1
    seen = dict.fromkeys(layers, 0)
    wanted = wanted_of_new_keys(run_id, session=session)
    added = []
    for (layer, key), share in new.items():
        turn = first + seen[layer] * len(layers) + layers.index(layer)
        seen[layer] += 1
        added.append(
            {
                "run_id": run_id, "layer": layer, "key": key, "active_share": share, "turn": turn,
                "wanted": wanted, "value_tokens": "",
            }
        )  # fmt: skip
    session.execute(insert(Key), added)


def _prefixes(
    dataset: DatasetFolder, run_id: int, added: dict[Place, int], *, session: Session
) -> dict[Place, set[int]]:
    """Add the new keys' prefixes; those of keys that are there must be equal. Ranks by key."""
    place = (Key.layer, Key.key, Prefix.rank)
    said = (Prefix.coefficient, Prefix.text, Prefix.next_token, Prefix.sentence_id, Prefix.position)
    stored = (
        wide(*map(col, (*place, *said, Prefix.token_ends)))
        .join(Prefix, col(Prefix.key_id) == col(Key.id))
        .where(col(Key.run_id) == run_id)
    )
    there = {tuple(row[:3]): tuple(row[3:]) for row in session.execute(stored)}
    ranks: dict[Place, set[int]] = {(layer, key): set() for layer, key, _ in there}
    ranks |= {where: set() for where in added}
    given: dict[Place, set[int]] = {}
    new: list[dict[str, Any]] = []
    for row in rows(dataset, "prefixes.csv"):
        layer, key, rank, *values, ends = row.values
        if (layer, key) not in ranks:
            raise row.wrong("key", f"keys.csv has no key {key} of layer {layer}.")
        if rank in given.setdefault((layer, key), set()):
            raise row.wrong("rank", f"rank {rank} of this key is there twice.")
        given[layer, key].add(rank)
        offsets = _offsets(row, ends)
        if (layer, key) in added:
            coefficient, text, next_token, sentence_id, position = values
            new.append(
                {
                    "key_id": added[layer, key], "rank": rank, "coefficient": coefficient,
                    "text": text, "token_ends": offsets, "next_token": next_token,
                    "sentence_id": sentence_id, "position": position, "shading": None,
                }
            )  # fmt: skip
        else:
            _check_same(row, there.get((layer, key, rank)), [*values, offsets])
    for start in range(0, len(new), _AT_ONCE):
        session.execute(insert(Prefix), new[start : start + _AT_ONCE])
    return ranks | given


def _offsets(row: Row, ends: str) -> list[int]:
    words = ends.split(" ") if ends else []
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise row.wrong("token_ends", "they are whole numbers with one space in between.")
    offsets = [int(word) for word in words]
    if offsets != sorted(offsets):
        raise row.wrong("token_ends", "they are not ascending.")
    return offsets


def _check_same(row: Row, here: tuple[Any, ...] | None, given: list[Any]) -> None:
    columns = ("coefficient", "prefix", "next_token", "sentence_id", "position", "token_ends")
    if here is None:
        raise row.wrong("rank", "the same run has no such prefix here.")
    for column, own, value in zip(columns, here, given, strict=True):
        if not (_same(own, value) if column == "coefficient" else own == value):
            raise row.wrong(column, f"{str(value)[:40]!r} is not what the same run has here.")


def _same(one: float, other: float) -> bool:
    """Equal as the 32-bit numbers that mining computed."""
    return bool(np.float32(one) == np.float32(other))


def _annotators(
    dataset: DatasetFolder, *, session: Session
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Ids by name, and who was added for it."""
    there = {person.name: person for person in session.exec(select(Annotator))}
    ids: dict[str, int] = {}
    newcomers = []
    for name, (kind, row) in read_annotators(dataset).items():
        person = there.get(name)
        if person is None:
            person = _newcomer(name, kind, row, session=session)
            newcomers.append(name)
        own = person.role if person.role in NOT_PEOPLE else HUMAN
        if own != kind:
            raise row.wrong("kind", f"{name} is {own} here, not {kind}.")
        assert person.id is not None
        ids[name] = person.id
    return ids, tuple(newcomers)


def _newcomer(name: str, kind: str, row: Row, *, session: Session) -> Annotator:
    if kind == GOLD:
        gold = Annotator(name=GOLD, role=GOLD)
        session.add(gold)
        session.flush()
        return gold
    try:
        person = add_annotator(
            session=session, name=name, role=MACHINE if kind == MACHINE else ANNOTATOR
        )
    except AnnotationError as mistake:
        raise row.wrong("annotator", str(mistake)) from None
    if person.name != name:
        raise row.wrong("annotator", f"{name!r} is not how a name is stored, {person.name!r}.")
    return person
