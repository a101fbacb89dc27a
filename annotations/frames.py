"""A run's labels as the tables of a dataset, some keys at a time.

Which rows are asked for is said here; what becomes of them, in `frame_columns.py`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from sqlalchemy import (
    CursorResult,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlmodel import Session, col

from annotations.blind import may_see_others
from annotations.frame_columns import BETWEEN_RANKS, COLUMNS, TICKS, frame_of, labels_of
from annotations.tables import (
    DRAFT,
    GOLD,
    MACHINE,
    SUBMITTED,
    Annotator,
    Key,
    Pattern,
    Prefix,
    Run,
    Submission,
    Tick,
)

_Statement = Select[*tuple[Any, ...]]
HUMAN = "human"
NO_PATTERN = "no pattern"  # the status of a submitted answer that says there is none

_KEYS_AT_ONCE = 2_000  # in a frame: a cell as Python's object takes many times a column's room
_ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class Asked:
    """What of a run is asked for: only submitted answers, or with `all` drafts too.

    For a viewer, only answers to keys that this person may see others' answers to (blind.py), and
    nobody else's drafts. With `answered_only`, only keys and prefixes that some answer is about,
    which is all statistics need.
    `layers` leaves out the keys of others and all about them, `annotators` the answers of others.
    """

    run_id: int
    status: Literal["submitted", "all"] = "submitted"
    viewer_id: int | None = None
    answered_only: bool = False
    layers: Collection[int] | None = None
    annotators: Collection[str] | None = None

    def statement(self, name: str) -> _Statement:
        """The rows of one of COLUMNS but `labels`, in any order; those of `patterns` with ticks."""
        of_layers = true() if self.layers is None else col(Key.layer).in_(self.layers)
        answered = _answered(self.run_id, self.status).where(of_layers)
        if self.viewer_id is not None:
            readable = or_(
                col(Submission.status) == SUBMITTED, col(Submission.annotator_id) == self.viewer_id
            )
            answered = answered.where(may_see_others(self.viewer_id), readable)
        if self.annotators is not None:
            answered = answered.where(col(Annotator.name).in_(self.annotators))
        if name in _OF_ANSWERS:
            return _OF_ANSWERS[name](answered)
        found = _OF_KEYS[name](self.run_id).where(of_layers)
        if not self.answered_only:
            return found
        return found.where(col(Key.id).in_(answered.with_only_columns(col(Key.id))))


def dataset_frames(
    *,
    session: Session,
    run_id: int,
    status: Literal["submitted", "all"] = "submitted",
    viewer_id: int | None = None,
    answered_only: bool = False,
    layers: Collection[int] | None = None,
    annotators: Collection[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """The frames `keys`, `prefixes`, `annotators`, `submissions`, `patterns`, `labels` of one run.

    `Asked` says which rows. A draft has status `draft` and no submitted_at. `annotator` is the
    person's name; `annotators` tells of each whether they are `human`, `machine` or `gold`. Rows
    are sorted by layer and key, then annotator, pattern and rank.
    """
    asked = Asked(run_id, status, viewer_id, answered_only, layers, annotators)
    ranges = key_ranges(asked, session=session)
    frames = {
        name: pd.concat(list(frame_blocks(name, asked, ranges, session=session)), ignore_index=True)
        for name in COLUMNS
        if name != "labels"
    }
    ticked = frames.pop("patterns")
    return frames | {"patterns": ticked.drop(columns=TICKS), "labels": labels_of(ticked)}


_Place = tuple[int, int]
Ranges = Sequence[tuple[_Place, _Place]]  # the first and the last layer and key of some keys


def key_ranges(asked: Asked, *, session: Session) -> Ranges:
    """The keys asked for, some at a time, ascending by layer and key."""
    session.flush()  # what was added but not sent yet would not be read
    places = asked.statement("keys").with_only_columns(col(Key.layer), col(Key.key))
    found = session.execute(places.order_by(col(Key.layer), col(Key.key)))
    ordered = [(layer, key) for layer, key in found]
    starts = range(0, len(ordered), _KEYS_AT_ONCE)
    blocks = [ordered[start : start + _KEYS_AT_ONCE] for start in starts]
    return [(block[0], block[-1]) for block in blocks]


def frame_blocks(
    name: str,
    asked: Asked,
    ranges: Ranges,
    *,
    session: Session,
    called: Mapping[str, str] | None = None,
) -> Iterator[pd.DataFrame]:
    """One of the frames that `frame_of` makes, a block a range; an empty one where there is none.

    Annotators stand as they are `called`, in the order of that, or by their names. Whoever reads
    blocks in a read-only session reads one state of the database.
    """
    statement = asked.statement(name)
    place = tuple_(col(Key.layer), col(Key.key))
    parts = [statement.where(place.between(*ends)) for ends in ranges]
    if name == "annotators":
        parts = [statement]
    for part in parts or [statement.where(false())]:
        yield frame_of(name, _columns(session.connection().execute(part)), called)


def _columns(result: CursorResult[Any]) -> list[list[Any]]:
    """The cells of each column.

    They are the driver's own, which come several times faster than SQLAlchemy's, and few rows at a
    time: these are in the processor's cache while they are turned.
    """
    assert result.cursor is not None
    columns: list[list[Any]] = [[] for _ in result.cursor.description]
    while rows := result.cursor.fetchmany(_ROWS_AT_ONCE):
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(cells)
    result.close()
    return columns


def of_people(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same frames without the answers of machines; gold stays."""
    kinds = frames["annotators"]
    machines = kinds.loc[kinds["kind"] == MACHINE, "annotator"]
    return {
        name: frame[~frame["annotator"].isin(machines)].reset_index(drop=True)
        if "annotator" in frame.columns
        else frame
        for name, frame in frames.items()
    }


