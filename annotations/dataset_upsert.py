"""Answers of a dataset into rows: what is new, newer, equal, or refused. See dataset_import.py.

An imported answer's `writer` is this module's name with a mark of the answer, so that it can be
told whether anybody has touched it since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select as wide  # SQLModel's own is typed for other columns
from sqlmodel import Session, col, delete, func, insert, select, update

from annotations.answers import Answer, PatternAnswer
from annotations.dataset_answers import DatedAnswer, Whose
from annotations.dataset_files import Row
from annotations.tables import (
    DRAFT,
    SUBMITTED,
    Annotator,
    Key,
    Pattern,
    Prefix,
    Revision,
    Submission,
    Tick,
)

_T = TypeVar("_T")
_WRITER = "dataset "
_AT_ONCE = 10_000  # rows written at a time


@dataclass(frozen=True)
class Upserted:
    """How many answers were added, replaced by newer ones, and equal already."""

    added: int
    updated: int
    unchanged: int


@dataclass(frozen=True)
class _Stored:
    submission: Submission
    answer: DatedAnswer

    @property
    def blank(self) -> bool:
        """Only looked at: nobody loses anything."""
        return self.submission.status == DRAFT and self.submission.revision == 0

    @property
    def untouched(self) -> bool:
        return self.submission.writer == _WRITER + self.answer.mark()


def upsert(
    answers: Mapping[Whose, tuple[DatedAnswer, Row]],
    *,
    session: Session,
    run_id: int,
    annotators: Mapping[str, int],
    replace: bool,
    now: datetime,
) -> Upserted:
    """Store a dataset's answers; DatasetError, naming the first, if one would undo a newer one."""
    stored = _stored(run_id, annotators.values(), session=session)
    keys = wide(*map(col, (Key.layer, Key.key, Key.id))).where(col(Key.run_id) == run_id)
    key_ids = {(layer, key): key_id for layer, key, key_id in session.execute(keys)}
    wanted: dict[tuple[int, int], DatedAnswer] = {}  # by annotator's and key's id
    updated = unchanged = 0
    refused: list[tuple[Whose, Row]] = []
    for (layer, key, name), (given, row) in answers.items():
        place = (annotators[name], key_ids[layer, key])
        own = stored.get(place)
        if own is not None and not own.blank and _equal(own.answer, given):
            unchanged += 1
            continue
        if own is not None and not (own.blank or replace or _is_newer(given, own)):
            refused.append(((layer, key, name), row))
            continue
        updated += own is not None
        wanted[place] = given
    if refused:
        (layer, key, name), row = refused[0]
        others = f" (and {len(refused) - 1} others)" if len(refused) > 1 else ""
        raise row.wrong(
            "submitted_at",
            f"the answer of {name} to key {key} of layer {layer} differs from the one here, which "
            f"is not older{others}; --replace takes the dataset's.",
        )
    _write(wanted, stored, session=session, now=now)
    return Upserted(len(wanted) - updated, updated, unchanged)


def _equal(own: DatedAnswer, given: DatedAnswer) -> bool:
    if own.status == given.status == DRAFT:  # a dataset does not say what a draft may say
        own = changed(own, answer=Answer(own.answer.patterns))
    return own == given


def _is_newer(given: DatedAnswer, own: _Stored) -> bool:
    if own.untouched and own.submission.status == DRAFT:
        return True
    if given.submitted_at is None:
        return False
    return given.submitted_at > max(
        own.submission.changed_at, own.submission.submitted_at or own.submission.changed_at
    )


