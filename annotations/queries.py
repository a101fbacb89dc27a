"""Everything that pages and commands read: runs, people, keys, progress, answers.

Each function is one or two statements, whatever the number of rows. The tables of a dataset are in
`annotations/frames.py`.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false
from sqlmodel import Session, and_, case, col, func, or_, select, tuple_

from annotations.answers import Answer, PatternAnswer, StoredAnswer
from annotations.tables import (
    DRAFT,
    SUBMITTED,
    Annotator,
    Key,
    Pattern,
    Prefix,
    Run,
    Submission,
    Tick,
)
from mining.errors import AnnotationError


@dataclass(frozen=True)
class PrefixView:
    """A trigger prefix as it is shown."""

    rank: int  # from 1
    coefficient: float
    text: str
    token_ends: list[int]  # character offset into `text` after each token
    next_token: str  # empty if the prefix ends its sentence
    sentence_id: int
    position: int  # of the prefix's last token, from 0


@dataclass(frozen=True)
class KeyPage:
    """A key with its trigger prefixes, by rank."""

    id: int
    run_id: int
    layer: int  # from 0
    key: int  # from 0
    active_share: float  # of the corpus's tokens
    prefixes: tuple[PrefixView, ...]


@dataclass(frozen=True)
class LayerProgress:
    """How far one annotator is in one layer; a key that was only looked at is not a draft."""

    layer: int
    keys: int
    submitted: int
    drafts: int


@dataclass(frozen=True)
class AnswerRow:
    """One of an annotator's answers, for a list."""

    key_id: int
    layer: int
    key: int
    status: str  # draft | submitted
    patterns: int
    submitted_at: datetime | None
    changed_at: datetime


def runs(*, session: Session) -> list[Run]:
    """The imported runs, newest first."""
    order = (col(Run.imported_at).desc(), col(Run.id).desc())
    return list(session.exec(select(Run).order_by(*order)))


def run_named(*, session: Session, name: str | None) -> Run:
    """The run of that name, or the newest one; an AnnotationError names those that there are."""
    found = runs(session=session)
    if not found:
        raise AnnotationError(
            "The database holds no run yet; import one with `python -m annotations import RUN`."
        )
    for run in found:
        if name in (None, run.name):
            return run
    names = ", ".join(run.name for run in found)
    raise AnnotationError(f"The database holds no run called {name}; it holds {names}.")


def annotators(*, session: Session) -> list[Annotator]:
    """Everybody, by name."""
    # Databases sort by their own collations; Python's order is the same everywhere.
    return sorted(session.exec(select(Annotator)), key=lambda person: person.name.casefold())


def key_page(*, session: Session, key_id: int) -> KeyPage:
    """A key and its prefixes; AnnotationError if there is none of that number."""
    key = session.get(Key, key_id)
    if key is None:
        raise AnnotationError(f"There is no key number {key_id}; go back to the list of keys.")
    assert key.id is not None
    prefixes = session.exec(
        select(Prefix).where(Prefix.key_id == key_id).order_by(col(Prefix.rank))
    )
    views = tuple(
        PrefixView(
            rank=prefix.rank,
            coefficient=prefix.coefficient,
            text=prefix.text,
            token_ends=prefix.token_ends,
            next_token=prefix.next_token,
            sentence_id=prefix.sentence_id,
            position=prefix.position,
        )
        for prefix in prefixes
    )
    return KeyPage(key.id, key.run_id, key.layer, key.key, key.active_share, views)


def next_key(
    *, session: Session, run_id: int, annotator_id: int, after: int | None = None
) -> int | None:
    """The id of the next key to work on: untouched or a draft of one's own, in order of turn.

    With `after` (a key's id) the search starts behind that key and comes round to it last. None
    when everything is submitted.
    """
    start = session.get(Key, after) if after is not None else None
    passed: ColumnElement[bool] = false()
    if start is not None:
        passed = tuple_(col(Key.turn), col(Key.id)) <= (start.turn, start.id)
    own = and_(col(Submission.key_id) == col(Key.id), col(Submission.annotator_id) == annotator_id)
    unfinished = or_(col(Submission.status).is_(None), col(Submission.status) == DRAFT)
    return session.exec(
        select(Key.id)
        .outerjoin(Submission, own)
        .where(Key.run_id == run_id, unfinished)
        .order_by(case((passed, 1), else_=0), col(Key.turn), col(Key.id))
        .limit(1)
    ).first()


def progress(*, session: Session, run_id: int, annotator_id: int) -> list[LayerProgress]:
    """How far one annotator is, layer by layer."""
    own = and_(col(Submission.key_id) == col(Key.id), col(Submission.annotator_id) == annotator_id)
    begun = and_(col(Submission.status) == DRAFT, col(Submission.revision) > 0)
    counts = session.exec(
        select(
            Key.layer,
            func.count(col(Key.id)),
            func.count(case((col(Submission.status) == SUBMITTED, 1))),
            func.count(case((begun, 1))),
        )
        .outerjoin(Submission, own)
        .where(Key.run_id == run_id)
        .group_by(col(Key.layer))
        .order_by(col(Key.layer))
    )
    return [LayerProgress(*row) for row in counts]


def answers_of(*, session: Session, run_id: int, annotator_id: int) -> list[AnswerRow]:
    """What one annotator has answered, newest change first; keys only looked at are left out."""
    rows = session.exec(
        select(Submission, Key, func.count(col(Pattern.id)))
        .join(Key, col(Submission.key_id) == col(Key.id))
        .outerjoin(Pattern, col(Pattern.submission_id) == col(Submission.id))
        .where(
            Key.run_id == run_id, Submission.annotator_id == annotator_id, Submission.revision > 0
        )
        .group_by(col(Submission.id), col(Key.id))
        .order_by(col(Submission.changed_at).desc(), col(Submission.id).desc())
    )
    return [
        AnswerRow(
            key_id=answer.key_id,
            layer=key.layer,
            key=key.key,
            status=answer.status,
            patterns=patterns,
            submitted_at=answer.submitted_at,
            changed_at=answer.changed_at,
        )
        for answer, key, patterns in rows
    ]


def stored_answer(*, session: Session, annotator_id: int, key_id: int) -> StoredAnswer | None:
    """One annotator's answer for one key as it is stored; None if they never opened it."""
    row = session.exec(
        select(Submission).where(
            Submission.annotator_id == annotator_id, Submission.key_id == key_id
        )
    ).first()
    if row is None:
        return None
    ticks = session.exec(
        select(Pattern.number, Pattern.type, Pattern.description, Prefix.rank)
        .outerjoin(Tick, col(Tick.pattern_id) == col(Pattern.id))
        .outerjoin(Prefix, col(Prefix.id) == col(Tick.prefix_id))
        .where(Pattern.submission_id == row.id)
        .order_by(col(Pattern.number), col(Prefix.rank))
    )
    ranks: dict[tuple[int, str, str], list[int]] = {}
    for number, type_, description, rank in ticks:
        ticked = ranks.setdefault((number, type_, description), [])
        if rank is not None:  # a pattern without a tick yet
            ticked.append(rank)
    patterns = tuple(
        PatternAnswer(type_, description, tuple(ticked))
        for (_, type_, description), ticked in ranks.items()
    )
    return StoredAnswer(
        answer=Answer(patterns, row.no_pattern),
        status=row.status,
        revision=row.revision,
        writer=row.writer,
        sequence=row.sequence,
        seconds=row.seconds,
        submitted_at=row.submitted_at,
    )
