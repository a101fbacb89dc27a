"""Signing in: identities, passwords, invitations, sign-ins; people who have left."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "annotator", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("annotator", _moment("signed_out_at", nullable=True))
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        _of_annotator("identity"),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
        sa.UniqueConstraint("annotator_id", name="uq_identity_annotator_id"),
        sa.UniqueConstraint("email", name="uq_identity_email"),
    )
    op.create_table(
        "password",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        _moment("changed_at"),
        _of_annotator("password"),
        sa.PrimaryKeyConstraint("annotator_id", name="pk_password"),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(), nullable=False),
        _moment("made_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _of_annotator("invitation"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_sha256", name="uq_invitation_token_sha256"),
    )
    op.create_index("ix_invitation_annotator_id", "invitation", ["annotator_id"])
    op.create_table(
        "signin",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        _moment("begun_at"),
        _moment("seen_at"),
        _moment("expires_at"),
        _of_annotator("signin"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_signin"),
    )
    op.create_index("ix_signin_annotator_id", "signin", ["annotator_id"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("about_sha256", sa.String(), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_about_sha256", "attempt", ["about_sha256"])


def downgrade() -> None:
    for table in ("attempt", "signin", "invitation", "password", "identity"):
        op.drop_table(table)  # and its indexes
    op.drop_column("annotator", "signed_out_at")
    op.drop_column("annotator", "active")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_annotator(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["annotator_id"], ["annotator.id"], name=f"fk_{table}_annotator_id_annotator"
    )
