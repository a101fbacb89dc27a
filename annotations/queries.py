"""Everything that pages and commands read: runs, people, keys, progress, answers.

Each function is one or two statements, whatever the number of rows, and none reads others' answers.
The tables of a dataset are in `annotations/frames.py`, the next key in `annotations/queue.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, and_, case, col, func, or_, select

from annotations.answers import Answer, PatternAnswer, StoredAnswer, is_printable
from annotations.tables import (
    DRAFT,
    GOLD,
    NOT_PEOPLE,
    SKIPPED,
    SUBMITTED,
    Annotator,
    Key,
    Layer,
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
    shading: tuple[float, ...] | None = None  # the key's coefficient at each token


@dataclass(frozen=True)
class KeyPage:
    """A key with its trigger prefixes, by rank."""

    id: int
    run_id: int
    layer: int  # from 0
    key: int  # from 0
    active_share: float  # of the corpus's tokens
    prefixes: tuple[PrefixView, ...]
    value_tokens: tuple[str, ...] = ()  # what its value pushes towards most, the best first

    @cached_property
    def prefixes_json(self) -> bytes:
        """The prefixes as pages send them, at every rerun; written once."""
        shown = [
            {
                "rank": prefix.rank,
                "coefficient": prefix.coefficient,
                "text": prefix.text,
                "token_ends": prefix.token_ends,
                "next_token": prefix.next_token,
                "shading": prefix.shading,
            }
            for prefix in self.prefixes
        ]
        return json.dumps(shown).encode()


@dataclass(frozen=True)
class LayerProgress:
    """How far one annotator is in one layer; a key that was only looked at is not a draft."""

    layer: int
    keys: int
    submitted: int
    drafts: int
    skipped: int = 0


@dataclass(frozen=True)
class AnswerRow:
    """One of an annotator's answers, for a list."""

    key_id: int
    layer: int
    key: int
    status: str  # draft | submitted | skipped
    patterns: int
    submitted_at: datetime | None
    changed_at: datetime
    flag: str  # empty: none
    skip_reason: str


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
    """Everybody, by name, machines too; `gold` is nobody."""
    people = session.exec(select(Annotator).where(Annotator.role != GOLD))
    # Databases sort by their own collations; Python's order is the same everywhere.
    return sorted(people, key=lambda person: person.name.casefold())


def annotator_named(*, session: Session, name: str | None) -> Annotator | None:
    """The person of that name who may come in; None for `gold`, machines, and who has left."""
    people = (col(Annotator.active), col(Annotator.role).not_in(NOT_PEOPLE))
    wanted = select(Annotator).where(Annotator.name == name, *people)
    # What stands in an address may be nothing that a database can take.
    return None if name is None or not is_printable(name) else session.exec(wanted).first()


def layers(*, session: Session, run_id: int) -> list[int]:
    """The layers of a run whose keys are put to annotators, in order."""
    wanted = select(Layer.layer).where(Layer.run_id == run_id).order_by(col(Layer.layer))
    return list(session.exec(wanted))


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
            shading=None if prefix.shading is None else tuple(prefix.shading),
        )
        for prefix in prefixes
    )
    values = tuple(key.value_tokens.split("\n")) if key.value_tokens else ()
    return KeyPage(key.id, key.run_id, key.layer, key.key, key.active_share, views, values)


def progress(*, session: Session, run_id: int, annotator_id: int) -> list[LayerProgress]:
    """How far one annotator is, layer by layer."""
    begun = and_(col(Submission.status) == DRAFT, col(Submission.revision) > 0)
    own = (
        select(
            col(Key.layer).label("layer"),
            func.count(case((col(Submission.status) == SUBMITTED, 1))).label("submitted"),
            func.count(case((begun, 1))).label("drafts"),
            func.count(case((col(Submission.status) == SKIPPED, 1))).label("skipped"),
        )
        .join(Key, col(Key.id) == col(Submission.key_id))
        .where(Submission.annotator_id == annotator_id, Key.run_id == run_id)
        .group_by(col(Key.layer))
        .subquery()
    )
    counted = (func.coalesce(column, 0) for column in own.c[1:])
    counts = session.execute(
        wide(col(Layer.layer), col(Layer.keys), *counted)
        .outerjoin(own, own.c.layer == col(Layer.layer))
        .where(col(Layer.run_id) == run_id)
        .order_by(col(Layer.layer))
    )
    return [LayerProgress(*row) for row in counts]