def _stored(
    run_id: int, annotator_ids: Iterable[int], *, session: Session
) -> dict[tuple[int, int], _Stored]:
    """These annotators' answers to the run's keys, and nobody else's until the end."""
    of_run = (Key.run_id == run_id, col(Annotator.id).in_(list(annotator_ids)))
    submissions = session.exec(
        select(Submission)
        .join(Key, col(Key.id) == col(Submission.key_id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(*of_run)
        .with_for_update(of=Submission)
        .execution_options(populate_existing=True)
    ).all()
    ticks = session.exec(
        select(Tick.pattern_id, Prefix.rank)
        .join(Prefix, col(Prefix.id) == col(Tick.prefix_id))
        .join(Key, col(Key.id) == col(Prefix.key_id))
        .where(Key.run_id == run_id)
    )
    ranks = defaultdict(list)
    for pattern_id, rank in ticks:
        ranks[pattern_id].append(rank)
    patterns = defaultdict(list)
    for pattern in session.exec(
        select(Pattern)
        .join(Submission, col(Submission.id) == col(Pattern.submission_id))
        .join(Key, col(Key.id) == col(Submission.key_id))
        .where(Key.run_id == run_id)
        .order_by(col(Pattern.number))
    ):
        ticked = tuple(sorted(ranks[pattern.id or 0]))
        patterns[pattern.submission_id].append(
            PatternAnswer(pattern.type, pattern.description, ticked)
        )
    return {
        (row.annotator_id, row.key_id): _Stored(
            row,
            DatedAnswer(
                Answer(tuple(patterns[row.id or 0]), row.no_pattern), row.status,
                row.submitted_at, row.seconds, row.guideline_version,
            ),
        )
        for row in submissions
    }  # fmt: skip


def _write(
    wanted: Mapping[tuple[int, int], DatedAnswer],
    stored: Mapping[tuple[int, int], _Stored],
    *,
    session: Session,
    now: datetime,
) -> None:
    new = [
        {"annotator_id": who, "key_id": key, "started_at": given.submitted_at or now}
        | _columns(given, 1, now)
        for (who, key), given in wanted.items()
        if (who, key) not in stored
    ]
    submission_ids = {}
    for some in _batches(new):
        made = insert(Submission).returning(
            col(Submission.annotator_id), col(Submission.key_id), col(Submission.id)
        )
        for who, key, submission_id in session.execute(made, some):
            submission_ids[who, key] = submission_id
    for place, given in wanted.items():
        if place in stored:
            row = stored[place].submission
            assert row.id is not None
            submission_ids[place] = row.id
            session.exec(delete(Pattern).where(col(Pattern.submission_id) == row.id))
            session.exec(
                update(Submission)
                .where(col(Submission.id) == row.id)
                .values(skip_reason="", **_columns(given, row.revision + 1, now))
            )
    answers = {submission_ids[place]: (place[1], given) for place, given in wanted.items()}
    _write_patterns(answers, session=session)
    _write_revisions(answers, session=session)


def _columns(given: DatedAnswer, revision: int, now: datetime) -> dict[str, Any]:
    return {
        "status": given.status,
        "no_pattern": given.answer.no_pattern,
        "revision": revision,
        "writer": _WRITER + given.mark(),
        "sequence": 0,
        "changed_at": given.submitted_at or now,
        "submitted_at": given.submitted_at,
        "seconds": given.seconds,
        "guideline_version": given.guideline_version,
    }


def _write_patterns(answers: Mapping[int, tuple[int, DatedAnswer]], *, session: Session) -> None:
    patterns = [
        {
            "submission_id": submission_id, "number": number, "type": entry.type,
            "description": entry.description,
        }
        for submission_id, (_, given) in answers.items()
        for number, entry in enumerate(given.answer.patterns, start=1)
    ]  # fmt: skip
    keys = {key for key, _ in answers.values()}
    prefix_ids: dict[tuple[int, int], int] = {}
    for some in _batches(list(keys)):
        found = wide(*map(col, (Prefix.key_id, Prefix.rank, Prefix.id)))
        of_keys = session.execute(found.where(col(Prefix.key_id).in_(some)))
        prefix_ids |= {(key, rank): prefix for key, rank, prefix in of_keys}
    for rows in _batches(patterns):
        made = session.execute(
            insert(Pattern).returning(
                col(Pattern.submission_id), col(Pattern.number), col(Pattern.id)
            ),
            rows,
        )
        ticks = []
        for submission_id, number, pattern_id in made:
            key, given = answers[submission_id]
            ticks += [
                {"pattern_id": pattern_id, "prefix_id": prefix_ids[key, rank]}
                for rank in given.answer.patterns[number - 1].ranks
            ]
        if ticks:
            session.execute(insert(Tick), ticks)


def _write_revisions(answers: Mapping[int, tuple[int, DatedAnswer]], *, session: Session) -> None:
    """What is submitted now is kept, like everything that is submitted here."""
    submitted = {at: given for at, (_, given) in answers.items() if given.status == SUBMITTED}
    last: dict[int, int] = {}
    for some in _batches(list(submitted)):
        counted = (
            select(Revision.submission_id, func.max(Revision.number))
            .where(col(Revision.submission_id).in_(some))
            .group_by(col(Revision.submission_id))
        )
        last |= dict(session.exec(counted).all())
    for rows in _batches(
        [
            {
                "submission_id": at, "number": last.get(at, 0) + 1,
                "submitted_at": given.submitted_at, "seconds": given.seconds,
                "guideline_version": given.guideline_version, "answer": given.answer.to_json(),
            }
            for at, given in submitted.items()
        ]
    ):  # fmt: skip
        session.execute(insert(Revision), rows)


def _batches(rows: list[_T]) -> Iterable[list[_T]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
