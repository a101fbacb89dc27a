"""How Alembic runs here: inside the transaction that `annotations.database.migrate` has begun.

A new revision, after a change of tables.py and with a database at the present head:

    from alembic import command
    from annotations.database import alembic_config, database_url, make_engine
    with make_engine(database_url()).begin() as connection:
        command.revision(alembic_config(connection), "what it changes", autogenerate=True)

A revision is history: it names plain SQLAlchemy types and never imports tables.py.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString, UTCDateTime

from annotations.tables import Run


def _plain_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Run.metadata,  # shared by all tables
    render_as_batch=True,  # SQLite alters a table by rebuilding it
    render_item=_plain_type,
)
with context.begin_transaction():
    context.run_migrations()
