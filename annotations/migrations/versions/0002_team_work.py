"""Working as a team: claims, skips, flags, notes, disclosures, gold; shading and value tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = ("skip_reason", "flag", "note")  # of a submission


def upgrade() -> None:
    op.add_column("run", _filled("claim_hours", sa.Float(), "24"))
    op.add_column("key", sa.Column("wanted", sa.Integer(), nullable=True))
    op.add_column("key", _filled("value_tokens", sa.String(), ""))
    op.create_index("ix_key_run_id_turn", "key", ["run_id", "turn"])
    op.add_column("prefix", sa.Column("shading", sa.JSON(), nullable=True))
    op.add_column("annotator", _filled("shading", sa.Boolean(), sa.false()))
    for name in _TEXT:
        op.add_column("submission", _filled(name, sa.String(), ""))
    with op.batch_alter_table("revision") as revisions:
        revisions.add_column(sa.Column("decided_by", sa.Integer(), nullable=True))
        revisions.create_foreign_key(
            "fk_revision_decided_by_annotator", "annotator", ["decided_by"], ["id"]
        )
    _create_layers()
    _create_disclosures()
    # Whoever is called gold has always stood for the agreed answer.
    op.execute("UPDATE annotator SET role = 'gold' WHERE name = 'gold'")


def downgrade() -> None:
    op.execute("UPDATE annotator SET role = 'annotator' WHERE role = 'gold'")
    op.execute("UPDATE submission SET status = 'draft' WHERE status = 'skipped'")
    op.drop_table("disclosure")
    op.drop_table("layer")
    with op.batch_alter_table("revision") as revisions:
        revisions.drop_constraint("fk_revision_decided_by_annotator", type_="foreignkey")
        revisions.drop_column("decided_by")
    for name in _TEXT:
        op.drop_column("submission", name)
    op.drop_column("annotator", "shading")
    op.drop_column("prefix", "shading")
    op.drop_index("ix_key_run_id_turn", "key")
    op.drop_column("key", "value_tokens")
    op.drop_column("key", "wanted")
    op.drop_column("run", "claim_hours")


def _filled(name: str, kind: sa.types.TypeEngine[object], value: object) -> sa.Column[object]:
    """A column that rows of today get with this value."""
    return sa.Column(name, kind, nullable=False, server_default=value)


def _create_layers() -> None:
    op.create_table(
        "layer",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("keys", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_layer_run_id_run"),
        sa.PrimaryKeyConstraint("run_id", "layer", name="pk_layer"),
    )
    op.execute(
        "INSERT INTO layer (run_id, layer, keys)"
        " SELECT run_id, layer, COUNT(*) FROM key GROUP BY run_id, layer"
    )


def _create_disclosures() -> None:
    op.create_table(
        "disclosure",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("disclosed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name="fk_disclosure_annotator_id_annotator"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_disclosure_run_id_run"),
        sa.PrimaryKeyConstraint("annotator_id", "run_id", name="pk_disclosure"),
    )
