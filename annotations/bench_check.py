"""Whether a database holds what annotators at work were told: their journals against it."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlmodel import Session, select

from annotations import audit, queries
from annotations.bench_work import WANTED, Entry
from annotations.database import make_engine, session
from annotations.tables import DRAFT, SKIPPED, SUBMITTED, Key, Submission

_AUDITED = {"submit": audit.SUBMISSION, "skip": audit.SKIP, "reopen": audit.REOPENING}
_STATUS = {"save": DRAFT, "claim": DRAFT, "reopen": DRAFT, "submit": SUBMITTED, "skip": SKIPPED}


def faults(address: str, journal: list[Entry]) -> list[str]:
    """What the database lacks of what was acknowledged, or has twice or unasked; none if all is
    well.
    """
    engine = make_engine(address)
    with session(engine, read_only=True) as opened:
        found = [*_lost_changes(opened, journal), *_audit_differs(opened, journal)]
        found += _too_many(opened)
        if engine.dialect.name == "sqlite":
            checked = opened.connection().exec_driver_sql("PRAGMA integrity_check").scalars().all()
            found += [] if checked == ["ok"] else list(map(str, checked))
    engine.dispose()
    return found


def _by_answer(journal: list[Entry]) -> dict[tuple[int, int], list[Entry]]:
    found = defaultdict(list)
    for entry in journal:
        if entry["key"] is not None:
            found[entry["person"], entry["key"]].append(entry)
    return found


def _unknown(given: list[Entry]) -> list[Entry]:
    """What was begun and may or may not have been done."""
    ended = {entry["mark"] for entry in given if entry["state"] != "begun"}
    return [entry for entry in given if entry["state"] == "begun" and entry["mark"] not in ended]


def _lost_changes(opened: Session, journal: list[Entry]) -> Iterator[str]:
    for (person, key), given in _by_answer(journal).items():
        whose = f"annotator {person}, key {key}"
        done = [entry for entry in given if entry["state"] == "done"]
        stored = queries.stored_answer(session=opened, annotator_id=person, key_id=key)
        if stored is None:
            if done:
                yield f"{whose}: nothing is stored"
            continue
        there = [pattern.description for pattern in stored.answer.patterns]
        unknown = {entry["mark"] for entry in _unknown(given) if entry["change"] == "save"}
        expected = [entry["mark"] for entry in done if entry["change"] == "save"]
        if [mark for mark in there if mark not in unknown] != expected:
            yield f"{whose}: {there} is stored, {expected} was acknowledged"
        if len(there) != len(set(there)):
            yield f"{whose}: a change is there twice"
        last = {_STATUS[done[-1]["change"]]} if done else set()
        if stored.status not in last | {_STATUS[entry["change"]] for entry in _unknown(given)}:
            yield f"{whose}: {stored.status} is stored, {last} was acknowledged"


def _audit_differs(opened: Session, journal: list[Entry]) -> Iterator[str]:
    kept: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in audit.entries(session=opened):
        kept[row.who, row.about].append(row.what)
    numbers = dict(opened.exec(select(Key.id, Key.key)).all())
    for (person, key), given in _by_answer(journal).items():
        whose = (f"annotator {person - 1}", f"load, layer 0, key {numbers[key]}")
        asked = [entry for entry in given if entry["change"] in _AUDITED]
        done = [_AUDITED[entry["change"]] for entry in asked if entry["state"] == "done"]
        there = iter(kept[whose])
        if not all(what in there for what in done):  # in this order
            yield f"{whose}: {kept[whose]} in the audit trail, {done} was acknowledged"
        unasked = Counter(kept[whose]) - Counter(done)
        unasked -= Counter(_AUDITED[entry["change"]] for entry in _unknown(asked))
        if unasked:
            yield f"{whose}: {unasked} in the audit trail, but nobody asked for it"


def _too_many(opened: Session) -> Iterator[str]:
    holders = Counter(
        key_id
        for key_id, status in opened.exec(select(Submission.key_id, Submission.status))
        if status != SKIPPED
    )
    yield from (f"key {key} has {n} annotators" for key, n in holders.items() if n > WANTED)
