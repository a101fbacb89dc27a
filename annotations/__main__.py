"""The annotations' command line: `python -m annotations import RUN`, `users add`, `users list`."""

from pathlib import Path
from typing import Annotated

import typer

from annotations import queries
from annotations.database import database_url, make_engine, migrate, session
from annotations.importer import import_run
from annotations.store import add_annotator
from annotations.tables import ANNOTATOR
from mining.command_line import new_app, run
from mining.run_folder import RunFolder

app = new_app("People and their labels: import runs, say who labels.")
users = new_app("Who labels.")
app.add_typer(users, name="users")


@app.command("import")
def import_command(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that mining has made.")],
    keys_per_layer: Annotated[int, typer.Option(help="Keys to draw from each layer.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the random draw.")] = 0,
    name: Annotated[
        str | None, typer.Option(help="The run's name; by default its folder's.")
    ] = None,
) -> None:
    """Put a sample of a run's keys before the annotators; again, it adds what is missing."""
    opened = RunFolder.open(folder)
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        report = import_run(
            opened, session=writing, keys_per_layer=keys_per_layer, seed=seed, name=name
        )
    typer.echo(
        f"{report.name}: {report.added_keys} keys added, {report.present_keys} there already, "
        f"over {report.layers} layers."
    )
    typer.echo(
        f"Passed over: {report.dead_keys} dead keys (no trigger prefix), "
        f"{report.short_keys} with too few prefixes for a pattern."
    )


@users.command("add")
def users_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[str, typer.Option(help="annotator or lead")] = ANNOTATOR,
) -> None:
    """Add somebody who labels."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        added = add_annotator(session=writing, name=name, role=role)
    typer.echo(f"{added.name} ({added.role}) can label now.")


@users.command("list")
def users_list() -> None:
    """Say who labels, and in which role."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine, read_only=True) as reading:
        people = queries.annotators(session=reading)
    for person in people:
        typer.echo(f"{person.name}\t{person.role}")


if __name__ == "__main__":
    run(app, "python -m annotations")
