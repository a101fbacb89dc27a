"""How a team is doing, for its leads: coverage of an assignment, people, flags and skips.

No label and no key's count is among it, so that a lead who reads this stays blind.
"""

from dataclasses import dataclass

from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, and_, case, col, func, or_

from annotations.blind import check_lead
from annotations.tables import (
    DRAFT,
    NOT_PEOPLE,
    SKIPPED,
    SUBMITTED,
    Annotator,
    Key,
    Submission,
)


@dataclass(frozen=True)
class LayerCoverage:
    """A layer of an assignment: how many answers it wants, and how many are submitted."""

    layer: int
    keys: int  # assigned, or all where nothing is
    wanted: int | None  # answers in all; None: nothing is assigned
    submitted: int


@dataclass(frozen=True)
class Worker:
    """What one person has done in a run."""

    name: str
    submitted: int
    drafts: int
    skipped: int
    hours: float  # of work on the submitted keys


@dataclass(frozen=True)
class Remark:
    """A flag or a skip, with its reason."""

    layer: int
    key: int
    name: str
    kind: str  # flagged | skipped
    reason: str


def coverage(*, session: Session, run_id: int, lead_id: int) -> list[LayerCoverage]:
    """How far an assignment is, layer by layer; layers left out of it are left out."""
    check_lead(session=session, annotator_id=lead_id)
    answers = (
        wide(col(Key.layer).label("layer"), func.count().label("submitted"))
        .join(Submission, col(Submission.key_id) == col(Key.id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(
            col(Key.run_id) == run_id,
            col(Submission.status) == SUBMITTED,
            col(Annotator.role).not_in(NOT_PEOPLE),
        )
        .group_by(col(Key.layer))
        .subquery()
    )
    rows = session.execute(
        wide(
            col(Key.layer), func.count(), func.sum(col(Key.wanted)),
            func.max(func.coalesce(answers.c.submitted, 0)),
        )
        .outerjoin(answers, answers.c.layer == col(Key.layer))
        .where(col(Key.run_id) == run_id, or_(col(Key.wanted).is_(None), col(Key.wanted) > 0))
        .group_by(col(Key.layer))
        .order_by(col(Key.layer))
    )  # fmt: skip
    return [LayerCoverage(*row) for row in rows]


def workers(*, session: Session, run_id: int, lead_id: int) -> list[Worker]:
    """Everybody who has opened a key of the run, by name."""
    check_lead(session=session, annotator_id=lead_id)
    done = col(Submission.status) == SUBMITTED
    begun = and_(col(Submission.status) == DRAFT, col(Submission.revision) > 0)
    rows = session.execute(
        wide(
            col(Annotator.name),
            func.count(case((done, 1))),
            func.count(case((begun, 1))),
            func.count(case((col(Submission.status) == SKIPPED, 1))),
            func.coalesce(func.sum(case((done, col(Submission.seconds)))), 0.0),
        )
        .join(Submission, col(Submission.annotator_id) == col(Annotator.id))
        .join(Key, col(Key.id) == col(Submission.key_id))
        .where(col(Key.run_id) == run_id, col(Annotator.role).not_in(NOT_PEOPLE))
        .group_by(col(Annotator.name))
    )
    people = [
        Worker(name, submitted, drafts, skipped, seconds / 3600)
        for name, submitted, drafts, skipped, seconds in rows
    ]
    return sorted(people, key=lambda worker: worker.name.casefold())


def remarks(*, session: Session, run_id: int, lead_id: int) -> list[Remark]:
    """What people flagged or skipped, by layer and key."""
    check_lead(session=session, annotator_id=lead_id)
    rows = session.execute(
        wide(
            col(Key.layer), col(Key.key), col(Annotator.name),
            col(Submission.flag), col(Submission.skip_reason),
        )
        .join(Submission, col(Submission.key_id) == col(Key.id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(
            col(Key.run_id) == run_id,
            or_(col(Submission.flag) != "", col(Submission.status) == SKIPPED),
        )
        .order_by(col(Key.layer), col(Key.key), col(Annotator.name))
    ).all()  # fmt: skip
    found = []
    for layer, key, name, flag, reason in rows:
        found += [Remark(layer, key, name, "flagged", flag)] if flag else []
        found += [Remark(layer, key, name, "skipped", reason)] if reason else []
    return sorted(found, key=lambda remark: (remark.layer, remark.key, remark.name, remark.kind))