def _answered(run_id: int, status: str) -> _Statement:
    begun = and_(col(Submission.status) == DRAFT, col(Submission.revision) > 0)
    wanted = col(Submission.status) == SUBMITTED
    return (
        select(col(Key.layer), col(Key.key), col(Annotator.name))
        .join(Submission, col(Submission.key_id) == col(Key.id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(col(Key.run_id) == run_id, or_(wanted, begun) if status == "all" else wanted)
    )


def _keys(run_id: int) -> _Statement:
    columns = (Run.name, Run.model, Key.layer, Key.key, Key.active_share)
    return (
        select(*map(col, columns))
        .join(Key, col(Key.run_id) == col(Run.id))
        .where(col(Run.id) == run_id)
    )


def _prefixes(run_id: int) -> _Statement:
    columns = (Prefix.rank, Prefix.coefficient, Prefix.text, Prefix.next_token)
    place = (Prefix.sentence_id, Prefix.position)
    ends = cast(col(Prefix.token_ends), Text)  # a list as it is stored, such as [3, 7]
    return (
        select(col(Key.layer), col(Key.key), *map(col, columns), *map(col, place), ends)
        .join(Prefix, col(Prefix.key_id) == col(Key.id))
        .where(col(Key.run_id) == run_id)
    )


def _annotators(answered: _Statement) -> _Statement:
    kind = case(
        (col(Annotator.role).in_((GOLD, MACHINE)), col(Annotator.role)), else_=literal(HUMAN)
    )
    return answered.with_only_columns(col(Annotator.name), kind).distinct()


def _submissions(answered: _Statement) -> _Statement:
    has_pattern = exists().where(col(Pattern.submission_id) == col(Submission.id))
    none_found = and_(col(Submission.status) == SUBMITTED, ~has_pattern)
    return answered.add_columns(
        case((none_found, literal(NO_PATTERN)), else_=col(Submission.status)),
        col(Submission.submitted_at),
        col(Submission.seconds),
        col(Submission.guideline_version),
    )


def _patterns(answered: _Statement) -> _Statement:
    # Ticks stand in one row a pattern: several times fewer to turn into Python's objects.
    ranks = (
        select(func.aggregate_strings(cast(col(Prefix.rank), Text), BETWEEN_RANKS))
        .join(Tick, col(Tick.prefix_id) == col(Prefix.id))
        .where(col(Tick.pattern_id) == col(Pattern.id))
        .scalar_subquery()
    )
    return answered.join(Pattern, col(Pattern.submission_id) == col(Submission.id)).add_columns(
        col(Pattern.number), col(Pattern.type), col(Pattern.description), ranks
    )


_OF_KEYS: dict[str, Callable[[int], _Statement]] = {"keys": _keys, "prefixes": _prefixes}
_OF_ANSWERS: dict[str, Callable[[_Statement], _Statement]] = {
    "annotators": _annotators,
    "submissions": _submissions,
    "patterns": _patterns,
}