def answers_of(*, session: Session, run_id: int, annotator_id: int) -> list[AnswerRow]:
    """What one annotator has answered, newest change first; keys only looked at are left out."""
    worth_listing = or_(
        col(Submission.revision) > 0, col(Submission.status) != DRAFT,
        col(Submission.flag) != "", col(Submission.note) != "",
    )  # fmt: skip
    rows = session.exec(
        select(Submission, Key, func.count(col(Pattern.id)))
        .join(Key, col(Submission.key_id) == col(Key.id))
        .outerjoin(Pattern, col(Pattern.submission_id) == col(Submission.id))
        .where(Key.run_id == run_id, Submission.annotator_id == annotator_id, worth_listing)
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
            flag=answer.flag,
            skip_reason=answer.skip_reason,
        )
        for answer, key, patterns in rows
    ]


def stored_answer(
    *, session: Session | Connection, annotator_id: int, key_id: int
) -> StoredAnswer | None:
    """One annotator's answer for one key as it is stored; None if they never opened it.

    Pages ask at every rerun, and over a bare connection (`database.reading`) in half the time.
    """
    connection = session if isinstance(session, Connection) else session.connection()
    about = {"annotator": annotator_id, "key": key_id}
    rows: Sequence[Any] = connection.execute(_WHOLE_ANSWER, about).all()  # one a tick
    if not rows:
        return None
    ranks: dict[tuple[int, str, str], list[int]] = {}
    for number, type_, description, rank, *_ in rows:
        if number is None:  # an answer without a pattern
            continue
        ticked = ranks.setdefault((number, type_, description), [])
        if rank is not None:  # a pattern without a tick yet
            ticked.append(rank)
    patterns = tuple(
        PatternAnswer(type_, description, tuple(ticked))
        for (_, type_, description), ticked in ranks.items()
    )
    no_pattern, status, revision, writer, sequence, seconds, submitted_at = rows[0][4:11]
    changed_at, skip_reason, flag, note = rows[0][11:]
    return StoredAnswer(
        answer=Answer(patterns, no_pattern),
        status=status,
        revision=revision,
        writer=writer,
        sequence=sequence,
        seconds=seconds,
        submitted_at=submitted_at,
        changed_at=changed_at,
        skip_reason=skip_reason,
        flag=flag,
        note=note,
    )


_ANSWER_COLUMNS = (
    Submission.no_pattern, Submission.status, Submission.revision, Submission.writer,
    Submission.sequence, Submission.seconds, Submission.submitted_at, Submission.changed_at,
    Submission.skip_reason, Submission.flag, Submission.note,
)  # fmt: skip
# Built once: pages read an answer at every tick, and building takes as long as running.
_WHOLE_ANSWER = (
    wide(
        *map(col, (Pattern.number, Pattern.type, Pattern.description, Prefix.rank)),
        *map(col, _ANSWER_COLUMNS),
    )
    .select_from(Submission)
    .outerjoin(Pattern, col(Pattern.submission_id) == col(Submission.id))
    .outerjoin(Tick, col(Tick.pattern_id) == col(Pattern.id))
    .outerjoin(Prefix, col(Prefix.id) == col(Tick.prefix_id))
    .where(
        col(Submission.annotator_id) == bindparam("annotator"),
        col(Submission.key_id) == bindparam("key"),
    )
    .order_by(col(Pattern.number), col(Prefix.rank))
)
