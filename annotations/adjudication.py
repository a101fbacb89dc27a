"""Gold: the answer that a lead composes where two or more have submitted theirs.

It is a submission of its own, under the name `gold`, with the lead's name kept in its revisions.
Every function asks who is there: only leads decide, and only over keys whose answers they may see.
"""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, col, func, select

from annotations.alignment import disagreement
from annotations.answers import Answer, PatternAnswer, StoredAnswer
from annotations.blind import check_lead, check_may_see, may_see_others
from annotations.claims import aware, locked_answer, open_key, stored
from annotations.database import shut_out_others
from annotations.store import reopen, save_draft, submit
from annotations.tables import (
    GOLD,
    NOT_PEOPLE,
    SUBMITTED,
    Annotator,
    Key,
    Pattern,
    Prefix,
    Submission,
    Tick,
)
from mining.errors import AnnotationError

FEWEST_ANSWERS = 2
_WRITER = "adjudication"


@dataclass(frozen=True)
class Case:
    """A key that two or more have answered."""

    key_id: int
    layer: int
    key: int
    annotators: int
    disagreement: float  # 0: all alike; 1: nothing in common
    gold: str | None  # the gold answer's status, None if there is none


def cases(*, session: Session, run_id: int, lead_id: int) -> list[Case]:
    """The keys a lead can decide, those without gold first, most disagreement first."""
    check_lead(session=session, annotator_id=lead_id)
    answers = _submitted(session, col(Key.run_id) == run_id, may_see_others(lead_id))
    gold = (
        select(Submission.key_id, Submission.status)
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(Annotator.role == GOLD)
    )
    decided = dict(session.exec(gold).all())
    found = [
        Case(key_id, layer, key, len(given), disagreement(given), decided.get(key_id))
        for (key_id, layer, key), given in answers.items()
        if len(given) >= FEWEST_ANSWERS
    ]
    return sorted(found, key=lambda c: (c.gold == SUBMITTED, -c.disagreement, c.layer, c.key))


def submitted_answers(*, session: Session, viewer_id: int, key_id: int) -> dict[str, Answer]:
    """Everybody's submitted answer to a key, by name; AnnotationError for whoever is blind."""
    check_may_see(session=session, viewer_id=viewer_id, key_id=key_id)
    return next(iter(_submitted(session, col(Key.id) == key_id).values()), {})


def open_gold(*, session: Session, lead_id: int, key_id: int) -> StoredAnswer:
    """The gold answer to a key, or a new, empty draft of it."""
    return open_key(session=session, annotator_id=_gold(session, lead_id, key_id), key_id=key_id)


def save_gold(
    *,
    session: Session,
    lead_id: int,
    key_id: int,
    answer: Answer,
    writer: str,
    sequence: int,
    base_revision: int,
) -> StoredAnswer:
    """Replace the gold draft by what a lead's window shows, see `save_draft`."""
    return save_draft(
        session=session, annotator_id=_gold(session, lead_id, key_id), key_id=key_id,
        answer=answer, writer=writer, sequence=sequence, base_revision=base_revision,
    )  # fmt: skip


def add_to_gold(
    *, session: Session, lead_id: int, key_id: int, pattern: PatternAnswer
) -> StoredAnswer:
    """Take a pattern, an annotator's or a merged one, into the gold draft."""
    gold = _gold(session, lead_id, key_id)
    locked_answer(session, gold, key_id, aware(None))  # or another lead's pattern could be lost
    there = stored(session, gold, key_id)
    if pattern in there.answer.patterns:
        return there
    sequence = there.sequence + 1 if there.writer == _WRITER else 1
    return save_gold(
        session=session, lead_id=lead_id, key_id=key_id,
        answer=Answer((*there.answer.patterns, pattern)),
        writer=_WRITER, sequence=sequence, base_revision=there.revision,
    )  # fmt: skip


def submit_gold(*, session: Session, lead_id: int, key_id: int) -> StoredAnswer:
    """Declare the gold answer decided."""
    return submit(
        session=session, annotator_id=_gold(session, lead_id, key_id), key_id=key_id,
        decided_by=lead_id,
    )  # fmt: skip


def reopen_gold(*, session: Session, lead_id: int, key_id: int) -> StoredAnswer:
    """Make the gold answer a draft again; what was decided stays among its revisions."""
    return reopen(
        session=session, annotator_id=_gold(session, lead_id, key_id), key_id=key_id,
        decided_by=lead_id,
    )  # fmt: skip


def _gold(session: Session, lead_id: int, key_id: int) -> int:
    """The id of `gold`, for a lead who may decide this key."""
    check_lead(session=session, annotator_id=lead_id)
    check_may_see(session=session, viewer_id=lead_id, key_id=key_id)
    answers = (
        select(func.count())
        .select_from(Submission)
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(
            Submission.key_id == key_id,
            Submission.status == SUBMITTED,
            col(Annotator.role).not_in(NOT_PEOPLE),
        )
    )
    if session.exec(answers).one() < FEWEST_ANSWERS:
        raise AnnotationError(
            f"Fewer than {FEWEST_ANSWERS} people have submitted this key; there is nothing to"
            " decide yet."
        )
    wanted = select(Annotator).where(Annotator.role == GOLD)
    gold = session.exec(wanted).first()
    if gold is None:
        shut_out_others(session=session)
        gold = session.exec(wanted).first() or Annotator(name=GOLD, role=GOLD)
        session.add(gold)
        session.flush()
    assert gold.id is not None
    return gold.id


def _submitted(
    session: Session, *conditions: ColumnElement[bool]
) -> dict[tuple[int, int, int], dict[str, Answer]]:
    """(key id, layer, key) → name → submitted answer, gold left out; two statements for all."""
    submitted = (col(Submission.status) == SUBMITTED, col(Annotator.role).not_in(NOT_PEOPLE))
    people = (
        wide(
            *map(col, (Key.id, Key.layer, Key.key, Annotator.name)),
            *map(col, (Submission.id, Submission.no_pattern)),
        )
        .join(Submission, col(Submission.key_id) == col(Key.id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(*submitted, *conditions)
        .order_by(col(Key.id), col(Annotator.name))
    )
    ticks = (
        wide(
            *map(col, (Submission.id, Pattern.number, Pattern.type, Pattern.description)),
            col(Prefix.rank),
        )
        .join(Key, col(Key.id) == col(Submission.key_id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .join(Pattern, col(Pattern.submission_id) == col(Submission.id))
        .join(Tick, col(Tick.pattern_id) == col(Pattern.id))
        .join(Prefix, col(Prefix.id) == col(Tick.prefix_id))
        .where(*submitted, *conditions)
        .order_by(col(Submission.id), col(Pattern.number), col(Prefix.rank))
    )
    ranks: dict[int, dict[tuple[int, str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for submission, number, kind, description, rank in session.execute(ticks):
        ranks[submission][number, kind, description].append(rank)
    found: dict[tuple[int, int, int], dict[str, Answer]] = defaultdict(dict)
    for key_id, layer, key, name, submission, no_pattern in session.execute(people):
        patterns = tuple(
            PatternAnswer(kind, description, tuple(ticked))
            for (_, kind, description), ticked in ranks[submission].items()
        )
        found[key_id, layer, key][name] = Answer(patterns, no_pattern)
    return found
