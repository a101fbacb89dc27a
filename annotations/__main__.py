"""The annotations' command line: import, assign, tell what labels add up to."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from annotations import queries, queue, upkeep, users
from annotations.agreement_report import report_agreement
from annotations.agreement_view import agreement_view
from annotations.answer_weights import Policy
from annotations.database import database_url, make_engine, migrate, session
from annotations.dataset_import import import_dataset
from annotations.frames import dataset_frames
from annotations.importer import import_run
from annotations.label_statistics import label_statistics
from annotations.statistics_report import report
from mining.command_line import layer_numbers, new_app, run
from mining.run_folder import RunFolder

app = new_app("People and their labels: import runs, say who labels.")
app.add_typer(users.app, name="users")
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


@app.command("import-dataset")
def import_dataset_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that exports has made.")],
    name: Annotated[
        str | None, typer.Option(help="The run's name, if it is new; by default its own.")
    ] = None,
    edited: Annotated[
        bool, typer.Option("--edited", help="Take files that were changed after their export.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the dataset's answers where newer ones differ.")
    ] = False,
) -> None:
    """Bring a dataset's labels into the database: all of it, or nothing."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        done = import_dataset(folder, session=writing, name=name, edited=edited, replace=replace)
    typer.echo(
        f"{done.run}: {done.added_keys:,} keys added, {done.present_keys:,} there already; "
        f"{done.answers.added:,} answers added, {done.answers.updated:,} updated, "
        f"{done.answers.unchanged:,} as they were."
    )
    if done.added_annotators:
        typer.echo(f"New here: {', '.join(done.added_annotators)}.")
    if done.edited:
        typer.echo(f"Edited since the export: {', '.join(done.edited)}.")


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


@app.command("agreement")
def agreement_command(
    run_name: Annotated[
        str | None, typer.Option("--run", help="The run; by default the newest.")
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Each two annotators, and gold against each.")
    ] = False,
    machines: Annotated[
        bool, typer.Option("--machines", help="Machines are compared as if they were people.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Of the bootstrap over keys.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of bootstrap and permutations.")] = 0,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table there, too.")
    ] = None,
) -> None:
    """Say how far the annotators of a run agree, over all keys and layer by layer."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine, read_only=True) as reading:
        run = queries.run_named(session=reading, name=run_name)
        assert run.id is not None
        report = report_agreement(
            session=reading, run_id=run.id, pairs=pairs, machines=machines, rounds=rounds, seed=seed
        )
    if csv is not None:
        report.write(csv)
    if report.is_empty:
        typer.echo(f"{run.name}: no key has two answers to compare; left out: {report.left_out}.")
        return
    Console().print(agreement_view(report.table))
    typer.echo(f"\nLeft out: {report.left_out}.")


@app.command("statistics")
def statistics_command(
    run_name: Annotated[
        str | None, typer.Option("--run", help="The run; by default the newest.")
    ] = None,
    policy: Annotated[
        Policy, typer.Option(help="Which answers count where several people answered a key.")
    ] = "gold",
    machines: Annotated[
        bool, typer.Option("--machines", help="Count machines among the annotators.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every number to a CSV file.")
    ] = None,
) -> None:
    """Tell patterns per key, coverage, time and trend with intervals, beside the paper's."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine, read_only=True) as reading:
        run = queries.run_named(session=reading, name=run_name)
        assert run.id is not None
        frames = dataset_frames(session=reading, run_id=run.id, answered_only=True)
    found = label_statistics(frames, policy=policy, machines=machines)
    if csv is not None:
        partial = csv.with_name(csv.name + ".partial")
        found.to_csv(partial, index=False, lineterminator="\r\n")
        partial.replace(csv)
    typer.echo(report(found, run=run.name, policy=policy, machines=machines))


if __name__ == "__main__":
    run(app, "python -m annotations")
