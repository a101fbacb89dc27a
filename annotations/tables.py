"""The tables, and nothing else. Their history is in `annotations/migrations/`.

Times are aware and in UTC on every engine; SQLModel's own column type sees to it. A person's answer
to a key is one Submission row from the first look on: a draft until it is submitted or skipped, and
a draft again when reopened; what was submitted stays in Revision.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

DRAFT, SUBMITTED, SKIPPED = "draft", "submitted", "skipped"
SHALLOW, SEMANTIC = "shallow", "semantic"
ANNOTATOR, LEAD = "annotator", "lead"
MACHINE = "machine"  # a program whose labels were imported; never mixed into figures about people
GOLD = "gold"  # nobody, but the agreed answer's row
NOT_PEOPLE = (GOLD, MACHINE)

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
    claim_hours: float = Field(default=24.0)  # a claim left alone for longer goes back to the queue


class Layer(SQLModel, table=True):
    """How many keys of a layer are put to annotators; pages must not count them each time."""

    run_id: int = Field(foreign_key="run.id", primary_key=True)
    layer: int = Field(primary_key=True)
    keys: int


class Key(SQLModel, table=True):
    """A key put to annotators. `turn` is its place in the queue, lowest first.

    `wanted` is how many annotators shall answer it, None for everybody. `value_tokens` are the
    tokens that its value pushes towards most, a line each; empty where they are not known.
    """

    __table_args__ = (
        UniqueConstraint("run_id", "layer", "key"),
        Index("ix_key_run_id_turn", "run_id", "turn"),
    )
    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id")
    layer: int
    key: int
    active_share: float
    turn: int
    wanted: int | None = Field(default=None)
    value_tokens: str = Field(default="")


class Prefix(SQLModel, table=True):
    """A trigger prefix of a key. `token_ends` are character offsets into `text`, one a token.

    `shading` is the key's coefficient at each of these tokens, None where mining did not store it.
    """

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
    shading: list[float] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Annotator(SQLModel, table=True):
    """A person who labels. `shading`: whether they want prefixes shaded by coefficient.

    Whoever is not `active` has left: they may do nothing, and their labels stay. What began up to
    `signed_out_at` is over, wherever they signed in.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: str = Field(default=ANNOTATOR)
    created_at: datetime = Field(default_factory=utc_now)
    shading: bool = Field(default=False)
    active: bool = Field(default=True)
    signed_out_at: datetime | None = Field(default=None)


class Submission(SQLModel, table=True):
    """One annotator's answer for one key.

    `revision` counts stored changes; `writer` and `sequence` name the browser window that made the
    last one and its number there, so that a stale window is told instead of overwriting. A reason
    is why the key was skipped, a flag what a lead should look at, a note whatever the person
    writes beside the answer; each is empty where there is none.
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
    skip_reason: str = Field(default="")
    flag: str = Field(default="")
    note: str = Field(default="")


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
    """A submitted answer as it was at that moment; never changed, never deleted.

    `decided_by` is the lead who composed a gold answer, None for everybody's own.
    """

    __table_args__ = (UniqueConstraint("submission_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    submission_id: int = Field(foreign_key="submission.id")
    number: int
    submitted_at: datetime
    seconds: float
    guideline_version: str
    answer: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    decided_by: int | None = Field(default=None, foreign_key="annotator.id")


class Disclosure(SQLModel, table=True):
    """A lead has asked to see everybody's answers of a run.

    From then on an answer of their own would not be blind, and is refused.
    """

    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    run_id: int = Field(foreign_key="run.id", primary_key=True)
    disclosed_at: datetime = Field(default_factory=utc_now)


class Audit(SQLModel, table=True):
    """Somebody did something; never changed, never deleted, which triggers in the database ensure.

    `before` and `after` are what it changed, None where there was or is nothing.
    """

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now)
    who: str  # an annotator's name, or the command line with its system user
    what: str
    about: str
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Identity(SQLModel, table=True):
    """Under which e-mail address an identity provider knows somebody.

    `issuer` and `subject` are what the provider calls them, empty until they sign in for the first
    time. From then on the two are what counts, whoever has the mailbox.
    """

    id: int | None = Field(default=None, primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", unique=True)
    email: str = Field(unique=True)  # as `identities.folded` writes it
    issuer: str = Field(default="")
    subject: str = Field(default="")


class Password(SQLModel, table=True):
    """Somebody's password, as Argon2 hashed it."""

    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    hash: str
    changed_at: datetime = Field(default_factory=utc_now)


class Invitation(SQLModel, table=True):
    """A link with which somebody may set a password, once. Its token is known to them alone."""

    id: int | None = Field(default=None, primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", index=True)
    token_sha256: str = Field(unique=True)
    made_at: datetime = Field(default_factory=utc_now)
    expires_at: datetime
    used_at: datetime | None = Field(default=None)


class SignIn(SQLModel, table=True):
    """A browser in which somebody has signed in by password. Its token is known to it alone."""

    token_sha256: str = Field(primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", index=True)
    begun_at: datetime = Field(default_factory=utc_now)
    seen_at: datetime = Field(default_factory=utc_now)  # give or take an hour
    expires_at: datetime


class Attempt(SQLModel, table=True):
    """Somebody tried to sign in and failed; kept as long as it counts. About a name or an address,
    of which it holds a hash."""

    id: int | None = Field(default=None, primary_key=True)
    about_sha256: str = Field(index=True)
    at: datetime = Field(default_factory=utc_now)
