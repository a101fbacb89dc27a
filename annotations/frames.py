"""A run's labels as the tables of a dataset, one statement a table.

The frames keep their columns and types when they are empty. They are sorted here and not by the
database, because databases sort names by collations of their own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Select, Text, and_, case, cast, exists, literal, or_, select, true
from sqlmodel import Session, col

from annotations.blind import may_see_others
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

_AT_ONCE = 50_000  # rows read at a time
_PLACE = {"layer": "int64", "key": "int64"}
_ANSWER = {**_PLACE, "annotator": "str"}
# Column types. Coefficients are stored as the 32-bit numbers that mining computed.
COLUMNS = {
    "keys": {"run": "str", "model": "str", **_PLACE, "active_share": "float32"},
    "prefixes": {
        **_PLACE,
        "rank": "int64",
        "coefficient": "float32",
        "prefix": "str",
        "next_token": "str",
        "sentence_id": "int64",
        "position": "int64",
        "token_ends": "str",
    },
    "annotators": {"annotator": "str", "kind": "str"},
    "submissions": {
        **_ANSWER,
        "status": "str",
        "submitted_at": "datetime64[us, UTC]",
        "seconds": "float64",
        "guideline_version": "str",
    },
    "patterns": {**_ANSWER, "pattern": "int64", "type": "str", "description": "str"},
    "labels": {**_ANSWER, "pattern": "int64", "rank": "int64"},
}


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

    Only submitted answers, or with `all` drafts too (status `draft`, no submitted_at). `annotator`
    is the person's name; `annotators` tells of each whether they are `human`, `machine` or
    `gold`. Rows are sorted by layer and key, then annotator, pattern and rank. For a
    viewer, only answers to keys that this person may see others' answers to (blind.py), and nobody
    else's drafts. With
    `answered_only`, only keys and prefixes that some answer is about, which is all statistics need.
    `layers` leaves out the keys of others and all about them, `annotators` the answers of others.
    """
    of_layers = true() if layers is None else col(Key.layer).in_(layers)
    answered = _answered(run_id, status).where(of_layers)
    if viewer_id is not None:
        readable = or_(
            col(Submission.status) == SUBMITTED, col(Submission.annotator_id) == viewer_id
        )
        answered = answered.where(may_see_others(viewer_id), readable)
    if annotators is not None:
        answered = answered.where(col(Annotator.name).in_(annotators))
    about = answered.with_only_columns(col(Key.id)) if answered_only else None
    statements = {
        "keys": _of(_keys(run_id).where(of_layers), about),
        "prefixes": _of(_prefixes(run_id).where(of_layers), about),
        "annotators": _annotators(answered),
        "submissions": _submissions(answered),
        "patterns": _patterns(answered),
        "labels": _labels(answered),
    }
    return {name: _frame(name, session, statement) for name, statement in statements.items()}


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


def _frame(name: str, session: Session, statement: _Statement) -> pd.DataFrame:
    columns = COLUMNS[name]
    # Some rows at a time: Python's own objects take several times the room of a typed column.
    result = session.execute(statement.execution_options(yield_per=_AT_ONCE))
    blocks = [_typed(zip(*rows, strict=True), columns) for rows in result.partitions()]
    frame = pd.concat(blocks or [_typed([()] * len(columns), columns)], ignore_index=True)
    if "token_ends" in frame.columns:
        apart = frame["token_ends"].str.strip("[]").str.replace(",", " ", regex=False)
        frame["token_ends"] = apart.str.replace("  ", " ", regex=False)
    order = [name for name in ("layer", "key", "annotator", "pattern", "rank") if name in columns]
    by = frame[order]
    if "annotator" in columns:  # whole numbers sort many times faster than names
        codes, names = pd.factorize(by["annotator"])
        by = by.assign(annotator=names.argsort().argsort()[codes] if len(names) else codes)
    return frame.take(by.sort_values(order).index).reset_index(drop=True)


def _typed(values: Iterable[Sequence[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    # Through `object`, so that a column's type never depends on the rows that there happen to be.
    return pd.DataFrame(
        {
            name: pd.Series(list(column), dtype="object").astype(type_)
            for (name, type_), column in zip(columns.items(), values, strict=True)
        }
    )


def _answered(run_id: int, status: str) -> _Statement:
    begun = and_(col(Submission.status) == DRAFT, col(Submission.revision) > 0)
    wanted = col(Submission.status) == SUBMITTED
    return (
        select(col(Key.layer), col(Key.key), col(Annotator.name))
        .join(Submission, col(Submission.key_id) == col(Key.id))
        .join(Annotator, col(Annotator.id) == col(Submission.annotator_id))
        .where(col(Key.run_id) == run_id, or_(wanted, begun) if status == "all" else wanted)
    )


def _of(statement: _Statement, key_ids: _Statement | None) -> _Statement:
    return statement if key_ids is None else statement.where(col(Key.id).in_(key_ids))


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
    return answered.join(Pattern, col(Pattern.submission_id) == col(Submission.id)).add_columns(
        col(Pattern.number), col(Pattern.type), col(Pattern.description)
    )


def _labels(answered: _Statement) -> _Statement:
    return (
        answered.join(Pattern, col(Pattern.submission_id) == col(Submission.id))
        .join(Tick, col(Tick.pattern_id) == col(Pattern.id))
        .join(Prefix, col(Prefix.id) == col(Tick.prefix_id))
        .add_columns(col(Pattern.number), col(Prefix.rank))
    )
