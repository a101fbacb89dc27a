"""The tables, and nothing else. Their history is in `annotations/migrations/`.

Times are aware and in UTC on every engine; SQLModel's own column type sees to it. A person's answer
to a key is one Submission row from the first tick on: a draft until it is submitted, and a draft
again when reopened; what was submitted stays in Revision.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

DRAFT, SUBMITTED = "draft", "submitted"
SHALLOW, SEMANTIC = "shallow", "semantic"
ANNOTATOR, LEAD = "annotator", "lead"

# Every constraint has a name, because SQLite cannot alter a nameless one in a later migration.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class Run(SQLModel, table=True):
    """A mining run whose keys are put to annotators."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    fingerprint: str = Field(unique=True)  # SHA-256 of the manifest
    folder: str
    model: str
    corpus: str
    layers: int
    d_ff: int
    top_k: int
    imported_at: datetime = Field(default_factory=utc_now)


class Key(SQLModel, table=True):
    """A key put to annotators. `turn` is its place in the queue, lowest first."""

    __table_args__ = (UniqueConstraint("run_id", "layer", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id")
    layer: int
    key: int
    active_share: float
    turn: int


class Prefix(SQLModel, table=True):
    """A trigger prefix of a key. `token_ends` are character offsets into `text`, one a token."""

    __table_args__ = (UniqueConstraint("key_id", "rank"),)
    id: int | None = Field(default=None, primary_key=True)
    key_id: int = Field(foreign_key="key.id")
    rank: int
    coefficient: float
    text: str
    token_ends: list[int] = Field(sa_column=Column(JSON, nullable=False))
    next_token: str
    sentence_id: int = Field(sa_type=BigInteger)
    position: int


class Annotator(SQLModel, table=True):
    """A person who labels."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: str = Field(default=ANNOTATOR)
    created_at: datetime = Field(default_factory=utc_now)


class Submission(SQLModel, table=True):
    """One annotator's answer for one key.

    `revision` counts stored changes; `writer` and `sequence` name the browser window that made the
    last one and its number there, so that a stale window is told instead of overwriting.
    """

    __table_args__ = (UniqueConstraint("annotator_id", "key_id"),)
    id: int | None = Field(default=None, primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id")
    key_id: int = Field(foreign_key="key.id", index=True)
    status: str = Field(default=DRAFT)
    no_pattern: bool = Field(default=False)
    revision: int = Field(default=0)
    writer: str = Field(default="")
    sequence: int = Field(default=0, sa_type=BigInteger)
    started_at: datetime = Field(default_factory=utc_now)
    changed_at: datetime = Field(default_factory=utc_now)
    submitted_at: datetime | None = Field(default=None)
    seconds: float = Field(default=0.0)  # of work; long pauses are not counted
    guideline_version: str


class Pattern(SQLModel, table=True):
    """A pattern an annotator saw in a key's prefixes; `number` counts from 1 within the answer."""

    __table_args__ = (UniqueConstraint("submission_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    submission_id: int = Field(
        sa_column=Column(Integer, ForeignKey("submission.id", ondelete="CASCADE"), nullable=False)
    )
    number: int
    type: str
    description: str


class Tick(SQLModel, table=True):
    """A prefix contains a pattern."""

    pattern_id: int = Field(
        sa_column=Column(Integer, ForeignKey("pattern.id", ondelete="CASCADE"), primary_key=True)
    )
    prefix_id: int = Field(
        sa_column=Column(Integer, ForeignKey("prefix.id"), primary_key=True, index=True)
    )


class Revision(SQLModel, table=True):
    """A submitted answer as it was at that moment; never changed, never deleted."""

    __table_args__ = (UniqueConstraint("submission_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    submission_id: int = Field(foreign_key="submission.id")
    number: int
    submitted_at: datetime
    seconds: float
    guideline_version: str
    answer: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
