"""The answers of a dataset: submissions, patterns and ticks put together, each checked by line.

An answer that could not be stored here (an unknown key, a tick without a prefix, a pattern in too
few prefixes) is refused by file, line and column.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from annotations.answers import TYPES, Answer, PatternAnswer, problems
from annotations.dataset_files import DatasetFolder, Row, rows
from annotations.frames import HUMAN, NO_PATTERN
from annotations.tables import DRAFT, GOLD, MACHINE, SUBMITTED
from mining.errors import AnnotationError

_KINDS = (HUMAN, MACHINE, GOLD)
Place = tuple[int, int]  # layer, key
Whose = tuple[int, int, str]  # layer, key, annotator


@dataclass(frozen=True)
class DatedAnswer:
    """An answer with everything that a dataset says of it."""

    answer: Answer
    status: str  # draft | submitted
    submitted_at: datetime | None
    seconds: float
    guideline_version: str

    def mark(self) -> str:
        """A short name for exactly this answer; another one has another."""
        said = [
            self.answer.to_json(), self.status, self.seconds, self.guideline_version,
            None if self.submitted_at is None else self.submitted_at.isoformat(),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


@dataclass
class _Pattern:
    row: Row
    type: str
    description: str
    ranks: list[int] = field(default_factory=list)


@dataclass
class _Submission:
    row: Row
    status: str
    submitted_at: datetime | None
    seconds: float
    guideline_version: str
    patterns: dict[int, _Pattern] = field(default_factory=dict)


def read_annotators(dataset: DatasetFolder) -> dict[str, tuple[str, Row]]:
    """Name → kind and row, in the file's order."""
    found: dict[str, tuple[str, Row]] = {}
    for row in rows(dataset, "annotators.csv"):
        name, kind = row.values
        if name in found:
            raise row.wrong("annotator", f"{name!r} is there twice.")
        if kind not in _KINDS:
            raise row.wrong("kind", f"{kind!r} is none of {', '.join(_KINDS)}.")
        if (kind == GOLD) != (name == GOLD):
            raise row.wrong("kind", "gold, and nobody else, is of the kind gold.")
        found[name] = (kind, row)
    return found


def read_answers(
    dataset: DatasetFolder,
    *,
    ranks: Mapping[Place, Collection[int]],
    annotators: Collection[str],
) -> dict[Whose, tuple[DatedAnswer, Row]]:
    """Every answer with the row of its submission, by layer, key and annotator.

    `ranks` are the ranks of each key's prefixes. Raises DatasetError for whatever does not fit.
    """
    submissions = _submissions(dataset, ranks, annotators)
    _add_patterns(dataset, submissions)
    _add_ticks(dataset, submissions, ranks)
    return {whose: (_answer(held), held.row) for whose, held in submissions.items()}


def _submissions(
    dataset: DatasetFolder, keys: Collection[Place], annotators: Collection[str]
) -> dict[Whose, _Submission]:
    found: dict[Whose, _Submission] = {}
    for row in rows(dataset, "submissions.csv"):
        layer, key, annotator, status, submitted_at, seconds, version = row.values
        if (layer, key) not in keys:
            raise row.wrong("key", f"keys.csv has no key {key} of layer {layer}.")
        if annotator not in annotators:
            raise row.wrong("annotator", f"annotators.csv has no {annotator!r}.")
        if (layer, key, annotator) in found:
            raise row.wrong("annotator", f"{annotator!r} has answered this key above already.")
        if status not in (SUBMITTED, NO_PATTERN, DRAFT):
            raise row.wrong("status", f"{status!r} is none of submitted, no pattern, draft.")
        if (status == DRAFT) != (submitted_at is None):
            raise row.wrong("submitted_at", "a draft has none, everything else has one.")
        if seconds < 0:
            raise row.wrong("seconds", f"{seconds} is below 0.")
        held = _Submission(row, status, submitted_at, seconds, version)
        found[layer, key, annotator] = held
    return found


def _add_patterns(dataset: DatasetFolder, submissions: dict[Whose, _Submission]) -> None:
    for row in rows(dataset, "patterns.csv"):
        *whose, number, type_, description = row.values
        held = submissions.get(tuple(whose))
        if held is None:
            raise row.wrong("annotator", f"submissions.csv has no answer of {whose[2]!r} to this.")
        if held.status == NO_PATTERN:
            raise row.wrong("pattern", "submissions.csv says that this answer has no pattern.")
        if number != len(held.patterns) + 1:
            raise row.wrong("pattern", f"{number} stands where {len(held.patterns) + 1} is next.")
        held.patterns[number] = _Pattern(row, type_, description)


def _add_ticks(
    dataset: DatasetFolder,
    submissions: dict[Whose, _Submission],
    ranks: Mapping[Place, Collection[int]],
) -> None:
    for row in rows(dataset, "labels.csv"):
        layer, key, annotator, number, rank = row.values
        held = submissions.get((layer, key, annotator))
        pattern = None if held is None else held.patterns.get(number)
        if pattern is None:
            raise row.wrong("pattern", f"patterns.csv has no pattern {number} of {annotator!r}.")
        if rank not in ranks[layer, key]:
            raise row.wrong("rank", f"prefixes.csv has no prefix of rank {rank} of this key.")
        if rank in pattern.ranks:
            raise row.wrong("rank", f"the prefix of rank {rank} is ticked twice.")
        pattern.ranks.append(rank)


def _answer(held: _Submission) -> DatedAnswer:
    patterns = []
    for entry in held.patterns.values():
        try:
            patterns.append(
                PatternAnswer(entry.type, entry.description, tuple(sorted(entry.ranks)))
            )
        except AnnotationError as mistake:
            column = "description" if entry.type in TYPES else "type"
            raise entry.row.wrong(column, str(mistake)) from None
    try:
        answer = Answer(tuple(patterns), no_pattern=held.status == NO_PATTERN)
    except AnnotationError as mistake:
        raise held.row.wrong("status", str(mistake)) from None
    if held.status != DRAFT and (reasons := problems(answer)):
        raise held.row.wrong("status", " ".join(reasons))
    status = DRAFT if held.status == DRAFT else SUBMITTED
    return DatedAnswer(answer, status, held.submitted_at, held.seconds, held.guideline_version)
