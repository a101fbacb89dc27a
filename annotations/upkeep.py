"""The commands that look after the database: migrate, backup, restore, audit."""

from pathlib import Path
from typing import Annotated

import typer

from annotations import audit, backups
from annotations.database import database_url, make_engine, migrate, newest_revision, revision_of
from annotations.database import session as open_session
from mining.command_line import new_app

app = new_app("Look after the database.")


@app.command("migrate")
def migrate_command(
    check: Annotated[
        bool, typer.Option("--check", help="Say what would be done, and change nothing.")
    ] = False,
) -> None:
    """Bring the database up to date; every other command does so too, where it is needed."""
    engine = make_engine(database_url())
    present, newest = revision_of(engine), newest_revision()
    if engine.dialect.name == "postgresql" and present not in (None, newest):
        dump = backups.dump_command(engine.url, Path("keyhole.dump"))
        typer.echo(f"For a backup before the upgrade, run `{dump}`.")
    if check and present != newest:
        typer.echo(f"The database would be brought from {present or 'nothing'} to {newest}.")
        return
    done = migrate(engine)
    if done.before == done.after:
        typer.echo(f"The database has revision {done.after} already; nothing to do.")
        return
    typer.echo(f"The database was brought from {done.before or 'nothing'} to {done.after}.")
    if done.kept is not None:
        typer.echo(f"What it was before is kept in {done.kept}.")


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Copy the whole database to a file, while annotators work."""
    backups.backup(make_engine(database_url()), file, force=force)
    typer.echo(f"The database is in {file} as it was at this moment.")


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` has written.")],
) -> None:
    """Put a backup in the place of the database, and keep what was there."""
    done = backups.restore(make_engine(database_url()), file)
    older = "" if done.revision == newest_revision() else f", brought up from {done.revision}"
    typer.echo(f"The database is what {file} holds{older}.")
    if done.kept is not None:
        typer.echo(f"What it was before is kept in {done.kept}.")


@app.command("audit")
def audit_command(
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file instead.")
    ] = None,
) -> None:
    """Say who did what to users, assignments and answers, a line each."""
    engine = make_engine(database_url())
    migrate(engine)
    with open_session(engine, read_only=True) as reading:
        rows = audit.entries(session=reading)
    if csv is None:
        for line in audit.as_lines(rows):
            typer.echo(line)
        return
    csv.write_text(audit.as_csv(rows), encoding="utf-8", newline="")
    typer.echo(f"{len(rows)} entries are in {csv}.")
