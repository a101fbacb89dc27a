"""The exports' command line: `dataset` writes a run's labels as files, `figures` what is known of
its model without labels, `charts` draws both."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from annotations.database import database_url, make_engine, migrate
from annotations.database import session as open_session
from annotations.queries import run_named
from exports.charts import Style, draw_charts
from exports.dataset import write_dataset
from exports.model_figures import write_figures
from exports.selection import Selection, status_of
from mining.command_line import layer_numbers, new_app, run

app = new_app("Turn labels into a CSV dataset, and a dataset into charts.")


@app.command()
def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write; a dataset there is replaced.")],
    run_name: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="Which run; default: the newest.")
    ] = None,
    layers: Annotated[str, typer.Option(help="Such as 0,3-5; all by default.")] = "",
    status: Annotated[str, typer.Option(help="submitted, or all: drafts too.")] = "submitted",
    annotator: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this one's answers; may be repeated."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Show annotators by name, not by pseudonym.")
    ] = False,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="Add copies that spreadsheet programs may open.")
    ] = False,
) -> None:
    """Write the answers of a run as a CSV dataset."""
    selection = Selection(layer_numbers(layers), status_of(status), annotator or None)
    engine = make_engine(database_url())
    migrate(engine)
    with open_session(engine, read_only=True) as session, _progress() as bar:
        chosen = run_named(session=session, name=run_name)
        assert chosen.id is not None
        report = write_dataset(
            out, session=session, run_id=chosen.id, names=names, selection=selection,
            spreadsheet=spreadsheet,
            progress=stages_on(bar),
        )  # fmt: skip
    counts = ", ".join(
        f"{report.rows[f'{table}.csv']:,} {table}"
        for table in ("keys", "prefixes", "submissions", "patterns", "labels")
    )
    typer.echo(f"{report.folder}: {counts}.")
    for notice in (report.notice, report.figures_notice):
        if notice:
            typer.echo(notice)


@app.command()
def figures(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run that was analysed.")],
    out: Annotated[Path, typer.Option(help="Folder for the CSV files; those there are replaced.")],
) -> None:
    """Write the paper's figures 3 to 10 and table 3 of a run as CSV files; no database needed."""
    for path in write_figures(run_folder, out):
        typer.echo(path)


@app.command()
def charts(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the charts; default: DIR/charts.")
    ] = None,
    style: Annotated[
        Style, typer.Option(help="paper: as wide as a column, in print sizes, without titles.")
    ] = "screen",
) -> None:
    """Draw the charts of a dataset from its CSV files, as PNG, SVG and Vega-Lite JSON."""
    drawn = draw_charts(folder, out or folder / "charts", style)
    for path in drawn.paths:
        typer.echo(path)
    for note in drawn.notes:
        typer.echo(note, err=True)


def stages_on(bar: Progress) -> Callable[[str, int, int | None], None]:
    """What to tell of stages: the bar shows one at a time, swinging where its end is not known."""
    tasks: dict[str, TaskID] = {}

    def told(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            for earlier in tasks.values():
                bar.update(earlier, visible=False)
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done)

    return told


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TimeRemainingColumn(), console=console,
        transient=True,  # what remains on the screen is the report, or the one line of a mistake
        disable=not console.is_terminal,
    )  # fmt: skip


if __name__ == "__main__":
    run(app, "python -m exports")
