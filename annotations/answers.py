"""One annotator's answer for one key, as a plain value: patterns and their ticks. No database.

A value of these classes is always well-formed: rubbish is refused when it is built. Whether it may
be submitted (section 3 of the paper) is another question, and `problems` answers it.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations.tables import SEMANTIC, SHALLOW
from mining.errors import AnnotationError
from mining.sampled_keys import FEWEST_TRIGGERS as FEWEST_PREFIXES

TYPES = (SHALLOW, SEMANTIC)
MOST_PATTERNS = 50
LONGEST_DESCRIPTION = 500  # characters
# Control characters and line breaks, and surrogates, which no database can store as UTF-8.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_SHAPELESS = {"Cc", "Cf", "Zl", "Zp", "Zs"}
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


@dataclass(frozen=True)
class PatternAnswer:
    """A pattern: its type, its description, and the ranks of the prefixes that contain it."""

    type: str  # shallow | semantic
    description: str
    ranks: tuple[int, ...]  # ascending, from 1

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise AnnotationError(f"A pattern is shallow or semantic, not {self.type!r}.")
        if len(self.description) > LONGEST_DESCRIPTION:
            raise AnnotationError(
                f"A description has {len(self.description)} characters; "
                f"shorten it to {LONGEST_DESCRIPTION}."
            )
        if not is_printable(self.description):
            raise AnnotationError(
                "A description holds a line break or a control character; write it in one line."
            )
        if any(rank < 1 for rank in self.ranks):
            raise AnnotationError("Prefixes are ranked from 1; a tick names a lower rank.")
        if list(self.ranks) != sorted(set(self.ranks)):
            raise AnnotationError("A pattern ticks a prefix twice, or its ranks are not ascending.")


@dataclass(frozen=True)
class Answer:
    """What an annotator says about a key; `no_pattern` is "I looked and found none"."""

    patterns: tuple[PatternAnswer, ...] = ()
    no_pattern: bool = False

    def __post_init__(self) -> None:
        if len(self.patterns) > MOST_PATTERNS:
            raise AnnotationError(
                f"An answer has {len(self.patterns)} patterns; at most {MOST_PATTERNS} are kept."
            )

    @classmethod
    def from_json(cls, value: object) -> "Answer":
        """Read what `to_json` wrote, or a browser sent; an AnnotationError says what is wrong."""
        entries = _dictionary(value, "An answer", ("patterns", "no_pattern"))
        patterns, no_pattern = entries["patterns"], entries["no_pattern"]
        if not isinstance(patterns, list):
            raise AnnotationError("The patterns of an answer must be a list.")
        if not isinstance(no_pattern, bool):
            raise AnnotationError("no_pattern of an answer must be true or false.")
        return cls(tuple(_pattern(entry) for entry in patterns), no_pattern)

    def to_json(self) -> dict[str, Any]:
        """The answer as lists, dictionaries, strings and numbers."""
        patterns = [
            {"type": entry.type, "description": entry.description, "ranks": list(entry.ranks)}
            for entry in self.patterns
        ]
        return {"patterns": patterns, "no_pattern": self.no_pattern}


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as the database holds it, with what a browser window needs to go on from it."""

    answer: Answer
    status: str  # draft | submitted | skipped
    revision: int  # counts stored changes; 0 means opened, never changed
    writer: str  # the window that made the last change
    sequence: int  # that window's number for it
    seconds: float  # of work; of a pause only its first two minutes
    submitted_at: datetime | None  # UTC; None for a draft
    changed_at: datetime  # UTC; for an answer never changed, when it was opened
    skip_reason: str = ""
    flag: str = ""  # what a lead should look at
    note: str = ""


def is_printable(text: str) -> bool:
    """Whether a text can be stored and shown in one line, in any script, emoji included.

    `str.isprintable` would refuse the joiners that Persian, Hindi and emoji are written with.
    """
    return not any(unicodedata.category(character) in _UNPRINTABLE for character in text)


def reads_as_written(text: str) -> bool:
    """Whether a text can be shown, and shows nothing around it in another order.

    Embeddings, overrides and isolates of writing direction reach beyond the text that holds them.
    Hebrew and Arabic are written without them. Texts stored long ago may hold some: they are
    refused where somebody writes, never where the database is read.
    """
    return is_printable(text) and not any(character in _TURNING for character in text)


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: spaces, joiners and other marks without a shape."""
    return all(unicodedata.category(character) in _SHAPELESS for character in text)


def problems(answer: Answer) -> list[str]:
    """Why the answer cannot be submitted yet, a sentence each; empty if it can be."""
    found = []
    if not answer.patterns and not answer.no_pattern:
        found.append("Add a pattern, or say that you found none.")
    if answer.patterns and answer.no_pattern:
        found.append("You say that you found no pattern; remove the patterns or take that back.")
    for number, entry in enumerate(answer.patterns, start=1):
        if is_blank(entry.description):
            found.append(f"Pattern {number} has no description; say what its prefixes share.")
        if len(entry.ranks) < FEWEST_PREFIXES:
            noun = "prefix" if len(entry.ranks) == 1 else "prefixes"
            found.append(
                f"Pattern {number} is ticked in {len(entry.ranks)} {noun}; "
                f"a pattern needs at least {FEWEST_PREFIXES}."
            )
    return found


def _pattern(value: object) -> PatternAnswer:
    entries = _dictionary(value, "A pattern", ("type", "description", "ranks"))
    type_, description, ranks = entries["type"], entries["description"], entries["ranks"]
    if not isinstance(type_, str) or not isinstance(description, str):
        raise AnnotationError("The type and the description of a pattern must be text.")
    # bool is a kind of int in Python, and `true` is no rank.
    if not isinstance(ranks, list) or not all(type(rank) is int for rank in ranks):
        raise AnnotationError("The ranks of a pattern must be a list of whole numbers.")
    return PatternAnswer(type_, description, tuple(sorted(ranks)))


def _dictionary(value: object, what: str, names: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise AnnotationError(f"{what} must be a dictionary, not {type(value).__name__}.")
    missing = [name for name in names if name not in value]
    if missing:
        raise AnnotationError(f"{what} lacks {', '.join(missing)}.")
    return value
