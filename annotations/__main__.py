"""The annotations' command line: import runs, assign keys, say who labels."""

from pathlib import Path
from typing import Annotated

import typer

from annotations import people, queries, queue, upkeep
from annotations.database import database_url, make_engine, migrate, session
from annotations.importer import import_run
from annotations.tables import ANNOTATOR
from mining.command_line import layer_numbers, new_app, run
from mining.run_folder import RunFolder

app = new_app("People and their labels: import runs, say who labels.")
users = new_app("Who labels.")
app.add_typer(users, name="users")
app.add_typer(upkeep.app)


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


@app.command("assign")
def assign_command(
    overlap: Annotated[int, typer.Option(help="Annotators for each key.")] = 2,
    layers: Annotated[str, typer.Option(help="Such as 0,3-5; all by default.")] = "",
    claim_hours: Annotated[
        float | None, typer.Option(help="A key left alone for longer goes to somebody else.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Take it back: all may answer all keys.")
    ] = False,
    run_name: Annotated[
        str | None, typer.Option("--run", help="The run; by default the newest.")
    ] = None,
) -> None:
    """Say how many annotators each key shall have; layers left out are offered to nobody."""
    chosen = layer_numbers(layers)
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        run = queries.run_named(session=writing, name=run_name)
        assert run.id is not None
        if everybody:
            queue.open_to_everybody(session=writing, run_id=run.id)
            typer.echo(f"{run.name}: everybody may answer every key.")
            return
        made = queue.assign(
            session=writing, run_id=run.id, overlap=overlap, layers=chosen, claim_hours=claim_hours
        )
    people = "annotator" if made.overlap == 1 else "annotators"
    typer.echo(f"{run.name}: {made.keys} keys wait for {made.overlap} {people} each.")


@users.command("add")
def users_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[str, typer.Option(help="annotator, lead or machine")] = ANNOTATOR,
) -> None:
    """Add somebody who labels."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        added = people.add_annotator(session=writing, name=name, role=role)
    typer.echo(f"{added.name} ({added.role}) can label now.")


@users.command("role")
def users_role(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="annotator or lead")],
) -> None:
    """Make an annotator a lead, or a lead an annotator."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        person = people.set_role(session=writing, name=name, role=role)
    typer.echo(f"{person.name} is {person.role} now.")


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
