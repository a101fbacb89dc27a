"""Finding keys: by layer, by what one has done with them, by words in patterns, triggers, values.

Patterns are found in one's own answers, and in others' only where one may see them (blind.py).
Upper and lower case are the same to a search; on SQLite for the letters of English only.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, or_, select

from annotations.blind import may_see_others
from annotations.tables import DRAFT, SKIPPED, SUBMITTED, Key, Pattern, Prefix, Submission
from mining.errors import AnnotationError

UNTOUCHED, FLAGGED = "untouched", "flagged"
STATUSES = (UNTOUCHED, DRAFT, SUBMITTED, SKIPPED, FLAGGED)  # one's own
LONGEST_WORDS = 500  # characters; a database compares no pattern of any length


@dataclass(frozen=True)
class Wanted:
    """What a search is for; empty or None: anything."""

    layer: int | None = None
    status: str | None = None
    pattern: str = ""
    trigger: str = ""
    value_token: str = ""


@dataclass(frozen=True)
class FoundKey:
    """A key that fits. `trigger` is its best prefix that has the words, or its best one."""

    key_id: int
    layer: int
    key: int
    status: str
    patterns: int  # of one's own answer
    flag: str
    skip_reason: str
    trigger: str


def find_keys(
    *,
    session: Session,
    run_id: int,
    viewer_id: int,
    wanted: Wanted,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[FoundKey], bool]:
    """The keys of a run that fit, by layer and number, and whether there are more."""
    if wanted.status not in (None, *STATUSES):
        raise AnnotationError(f"There is no status {wanted.status}; choose one of the list.")
    own = and_(col(Submission.key_id) == col(Key.id), col(Submission.annotator_id) == viewer_id)
    rows = session.exec(
        select(Key, Submission)
        .outerjoin(Submission, own)
        .where(Key.run_id == run_id, *_conditions(wanted, viewer_id))
        .order_by(col(Key.layer), col(Key.key))
        .limit(limit + 1)
        .offset(offset)
    ).all()
    shown = rows[:limit]
    triggers = _triggers(session, [key.id for key, _ in shown], wanted.trigger)
    patterns = _patterns(session, [answer.id for _, answer in shown if answer is not None])
    found = [
        FoundKey(
            key_id=key.id or 0,
            layer=key.layer,
            key=key.key,
            status=_status(answer),
            patterns=patterns.get(answer.id, 0) if answer else 0,
            flag=answer.flag if answer else "",
            skip_reason=answer.skip_reason if answer else "",
            trigger=triggers.get(key.id, ""),
        )
        for key, answer in shown
    ]
    return found, len(rows) > limit


def has_value_tokens(*, session: Session, run_id: int) -> bool:
    """Whether a search for value tokens can find anything: the run's values were analysed."""
    known = select(Key.id).where(Key.run_id == run_id, Key.value_tokens != "").limit(1)
    return session.exec(known).first() is not None


def _status(answer: Submission | None) -> str:
    if answer is None or (answer.status == DRAFT and answer.revision == 0):
        return UNTOUCHED
    return answer.status


def _conditions(wanted: Wanted, viewer_id: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.layer is not None:
        found.append(col(Key.layer) == wanted.layer)
    if wanted.status is not None:
        found.append(_of_status(wanted.status))
    if words := _words(wanted.pattern):
        found.append(_described(words, viewer_id))
    if words := _words(wanted.trigger):
        fitting = col(Prefix.text).icontains(words, autoescape=True)
        found.append(col(Key.id).in_(select(Prefix.key_id).where(fitting)))
    if words := _words(wanted.value_token):
        found.append(col(Key.value_tokens).icontains(words, autoescape=True))
    return found


def _words(typed: str) -> str:
    """What was typed, as a database can take it: with the importer's picture of NUL, whole text."""
    if len(typed) > LONGEST_WORDS:
        raise AnnotationError(
            f"You look for {len(typed):,} characters; shorten them to {LONGEST_WORDS}."
        )
    text = typed.strip().replace("\0", "␀")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # half a character is none


def _of_status(status: str) -> ColumnElement[bool]:
    """On the outer join with one's own submissions."""
    begun = or_(col(Submission.revision) > 0, col(Submission.status) != DRAFT)
    if status == UNTOUCHED:
        return or_(col(Submission.id).is_(None), ~begun)
    if status == FLAGGED:
        return col(Submission.flag) != ""
    return and_(col(Submission.status) == status, begun)


def _described(words: str, viewer_id: int) -> ColumnElement[bool]:
    """A condition on Key: a pattern that this person may read is described with these words."""
    answer = aliased(Submission)
    readable = or_(
        col(answer.annotator_id) == viewer_id,
        and_(col(answer.status) == SUBMITTED, may_see_others(viewer_id)),
    )
    return (
        exists()
        .where(
            col(answer.key_id) == col(Key.id),
            col(Pattern.submission_id) == col(answer.id),
            col(Pattern.description).icontains(words, autoescape=True),
            readable,
        )
        .correlate(Key)
    )


def _triggers(session: Session, key_ids: list[int | None], words: str) -> dict[int | None, str]:
    """The best prefix of each of these keys that has the words."""
    fitting = col(Prefix.text).icontains(_words(words), autoescape=True)
    best = (
        select(Prefix.key_id, func.min(Prefix.rank).label("rank"))
        .where(col(Prefix.key_id).in_(key_ids), fitting)
        .group_by(col(Prefix.key_id))
        .subquery()
    )
    texts = select(Prefix.key_id, Prefix.text).join(
        best, and_(best.c.key_id == col(Prefix.key_id), best.c.rank == col(Prefix.rank))
    )
    return dict(session.exec(texts).all())


def _patterns(session: Session, submissions: list[int | None]) -> dict[int | None, int]:
    counts = (
        select(Pattern.submission_id, func.count())
        .where(col(Pattern.submission_id).in_(submissions))
        .group_by(col(Pattern.submission_id))
    )
    return dict(session.exec(counts).all())
