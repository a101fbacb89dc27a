"""The first tables: runs with their keys and prefixes, people, and their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_runs()
    _create_submissions()
    _create_patterns()


def downgrade() -> None:
    for table in ("revision", "tick", "pattern", "submission", "annotator", "prefix", "key", "run"):
        op.drop_table(table)


def _create_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("corpus", sa.String(), nullable=False),
        sa.Column("layers", sa.Integer(), nullable=False),
        sa.Column("d_ff", sa.Integer(), nullable=False),
        sa.Column("top_k", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("fingerprint", name="uq_run_fingerprint"),
        sa.UniqueConstraint("name", name="uq_run_name"),
    )
    op.create_table(
        "key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("active_share", sa.Float(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_key_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_key"),
        sa.UniqueConstraint("run_id", "layer", "key", name="uq_key_run_id_layer_key"),
    )
    op.create_table(
        "prefix",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("coefficient", sa.Float(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("token_ends", sa.JSON(), nullable=False),
        sa.Column("next_token", sa.String(), nullable=False),
        sa.Column("sentence_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name="fk_prefix_key_id_key"),
        sa.PrimaryKeyConstraint("id", name="pk_prefix"),
        sa.UniqueConstraint("key_id", "rank", name="uq_prefix_key_id_rank"),
    )


def _create_submissions() -> None:
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotator"),
        sa.UniqueConstraint("name", name="uq_annotator_name"),
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("no_pattern", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("writer", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("guideline_version", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name="fk_submission_annotator_id_annotator"
        ),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name="fk_submission_key_id_key"),
        sa.PrimaryKeyConstraint("id", name="pk_submission"),
        sa.UniqueConstraint("annotator_id", "key_id", name="uq_submission_annotator_id_key_id"),
    )
    op.create_index("ix_submission_key_id", "submission", ["key_id"])


def _create_patterns() -> None:
    to_submission = (["submission_id"], ["submission.id"])
    op.create_table(
        "pattern",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            *to_submission, name="fk_pattern_submission_id_submission", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pattern"),
        sa.UniqueConstraint("submission_id", "number", name="uq_pattern_submission_id_number"),
    )
    op.create_table(
        "tick",
        sa.Column("pattern_id", sa.Integer(), nullable=False),
        sa.Column("prefix_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pattern_id"], ["pattern.id"], name="fk_tick_pattern_id_pattern", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["prefix_id"], ["prefix.id"], name="fk_tick_prefix_id_prefix"),
        sa.PrimaryKeyConstraint("pattern_id", "prefix_id", name="pk_tick"),
    )
    op.create_index("ix_tick_prefix_id", "tick", ["prefix_id"])
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("guideline_version", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(*to_submission, name="fk_revision_submission_id_submission"),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.UniqueConstraint("submission_id", "number", name="uq_revision_submission_id_number"),
    )
