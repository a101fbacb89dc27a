"""The mining command line: parse, call one function, report."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mining.command_line import layer_numbers, new_app, run, with_value
from mining.errors import KeyholeError
from mining.run_folder import RunFolder
from mining.show import key_view

app = new_app("Find the trigger prefixes of a language model's feed-forward keys.")


@app.callback()
def mining() -> None:
    """Find the trigger prefixes of a language model's feed-forward keys."""


@app.command()
def mine(  # noqa: PLR0913, PLR0917 (a command line's options)
    model: Annotated[str, typer.Argument(help="Hugging Face id, checkpoint folder, or demo")],
    corpus: Annotated[
        str,
        typer.Argument(
            help="Text, JSONL, CSV, Parquet (.gz, .zst): file, folder, glob;"
            " hf:NAME[:CONFIG[:SPLIT]]; demo"
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run folder to write")],
    top_k: Annotated[int, typer.Option(help="Trigger prefixes a key")] = 25,
    layers: Annotated[str, typer.Option(help="Such as 0,3-5; all by default")] = "",
    per_sentence: Annotated[str, typer.Option(help="one | all prefixes of a sentence")] = "one",
    sign: Annotated[str, typer.Option(help="positive | both")] = "positive",
    dtype: Annotated[str, typer.Option(help="float32 | bfloat16")] = "float32",
    device: Annotated[str, typer.Option(help="auto | cpu | cuda")] = "auto",
    max_sentences: Annotated[int | None, typer.Option(help="Read only the first so many")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="Tokens a batch, by device")] = None,
    text_column: Annotated[str, typer.Option(help="Where JSONL, CSV, Parquet keep text")] = "text",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run")] = False,
    checkpoint_seconds: Annotated[float, typer.Option(help="Between checkpoints")] = 60.0,
    cluster: Annotated[
        str | None, typer.Option(metavar="[ADDRESS|auto|local]", help="Ray's, to mine with")
    ] = None,
) -> None:
    """Extract the top trigger prefixes of every key, in one pass."""
    chosen = layer_numbers(layers)
    # torch takes seconds to import: nothing that can be refused without it waits for it.
    from mining.cluster import mine_on_cluster
    from mining.corpus import open_corpus
    from mining.miner import MiningOptions, mine
    from mining.models import load_model
    from mining.run_folder import check_vacant

    check_vacant(out, resume=resume)
    options = MiningOptions(
        top_k, chosen, per_sentence, sign, max_sentences, batch_tokens, resume, checkpoint_seconds
    )
    options.check()
    text = open_corpus(corpus, text_column)
    loaded = load_model(model, dtype=dtype, device=device)
    options.chosen_layers(len(loaded.values))
    work = mine if cluster is None else partial(mine_on_cluster, address=cluster)
    with _progress() as bar:
        task = bar.add_task("mining", total=None)
        manifest = work(
            loaded, text, out, options,
            progress=lambda done, whole: bar.update(task, completed=done, total=whole or None),
            notice=lambda line: bar.console.print(f"note: {line}", markup=False, highlight=False),
        )  # fmt: skip
    typer.echo(
        f"{out}: {len(manifest.mined_layers)} layers x {manifest.d_ff} keys, top {manifest.top_k},"
        f" from {manifest.sentences:,} sentences ({manifest.tokens:,} tokens)"
        f" in {manifest.wall_seconds:.1f} s."
    )


@app.command()
def show(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    layer: Annotated[int, typer.Argument()],
    key: Annotated[int, typer.Argument()],
) -> None:
    """Show one key's trigger prefixes in the terminal."""
    Console().print(key_view(RunFolder.open(run_folder), layer, key))


_MOVED = "Where the run's model is now, if it has moved"
_DEVICE = "auto | cpu | cuda"


@app.command()
def shade(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    keys_per_layer: Annotated[int, typer.Option(help="Keys sampled of each layer")] = 10,
    seed: Annotated[int, typer.Option(help="Of the sample; the same as annotations import's")] = 0,
    model: Annotated[str | None, typer.Option(help=_MOVED)] = None,
    device: Annotated[str, typer.Option(help=_DEVICE)] = "auto",
) -> None:
    """Store a sample's coefficients at every token of its triggers, which the app shows as shading.

    Keys that were stored before stay, so that a sample can be extended.
    """
    run = RunFolder.open(run_folder)
    from mining.probe import model_of_run
    from mining.shade import shade

    with _progress() as bar:
        task = bar.add_task("shading", total=None)
        report = shade(
            run, lambda: model_of_run(run, model, device), keys_per_layer=keys_per_layer, seed=seed,
            progress=lambda done, expected: bar.update(task, completed=done, total=expected),
        )  # fmt: skip
    typer.echo(
        f"{run_folder}: {report.added_keys:,} keys with {report.prefixes:,} triggers shaded;"
        f" {report.present_keys:,} were already."
    )


@app.command()
def analyse(  # noqa: PLR0913, PLR0917 (a command line's options)
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    only: Annotated[str, typer.Option(help="Parts of it")] = "values,removal,composition",
    variant: Annotated[str, typer.Option(help="plain | folded: the final norm before E")] = "plain",
    seed: Annotated[int, typer.Option(help="Of the samples")] = 0,
    prefixes: Annotated[int, typer.Option(help="Sampled for figures 6 to 10")] = 4000,
    keys_per_layer: Annotated[int, typer.Option(help="Sampled of each layer for figure 3")] = 100,
    model: Annotated[str | None, typer.Option(help=_MOVED)] = None,
    device: Annotated[str, typer.Option(help=_DEVICE)] = "auto",
    corpus: Annotated[
        str | None, typer.Option(help="Where figures 6 to 10 draw prefixes; the run's own text")
    ] = None,
    text_column: Annotated[str, typer.Option(help="Where --corpus keeps text")] = "text",
    again: Annotated[bool, typer.Option("--again", help="Also what is there already")] = False,
) -> None:
    """Compute the paper's figures 3 to 10 and table 3 into the run folder, part by part.

    A part that is there with the same settings is not done again.
    """
    run = RunFolder.open(run_folder)
    from mining.analyse import analyse
    from mining.corpus import open_corpus
    from mining.probe import model_of_run

    parts = tuple(part.strip() for part in only.split(","))
    tasks: dict[str, TaskID] = {}
    with _progress() as bar:

        def tell(what: str, done: int, expected: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None, unit=_UNITS.get(what, "tokens"))
            bar.update(tasks[what], completed=done, total=expected or None)

        report = analyse(
            run, lambda: model_of_run(run, model, device, readout=True), only=parts,
            variant=variant, seed=seed, prefixes=prefixes, keys_per_layer=keys_per_layer,
            again=again, corpus=open_corpus(corpus, text_column) if corpus is not None else None,
            progress=tell,
            notice=lambda line: bar.console.print(f"note: {line}", markup=False, highlight=False),
        )  # fmt: skip
    for part, seconds in report.done.items():
        typer.echo(f"{run_folder}: {part} in {seconds:.1f} s.")


@app.command()
def probe(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    layer: Annotated[int, typer.Argument()],
    key: Annotated[int, typer.Argument()],
    text: Annotated[str, typer.Argument(help="Read as one sentence")],
    model: Annotated[str | None, typer.Option(help=_MOVED)] = None,
    device: Annotated[str, typer.Option(help=_DEVICE)] = "auto",
) -> None:
    """Show what a key makes of each token of a text, beside its triggers in the run."""
    run = RunFolder.open(run_folder)
    from mining.probe import Probe, probe_view

    Console().print(probe_view(Probe.of_run(run, model, device), run, layer, key, text))


@app.command()
def probe_server(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN")],
    model: Annotated[str | None, typer.Option(help=_MOVED)] = None,
    device: Annotated[str, typer.Option(help=_DEVICE)] = "auto",
) -> None:
    """Answer probes for another program, such as the app: a JSON object a line in, one out.

    Each has an "id", a "layer", a "key" and a "text". The first line out says that the model is
    loaded; it ends when its input does.
    """
    from mining.probe_server import json_lines, serve

    with json_lines() as (questions, say):
        serve(run_folder, questions, say, model, device)


@app.command()
def bench(
    only: Annotated[str, typer.Option(help="Benchmarks by name, with commas between")] = "",
    corpus: Annotated[str, typer.Option(help="Text to run them on")] = "demo",
    tokens: Annotated[int, typer.Option(help="Tokens of it that each one reads")] = 60_000,
    rounds: Annotated[int, typer.Option(help="Pairs of runs that each ratio is the median of")] = 3,
    device: Annotated[str, typer.Option(help="cpu | cuda")] = "cpu",
    dtype: Annotated[str, typer.Option(help="float32 | bfloat16")] = "float32",
) -> None:
    """Measure mining and the analyses beside the bare model; a JSON line each."""
    from mining import bench_analyses
    from mining.bench import BENCHMARKS, SLOW, Setting, bench

    every = BENCHMARKS | bench_analyses.BENCHMARKS
    chosen = only.split(",") if only else [name for name in every if name not in SLOW]
    for name in chosen:
        if name not in every:
            raise KeyholeError(f"--only {name}: there is no such one; {', '.join(every)}.")
    setting = Setting(corpus, tokens, rounds, device, dtype)
    for name in chosen:
        typer.echo(json.dumps(bench(name, every[name], setting)))


_UNITS = {"values": "values", "top words of values": "layers"}  # of parts that count no tokens


class _Speed(ProgressColumn):
    """Tokens, or whatever a task counts, per second."""

    def render(self, task: Task) -> Text:
        """The speed of a task, once there is one."""
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "tokens")
        return Text(f"{speed:,.0f} {unit}/s" if speed else f"- {unit}/s")


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        _Speed(), TimeRemainingColumn(), console=console,
        transient=True,  # what remains on the screen is the report, or the one line of a mistake
        disable=not console.is_terminal,
    )  # fmt: skip


if __name__ == "__main__":
    run(app, "python -m mining", with_value(sys.argv[1:], "--cluster", "auto"))
